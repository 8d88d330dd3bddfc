"""Graphs that are kept beside compiled programs: found again, made anew where damaged, and no more than some."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lively_network import lively_network

import rvm_jax
from rvm_jax.export import kept_graphs
from rvm_jax.export.kept_graphs import KeptNetwork, kept_network
from rvm_jax.matting.options import Settings
from rvm_jax.matting.weights import load_network, loader_for

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

_FRAMES = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), np.uint8)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "rvm.safetensors"
    rvm_jax.save_torch(lively_network(), path)
    return path


def matted(network: Any) -> np.ndarray:
    matter = rvm_jax.Matter(network, 1.0, engine="onnxruntime")
    return np.stack([np.asarray(matter(frame).pha) for frame in _FRAMES])


def refuse() -> Any:
    raise AssertionError("the weights were read")


def test_a_graph_is_found_without_the_weights(weights: Path, tmp_path: Path) -> None:
    first = loader_for(Settings())(weights)
    assert isinstance(first, KeptNetwork)
    expected = matted(first)
    np.testing.assert_array_equal(expected, matted(load_network(weights)))
    assert len(list((tmp_path / "cache/graphs").glob("*.onnx"))) == 1
    found = kept_network(weights, refuse)
    np.testing.assert_array_equal(matted(found), expected)
    assert found.config == first.config


def test_a_damaged_graph_is_made_anew(weights: Path, tmp_path: Path) -> None:
    expected = matted(loader_for(Settings())(weights))
    (graph,) = (tmp_path / "cache/graphs").glob("*.onnx")
    whole = graph.read_bytes()
    graph.write_bytes(whole[:1000])
    np.testing.assert_array_equal(matted(loader_for(Settings())(weights)), expected)
    assert graph.read_bytes() == whole


def test_other_weights_have_other_graphs(weights: Path) -> None:
    loader_for(Settings())(weights)
    with weights.open("ab") as file:
        file.write(b" ")
    with pytest.raises(AssertionError, match="were read"):
        kept_network(weights, refuse)


def test_the_newest_stay(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_graphs, "_KEPT", 2)
    network = loader_for(Settings())(weights)
    assert isinstance(network, KeptNetwork)
    for key in range(3):
        network.keep((key,), b"graph")
    assert network.find((0,)) is None and network.find((2,)) is not None


def test_nothing_is_kept_where_the_user_wants_none(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "")
    assert not isinstance(loader_for(Settings())(weights), KeptNetwork)


@pytest.mark.parametrize("settings", [{"engine": "jax"}, {"precision": "bfloat16"}, {"pad_to": 64}])
def test_jax_reads_the_weights(weights: Path, settings: dict[str, Any]) -> None:
    assert loader_for(Settings(**settings)) is load_network
