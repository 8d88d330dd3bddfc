"""The ComfyUI nodes with tensors of ComfyUI's conventions."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from lively_network import lively_network

import rvm_jax

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

FOLDER = Path(__file__).resolve().parents[2] / "integrations" / "comfyui"


@pytest.fixture(scope="module")
def nodes() -> ModuleType:
    """The folder as ComfyUI imports it: a package of any name."""
    spec = importlib.util.spec_from_file_location(
        "custom_nodes_rvm_jax", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("comfyui") / "face.safetensors"
    rvm_jax.save_torch(lively_network(foreground=False), path)
    return str(path)


def frames() -> np.ndarray:
    """(B, H, W, 3), an IMAGE's values."""
    return np.random.default_rng(0).random((5, 32, 48, 3), np.float32)


def test_declarations(nodes: ModuleType) -> None:
    assert nodes.NODE_CLASS_MAPPINGS.keys() == nodes.NODE_DISPLAY_NAME_MAPPINGS.keys()
    for node in nodes.NODE_CLASS_MAPPINGS.values():
        assert callable(getattr(node, node.FUNCTION))
        assert isinstance(node.RETURN_TYPES, tuple) and "required" in node.INPUT_TYPES()


def test_a_batch_is_a_clip_and_a_stream_goes_on(nodes: ModuleType, checkpoint: str) -> None:
    made = {name: node() for name, node in nodes.NODE_CLASS_MAPPINGS.items()}
    (network,) = made["RvmJaxLoadNetwork"].load(checkpoint, 0.0, "onnxruntime")
    image = torch.from_numpy(frames())
    colours, alpha = made["RvmJaxMatteVideo"].matte(network, image, 2)
    assert colours.shape == image.shape and torch.equal(colours, image)  # the network gives no foreground
    assert alpha.shape == (5, 32, 48) and alpha.dtype == torch.float32
    assert float(alpha.min()) >= 0 and float(alpha.max()) <= 1

    stream = made["RvmJaxMatteStream"]
    parts = [stream.matte(network, image[i : i + 1], False)[1] for i in range(5)]
    np.testing.assert_allclose(torch.cat(parts), alpha, atol=2e-5)
    np.testing.assert_allclose(stream.matte(network, image[:1], True)[1], alpha[:1], atol=2e-5)
    assert np.isnan(stream.IS_CHANGED(image=image))


def test_masks_are_inverted_for_comfyuis_own_nodes(nodes: ModuleType) -> None:
    invert = nodes.NODE_CLASS_MAPPINGS["RvmJaxInvertMask"]().invert
    mask = torch.tensor([[0.0, 0.25], [1.0, 0.5]])
    assert torch.equal(invert(mask)[0], 1 - mask[None])
    assert invert(torch.zeros(3, 4, 5))[0].shape == (3, 4, 5)
