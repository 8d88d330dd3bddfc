"""One StableHLO file for every platform, which JAX alone runs."""

from pathlib import Path

import jax
import pytest
from lively_network import lively_network
from still_golden import golden_still

import rvm_jax
from rvm_jax.export.stablehlo import export_stablehlo, load_stablehlo


def test_rvm_for_any_number_of_streams(tmp_path: Path) -> None:
    network, path = lively_network(), tmp_path / "rvm.stablehlo"
    written = export_stablehlo(network, path, size=(32, 48))
    assert written.difference is not None and written.difference < 2e-5

    exported = jax.export.deserialize(bytearray(path.read_bytes()))
    assert exported.platforms == ("cpu", "cuda", "tpu")
    assert [str(aval.shape[0]) for aval in exported.in_avals] == ["batch"] * 5
    assert callable(load_stablehlo(path))


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(rvm_jax.UserError, match="modnet sees sides that are multiples of 32"):
        export_stablehlo(golden_still("modnet"), tmp_path / "x.stablehlo", size=(50, 64))
    (tmp_path / "cut.stablehlo").write_bytes(b"cut")
    with pytest.raises(rvm_jax.UserError, match=r"cut\.stablehlo: is no StableHLO"):
        load_stablehlo(tmp_path / "cut.stablehlo")
