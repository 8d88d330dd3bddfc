"""Matting with ONNX Runtime: the interface of the JAX engine, and its results."""

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


def test_states_and_chunks() -> None:
    frames = clip()
    expected = mattes(lively_network(), frames, 2, downsample_ratio=0.6)
    for got, wanted in zip(
        mattes(lively_network(), frames, 2, downsample_ratio=0.6, engine="onnxruntime"), expected, strict=True
    ):
        same(got, wanted)
    singly = mattes(lively_network(), frames, 1, downsample_ratio=0.6, engine="onnxruntime")
    same(singly[-1].rec, expected[-1].rec)


def test_several_streams_one_of_which_begins_anew() -> None:
    frames = np.stack([clip(2), clip(2)[::-1], clip(2)[:, ::-1]])
    results = []
    for engine in ("jax", "onnxruntime"):
        matter = rvm_jax.Matter(lively_network(), 1.0, streams=3, engine=engine)
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


@pytest.mark.parametrize(("name", "preparation"), [("modnet", "published"), ("modnet", "original")])
def test_still_pictures_frame_by_frame(name: str, preparation: str) -> None:
    network = golden_still(name)
    network.preparation_name = preparation
    still = rvm_jax.FrameByFrame(network)
    results = [
        mattes(still, clip(1, 40, 70), 1, downsample_ratio=0.8, engine=engine)[0] for engine in ("jax", "onnxruntime")
    ]
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


def test_which_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    network = rvm_jax.create(rngs=None)
    assert choose_engine("auto", network) == "onnxruntime"
    assert choose_engine("auto", network, precision="bfloat16") == "jax"
    assert choose_engine("jax", network) == "jax"
    with pytest.raises(rvm_jax.UserError, match="engine 'torch' is unknown"):
        choose_engine("torch", network)
    with pytest.raises(rvm_jax.UserError, match="computes in float32"):
        choose_engine("onnxruntime", network, precision="bfloat16")
    monkeypatch.setattr(make_engine, "find_spec", lambda name: None if name == "onnxruntime" else find_spec(name))
    assert choose_engine("auto", network) == "jax"
    with pytest.raises(rvm_jax.UserError, match=r"needs the package onnxruntime; pip install 'rvm-jax\[onnxruntime\]'"):
        choose_engine("onnxruntime", network)
