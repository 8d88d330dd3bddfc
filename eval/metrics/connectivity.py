"""Conn, the connectivity error, on the CPU's threads.

Labelling components is one scan over the picture for OpenCV, which holds no lock of Python's while it works, so that
threads do it beside the decoding. A device would pass labels from pixel to pixel, in as many sweeps over the picture as
the longest way through a component has pixels, ten thresholds each.
"""

from functools import cache

import cv2
import numpy as np

from eval.metrics.metric import WindowMetric, register

# The bytes from which an alpha reaches 0.1, 0.2, … 1.
_THRESHOLDS = (26, 51, 77, 102, 128, 153, 179, 204, 230, 255)
_STEP = 0.1
_TOLERANCE = 0.15
_BLOCK = 16  # pixels


@register
class ConnectivityError(WindowMetric):
    """Conn as RVM states it."""

    name, title, place = "conn", "Conn", 40
    legend = "connectivity error, divided by 1000"
    is_main = True

    def compute_within(self, pred: np.ndarray, label: np.ndarray, pixels: int) -> float:
        return connectivity_error(pred, label)


def connectivity_error(pred: np.ndarray, label: np.ndarray) -> float:
    """Returns Conn: Σ |phi(label) − phi(pred)| / 1000, as RVM's evaluation computes it.

    At each threshold 0.1, 0.2 … 1 the largest 4-connected component of pixels where both alphas reach it counts (the
    first one of several). A pixel's level is the last threshold before it falls out of that, 1 where it never does;
    with d = alpha − level, phi = 1 − d where d is 0.15 or more, else 1.

    Args:
      pred, label: alphas (H, W) uint8.
    """
    where = np.flatnonzero(pred != label)
    if not where.size:
        return 0.0
    phi, levels = _phi(), _levels(cv2.min(pred, label)).ravel()[where]
    return float(np.abs(phi[label.ravel()[where], levels] - phi[pred.ravel()[where], levels]).sum() / 1000.0)


def _levels(common: np.ndarray) -> np.ndarray:
    """Returns each pixel's level in tenths, (H, W) uint8, for the smaller of both alphas."""
    levels = np.zeros(common.shape, np.uint8)
    # Nothing but this part ever belongs to a component.
    left, top, width, height = cv2.boundingRect(_reached(common, _THRESHOLDS[0]))
    if not width:
        return levels
    common = np.ascontiguousarray(common[top : top + height, left : left + width])
    seed = _seed(common)
    inside, count = np.ones_like(common), -1  # 1 as long as a pixel has not fallen out
    part = levels[top : top + height, left : left + width]
    for threshold in _THRESHOLDS:
        reached = _reached(common, threshold)
        # The sets shrink as the threshold rises: one of the same size is the same one.
        if cv2.countNonZero(reached) != count:
            count = cv2.countNonZero(reached)
            inside &= _largest_component(reached, count, seed)
        part += inside  # a pixel's level counts the thresholds before the first at which it is outside
    return levels


def _seed(alpha: np.ndarray) -> tuple[int, int]:
    """Returns the column and row of a high value in the middle of high ones: most likely of the largest component."""
    height, width = alpha.shape
    small = cv2.resize(alpha, (-(-width // _BLOCK), -(-height // _BLOCK)), interpolation=cv2.INTER_AREA)
    row, column = np.unravel_index(int(small.argmax()), small.shape)
    rows, columns = _block(int(row), height, small.shape[0]), _block(int(column), width, small.shape[1])
    inner = np.unravel_index(int(alpha[rows, columns].argmax()), alpha[rows, columns].shape)
    return columns.start + int(inner[1]), rows.start + int(inner[0])


def _block(number: int, length: int, of: int) -> slice:
    return slice(number * length // of, max((number + 1) * length // of, number * length // of + 1))


def _reached(alpha: np.ndarray, threshold: int) -> np.ndarray:
    """Returns 1 where the alpha is `threshold` or more, else 0."""
    return np.asarray(cv2.threshold(alpha, threshold - 1, 1, cv2.THRESH_BINARY)[1])


def _largest_component(mask: np.ndarray, count: int, seed: tuple[int, int]) -> np.ndarray:
    """Returns the largest component of a mask of 0 and 1, which it may change, as another; empty where the mask is.

    Args:
      mask: (H, W) uint8 of 0 and 1.
      count: how many 1 it holds.
      seed: a column and row that may lie in it: filling from there takes a fifth of the time that labelling all
        components does, and is enough where it finds more than half of the pixels.
    """
    if mask[seed[1], seed[0]]:
        filled, *_ = cv2.floodFill(mask, None, seed, 2, flags=4)
        if filled == count:
            return np.asarray(mask >> 1)
        if 2 * filled > count:
            return np.asarray(mask == 2).view(np.uint8)
        mask = np.minimum(mask, 1)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count < 3:
        return mask
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return np.asarray(labels == largest).view(np.uint8)


@cache
def _phi() -> np.ndarray:
    """Returns (256, 11) float64: phi of an alpha of a byte at a level in tenths."""
    distance = np.arange(256)[:, None] / 255.0 - _STEP * np.arange(len(_THRESHOLDS) + 1)
    return 1.0 - distance * (distance >= _TOLERANCE)
