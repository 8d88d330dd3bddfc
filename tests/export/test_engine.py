"""Matting with ONNX Runtime and with OpenVINO: the interface of the JAX engine, and its results."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np
import pytest
from lively_network import lively_network
from still_golden import golden_still

import rvm_jax
from rvm_jax.export.onnx_network import OnnxNetwork
from rvm_jax.matting import load_network, make_engine
from rvm_jax.matting.make_engine import choose_engine

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
HAS_OPENVINO = bool(find_spec("openvino"))
GRAPHS = ["onnxruntime", pytest.param("openvino", marks=pytest.mark.skipif(not HAS_OPENVINO, reason="openvino"))]


def clip(frames: int = 4, height: int = 50, width: int = 66) -> np.ndarray:
    """(T, H, W, 3) uint8."""
    return np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), np.uint8)


def mattes(network: Any, frames: np.ndarray, chunk: int, **settings: Any) -> list[Any]:
    matter = rvm_jax.Matter(network, **settings)
    return [matter(frames[t : t + chunk]) for t in range(0, len(frames), chunk)]


def same(ours: Any, theirs: Any, atol: float = 2e-5) -> None:
    for a, b in zip(jax.tree.leaves(tuple(ours)), jax.tree.leaves(tuple(theirs)), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a, b, atol=atol)


@pytest.mark.parametrize("engine", GRAPHS)
def test_states_and_chunks(engine: str) -> None:
    frames = clip()
    expected = mattes(lively_network(), frames, 2, downsample_ratio=0.6)
    for got, wanted in zip(
        mattes(lively_network(), frames, 2, downsample_ratio=0.6, engine=engine), expected, strict=True
    ):
        same(got, wanted)
    singly = mattes(lively_network(), frames, 1, downsample_ratio=0.6, engine=engine)
    same(singly[-1].rec, expected[-1].rec)


@pytest.mark.parametrize("engine", GRAPHS)
def test_several_streams_one_of_which_begins_anew(engine: str) -> None:
    frames = np.stack([clip(2), clip(2)[::-1], clip(2)[:, ::-1]])
    results = []
    for each in ("jax", engine):
        matter = rvm_jax.Matter(lively_network(), 1.0, streams=3, engine=each)
        matter(frames)
        matter.reset(1)
        results.append(matter(frames[:, ::-1] / np.float32(255)))
    same(results[0], results[1])


def test_scene_cuts() -> None:
    frames = np.concatenate([clip(2) // 8, 255 - clip(2) // 8])
    settings: dict[str, Any] = {"scene_cut": 10, "downsample_ratio": 1.0}
    results = [mattes(lively_network(), frames, 4, **settings, engine=engine)[0] for engine in ("jax", "onnxruntime")]
    same(results[0], results[1])


def test_padded_frames_are_jaxs() -> None:
    """ONNX Runtime's graph has averages over the whole picture, padding and all."""
    assert choose_engine("auto", lively_network(), pads=True) == "jax"
    with pytest.raises(rvm_jax.UserError, match="takes frames as they are, without padding; leave pad_to out"):
        rvm_jax.Matter(lively_network(), pad_to=16, engine="onnxruntime")


@pytest.mark.parametrize("engine", GRAPHS)
@pytest.mark.parametrize("preparation", ["published", "original"])
def test_still_pictures_frame_by_frame(preparation: str, engine: str) -> None:
    network = golden_still("modnet")
    network.preparation_name = preparation
    still = rvm_jax.FrameByFrame(network)
    results = [mattes(still, clip(1, 40, 70), 1, downsample_ratio=0.8, engine=each)[0] for each in ("jax", engine)]
    same(results[0], results[1])


def test_an_exported_file_is_a_network(tmp_path: Path) -> None:
    network, path = lively_network(foreground=False), tmp_path / "face.onnx"
    rvm_jax.export_onnx(network, path, check=False)
    frames = clip()
    expected = mattes(network, frames, 2, downsample_ratio=0.6, engine="onnxruntime")
    for got, wanted in zip(mattes(OnnxNetwork(path), frames, 2, downsample_ratio=0.6), expected, strict=True):
        same(got, wanted)
    with pytest.raises(rvm_jax.UserError, match="face is an ONNX model already"):
        rvm_jax.export_onnx(cast(Any, load_network(path)), tmp_path / "again.onnx")
    fixed = tmp_path / "fixed.onnx"
    rvm_jax.export_onnx(network, fixed, size=(50, 66), downsample_ratio=0.6, check=False)
    same(mattes(OnnxNetwork(fixed), frames, 2, downsample_ratio=0.6)[-1], expected[-1])
    with pytest.raises(rvm_jax.UserError, match=r"fixed\.onnx: takes 1 streams of 66x50 pixels, not 1 of 64x50"):
        mattes(OnnxNetwork(fixed), frames[:, :, :64], 2, downsample_ratio=0.6)
    with pytest.raises(rvm_jax.UserError, match=r"has the ratio 0\.6 baked in"):
        mattes(OnnxNetwork(fixed), frames, 2, downsample_ratio=1.0)


def installed(*names: str) -> Any:
    """A `find_spec` where of the packages that engines need only these are installed."""
    return lambda name: find_spec("numpy") if name in names else None


def test_which_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    network = rvm_jax.create(rngs=None)
    monkeypatch.setattr(make_engine, "find_spec", installed("onnx", "onnxruntime", "openvino"))
    assert choose_engine("auto", network) == "openvino"
    assert choose_engine("onnxruntime", network) == "onnxruntime"
    assert choose_engine("auto", network, precision="bfloat16") == "jax"
    assert choose_engine("jax", network) == "jax"
    assert choose_engine("auto", cast(Any, object())) == "onnxruntime"  # of an .onnx file
    with pytest.raises(rvm_jax.UserError, match="engine 'torch' is unknown"):
        choose_engine("torch", network)
    for engine in ("onnxruntime", "openvino"):
        with pytest.raises(rvm_jax.UserError, match=f"'{engine}' computes in float32"):
            choose_engine(engine, network, precision="bfloat16")
    monkeypatch.setattr(make_engine, "find_spec", installed("onnx", "onnxruntime"))
    assert choose_engine("auto", network) == "onnxruntime"
    with pytest.raises(rvm_jax.UserError, match=r"needs the package openvino; pip install 'rvm-jax\[openvino\]'"):
        choose_engine("openvino", network)
    monkeypatch.setattr(make_engine, "find_spec", installed("onnx"))
    assert choose_engine("auto", network) == "jax"
    with pytest.raises(rvm_jax.UserError, match=r"needs the package onnxruntime; pip install 'rvm-jax\[onnxruntime\]'"):
        choose_engine("onnxruntime", network)


@pytest.mark.skipif(not HAS_OPENVINO, reason="openvino")
def test_openvino_refuses_what_is_no_graph() -> None:
    from rvm_jax.export.runtimes import OpenVinoProgram

    with pytest.raises(rvm_jax.UserError, match="the model: is no ONNX model that OpenVINO can run"):
        OpenVinoProgram(b"no graph", 1)
