"""The face programs' own arithmetic on what the files give them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from lively_network import lively_network
from still_golden import evaluate

import rvm_jax
from rvm_jax.networks.rvm.model import MattingNetwork

pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")


def crop() -> np.ndarray:
    """A smooth BGR crop (256, 256, 3) in [0, 1]."""
    rng = np.random.default_rng(3)
    return cv2.resize(rng.random((9, 9, 3), np.float32), (256, 256), interpolation=cv2.INTER_LINEAR)


def network() -> MattingNetwork:
    """One whose alphas are on both sides of 0.5."""
    network = lively_network()
    head = network.project_mat.conv
    assert head.bias is not None
    head.weight[...] *= 6
    head.bias[...] = head.bias[...].at[3].set(0.98)
    return network


def our_alpha(bgr: np.ndarray) -> np.ndarray:
    """(256, 256), as our own network has it for the first frame."""
    return np.asarray(evaluate(network(), np.ascontiguousarray(bgr[None, ..., ::-1])).pha)[0, ..., 0]


def test_facefusions_masking_gives_back_the_blurred_alpha(tmp_path: Path) -> None:
    path = tmp_path / "xseg_1.onnx"
    written = rvm_jax.export_onnx(network(), path, "facefusion", check=False)

    # Its files: it fetches the model anew unless the checksum beside it is the model's.
    import zlib

    assert [p.name for p in written.paths] == ["xseg_1.onnx", "xseg_1.hash"]
    assert (tmp_path / "xseg_1.hash").read_text() == format(zlib.crc32(path.read_bytes()), "08x")

    # Its masking: the first output of the feed `input`, clipped, resized to the crop, blurred, and stretched from 0.5.
    bgr = crop()
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (feed,) = session.get_inputs()
    assert (feed.name, feed.shape) == ("input", [1, 256, 256, 3])
    first = session.run(None, {"input": bgr[None]})[0]
    assert first.shape == (1, 256, 256, 1)
    mask = first[0].transpose(0, 1, 2).clip(0, 1).astype(np.float32)
    mask = cv2.resize(mask, (256, 256))
    mask = (cv2.GaussianBlur(mask.clip(0, 1), (0, 0), 5).clip(0.5, 1) - 0.5) * 2

    alpha = our_alpha(bgr)
    assert np.mean((alpha > 0.01) & (alpha < 0.99)) > 0.2 and alpha.min() < 0.4
    np.testing.assert_allclose(mask, cv2.GaussianBlur(alpha, (0, 0), 5), atol=2e-5)


def test_visomasters_logits_are_above_zero_on_the_face(tmp_path: Path) -> None:
    rvm_jax.export_onnx(network(), tmp_path / "occluder.onnx", "visomaster", check=False)
    session = ort.InferenceSession(str(tmp_path / "occluder.onnx"), providers=["CPUExecutionProvider"])
    bgr = crop()
    (logits,) = session.run(["output"], {"img": bgr[None, ..., ::-1].transpose(0, 3, 1, 2)})
    alpha = our_alpha(bgr)
    assert logits.shape == (1, 1, 256, 256) and np.isfinite(logits).all()
    assert 0.05 < np.mean(alpha > 0.5) < 0.95
    clear = np.abs(alpha - 0.5) > 1e-4
    np.testing.assert_array_equal(logits[0, 0][clear] > 0, alpha[clear] > 0.5)


def test_deepfacelabs_names_layout_and_operator_set(tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "xseg.onnx"
    rvm_jax.export_onnx(network(), path, "deepfacelab", check=False)
    assert onnx.load(path).opset_import[0].version == 13
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    bgr = crop()
    (masks,) = session.run(["out_mask:0"], {"in_face:0": np.stack([bgr, bgr[::-1]])})
    assert masks.shape == (2, 256, 256, 1)
    np.testing.assert_allclose(masks[0, ..., 0], our_alpha(bgr), atol=2e-5)
