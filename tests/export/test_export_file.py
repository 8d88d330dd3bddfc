"""What an exported file is like, and what is refused."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lively_network import lively_network

import rvm_jax
from rvm_jax.export import Exported
from rvm_jax.networks.rvm.model import MattingNetwork

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "export.py"


@pytest.fixture(scope="module")
def network() -> MattingNetwork:
    return lively_network(foreground=False)


@pytest.fixture(scope="module")
def written(network: MattingNetwork, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    path = tmp_path_factory.mktemp("export") / "face.onnx"
    return rvm_jax.export_onnx(network, path, check=False, licence="CC0", name="face")


def test_the_contract_of_rvm(written: Exported) -> None:
    model = onnx.load(written.paths[0])
    names = [value.name for value in model.graph.input], [value.name for value in model.graph.output]
    assert names[0] == ["src", "r1i", "r2i", "r3i", "r4i", "downsample_ratio"]
    assert names[1] == ["pha", "r1o", "r2o", "r3o", "r4o"]
    dims = [dim.dim_param for value in model.graph.input[1:5] for dim in value.type.tensor_type.shape.dim]
    assert len(set(dims)) == 16  # none shared between states
    assert (model.opset_import[0].version, model.ir_version) == (18, 8)


def test_nothing_in_it_is_unused(written: Exported) -> None:
    model = onnx.load(written.paths[0])
    assert len(model.graph.node) == written.nodes <= 310
    branches = [a.g for node in model.graph.node for a in node.attribute if node.op_type == "If"]
    nodes = [*model.graph.node, *(node for branch in branches for node in branch.node)]
    read = {name for node in nodes for name in node.input} | {value.name for value in model.graph.output}
    assert {tensor.name for tensor in model.graph.initializer} <= read
    assert not any(node.op_type == "BatchNormalization" for node in nodes)
    assert any(tensor.name == "decoder.decode0.conv.3.weight" for tensor in model.graph.initializer)


def test_its_metadata(written: Exported, network: MattingNetwork) -> None:
    from rvm_jax.export.onnx_file import weights_checksum

    told = {entry.key: entry.value for entry in onnx.load(written.paths[0]).metadata_props}
    assert (told["name"], told["licence"], told["size"]) == ("face", "CC0", "any")
    assert told["weights_sha256"] == weights_checksum(network)
    assert told["revision"] == told["weights_sha256"][:12]
    assert "[0, 1]" in told["values"]


def test_a_difference_above_the_bound_leaves_nothing(network: MattingNetwork, tmp_path: Path) -> None:
    path = tmp_path / "face.onnx"
    with pytest.raises(rvm_jax.UserError, match=r"differ by .* nothing was written"):
        rvm_jax.export_onnx(network, path, "visomaster", bound=0.0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "contract", "settings", "said"),
    [
        ("modnet", "rvm", {}, "modnet has no recurrent states"),
        ("mgmatting_guided", "facefusion", {}, "mgmatting_guided wants a mask beside the picture, which FaceFusion"),
        ("aematter", None, {}, "aematter is exported for one size"),
        ("modnet", None, {"size": (100, 64)}, "multiples of 32; export it for 64x128"),
        ("modnet", "facefusion", {"size": (512, 512)}, "single pictures of 256x256"),
        ("rvm", "tensorrt", {}, "contract 'tensorrt' is unknown; use one of rvm, picture, facefusion"),
        ("rvm", None, {"dtype": "int8"}, "dtype 'int8' is unknown"),
        ("rvm", None, {"size": (8, 8), "downsample_ratio": 0.1}, "leave nothing"),
        ("rvm", None, {"chunk": 0}, "frames is 0"),
    ],
)
def test_refusals(name: str, contract: str | None, settings: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(rvm_jax.UserError, match=said):
        rvm_jax.export_onnx(rvm_jax.create(name, rngs=None), tmp_path / "x.onnx", contract, **settings)
    assert not list(tmp_path.iterdir())


def test_a_layer_without_an_onnx_form_is_named(tmp_path: Path) -> None:
    network = rvm_jax.create(rngs=None)
    network.backbone.features[3].block[1][2] = np.sin
    with pytest.raises(rvm_jax.UserError, match=r"the layer sin .* has no ONNX form"):
        rvm_jax.export_onnx(network, tmp_path / "x.onnx")


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("onnx", "exporting needs the package onnx; pip install"),
        ("onnxruntime", "ONNX Runtime is not installed; pip install .*--nocheck"),
    ],
)
def test_a_missing_package_is_one_sentence(
    network: MattingNetwork, package: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(rvm_jax.UserError, match=said):
        rvm_jax.export_onnx(network, tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


def test_a_damaged_model_is_one_sentence(tmp_path: Path) -> None:
    from rvm_jax.export.check import open_session

    path = tmp_path / "cut.onnx"
    path.write_bytes(b"\x08\x08cut")
    with pytest.raises(rvm_jax.UserError, match=r"cut\.onnx: is no ONNX model"):
        open_session(str(path))


def test_the_command(network: MattingNetwork, tmp_path: Path) -> None:
    rvm_jax.save_torch(network, tmp_path / "face.safetensors")
    command = [sys.executable, str(SCRIPT), f"--checkpoint={tmp_path / 'face.safetensors'}", "--size=64x48"]
    result = subprocess.run([*command, f"--output={tmp_path / 'face.onnx'}"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"{tmp_path / 'face.onnx'}: ")
    assert "differs from JAX by at most" in result.stdout
    assert onnx.load(tmp_path / "face.onnx").graph.input[0].type.tensor_type.shape.dim[3].dim_value == 64
