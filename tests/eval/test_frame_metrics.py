"""Grad, Conn, dtSSD, flicker, IoU and foreground errors: golden data, by hand, and under padding."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from eval.metrics.connectivity import connectivity_error
from eval.metrics.foreground import foreground_sums
from eval.metrics.gradient import gradient_error
from eval.metrics.temporal import temporal_sums
from eval.metrics.visible import visible_iou

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "rvm" / "evaluation_video.npz")
PRED, TRUE = (np.round(255 * GOLDEN[name]).astype(np.uint8) for name in ("pred", "true"))
SIZES = np.full((len(PRED), 2), PRED.shape[1:], np.int32)


def _bytes(values: list[list[list[int]]]) -> np.ndarray:
    return np.array(values, np.uint8)


def _padded(array: np.ndarray, shape: tuple[int, int], value: int = 77) -> np.ndarray:
    padded = np.full((len(array), *shape), value, np.uint8)
    padded[:, : array.shape[1], : array.shape[2]] = array
    return padded


def test_against_golden() -> None:
    np.testing.assert_allclose(gradient_error(PRED, TRUE, SIZES), GOLDEN["grad"], rtol=1e-4)
    conn = [connectivity_error(*frame) for frame in zip(PRED, TRUE, strict=True)]
    np.testing.assert_allclose(conn, GOLDEN["conn"], rtol=1e-4)
    before = np.maximum(np.arange(len(PRED)) - 1, 0)
    temporal = temporal_sums(PRED, TRUE, PRED[before], TRUE[before], SIZES)
    np.testing.assert_allclose(temporal.dtssd, GOLDEN["dtssd"], rtol=1e-4)


def test_padding_changes_nothing() -> None:
    pred, true = (_padded(array, (96, 128)) for array in (PRED, TRUE))
    np.testing.assert_allclose(gradient_error(pred, true, SIZES), GOLDEN["grad"], rtol=1e-4)
    before = np.maximum(np.arange(len(PRED)) - 1, 0)
    alone = temporal_sums(PRED, TRUE, PRED[before], TRUE[before], SIZES)
    among = temporal_sums(pred, true, pred[before] // 2, true[before], SIZES)
    padded = temporal_sums(pred, true, pred[before], true[before], SIZES)
    np.testing.assert_array_equal(alone, padded)
    assert (among.flicker > alone.flicker)[1:].all()
    np.testing.assert_array_equal(visible_iou(PRED, TRUE, SIZES), visible_iou(pred, true, SIZES))


def test_gradient_by_hand() -> None:
    """A step of 1 in the prediction, a constant truth: the correlations of a row are partial sums of the derivative."""
    pred, label = np.zeros((1, 20, 20), np.uint8), np.full((1, 20, 20), 9, np.uint8)
    pred[..., 10:] = 200  # stretched to 1
    x = np.arange(-4, 5)
    smooth = np.exp(-(x**2) / (2 * 1.4**2))
    derivative = x * smooth
    kernel = np.outer(smooth, derivative)
    response = [smooth.sum() * derivative[max(0, 4 + 10 - column) :].sum() for column in range(20)]
    expected = 20 * np.square(response).sum() / np.square(kernel).sum() / 1000
    assert float(gradient_error(pred, label, np.array([[20, 20]]))[0]) == pytest.approx(expected, rel=1e-5)


def test_connectivity_by_hand() -> None:
    """A second, smaller blob of the prediction falls out at once: its level is 0, so phi is 1 - alpha."""
    label = np.zeros((10, 10), np.uint8)
    label[:4, :4] = label[8:, 8:] = 255
    pred = label.copy()
    pred[8:, 8:] = 204  # 0.8
    # Truth 1 at level 0: phi 0; prediction 0.8 at level 0: phi 0.2; four pixels.
    assert connectivity_error(pred, label) == pytest.approx(4 * 0.2 / 1000)
    # Inside the largest component 0.8 is at level 0.8 (d = 0): phi 1; truth 1 at 0.8 has d = 0.2: phi 0.8.
    pred = label.copy()
    pred[0, 0] = 204
    assert connectivity_error(pred, label) == pytest.approx(0.2 / 1000)
    assert connectivity_error(label, label) == 0


def test_connectivity_takes_the_first_of_equal_components() -> None:
    label = np.zeros((5, 9), np.uint8)
    label[3:, :3] = label[:2, 6:] = 255  # the upper right one comes first in the scan
    right = np.arange(9) > 4
    # 230 (0.902) in the first one: its level is 0.9, d below 0.15, phi 1; so is the truth's, with d = 0.1.
    assert connectivity_error(np.where(right, label // 255 * 230, label).astype(np.uint8), label) == 0
    # In the other one the level is 0: phi is 1 - alpha.
    second = np.where(right, label, label // 255 * 230).astype(np.uint8)
    assert connectivity_error(second, label) == pytest.approx(6 * (1 - 230 / 255) / 1000)


def test_temporal_errors_by_hand() -> None:
    """Four pixels: one moves with the truth, one flickers by 51 where the truth is still, one lags behind by 102."""
    label_before, label = _bytes([[[0, 255, 255, 0]]]), _bytes([[[255, 255, 102, 0]]])
    pred_before, pred = _bytes([[[0, 255, 255, 0]]]), _bytes([[[255, 204, 204, 0]]])
    sums = temporal_sums(pred, label, pred_before, label_before, np.array([[1, 4]]))
    assert sums.dtssd[0] == pytest.approx(100 * np.sqrt((0.2**2 + 0.4**2) / 4))
    assert (sums.flicker[0], sums.still_pixels[0]) == (51, 2)
    assert sums.flicker_mad[0] == pytest.approx(1000 * 0.2 / 2)


def test_iou_by_hand() -> None:
    label, pred = _bytes([[[255, 128, 127, 0]]]), _bytes([[[128, 0, 255, 0]]])
    sizes = np.array([[1, 4]])
    assert visible_iou(pred, label, sizes)[0] == pytest.approx(1 / 3)
    assert visible_iou(pred * 0, label * 0, sizes)[0] == 1


def test_foreground_by_hand() -> None:
    rng = np.random.default_rng(0)
    label = _bytes([[[255, 1, 0], [0, 128, 0]]])
    pred, true = rng.integers(0, 256, (2, 1, 2, 3, 3)).astype(np.uint8)
    sums = foreground_sums(pred, true, label, np.array([[2, 3]]))
    error = (pred.astype(float) - true)[label > 0] / 255
    assert sums.pixels[0] == 9
    assert sums.mad[0] == pytest.approx(abs(error).mean())
    assert sums.mse[0] == pytest.approx((error**2).mean())


def test_components_are_numbered_in_the_order_of_the_scan() -> None:
    """What "the first of several" rests on in OpenCV."""
    rng = np.random.default_rng(0)
    mask = (rng.random((64, 64)) < 0.4).astype(np.uint8)
    _, labels = cv2.connectedComponents(mask, connectivity=4)
    firsts = [np.flatnonzero(labels == i)[0] for i in range(1, labels.max() + 1)]
    assert firsts == sorted(firsts)
