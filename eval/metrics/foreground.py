"""Errors of the foreground's colours where the face is seen, from jitted sums of whole numbers."""

import jax
import jax.numpy as jnp
import numpy as np

from eval.metrics.metric import ForegroundMetric, register
from eval.metrics.region import face
from eval.metrics.sums import ErrorSums, row_sums


@register
class ForegroundDifference(ForegroundMetric):
    """MAD of the foreground as RVM states it."""

    name, title, place = "fgr_mad", "fgr MAD", 60
    legend = "mean absolute difference of the foreground where the true alpha is above 0, times 1000"

    def compute(self, sums: ErrorSums) -> np.ndarray:
        return 1000.0 * sums.mad


@register
class ForegroundSquaredError(ForegroundMetric):
    """MSE of the foreground as RVM states it."""

    name, title, place = "fgr_mse", "fgr MSE", 61
    legend = "mean squared error of the foreground where the true alpha is above 0, times 1000"

    def compute(self, sums: ErrorSums) -> np.ndarray:
        return 1000.0 * sums.mse


def foreground_sums(fgr_pred: np.ndarray, fgr_label: np.ndarray, label: np.ndarray, sizes: np.ndarray) -> ErrorSums:
    """Returns the error sums (B,) of foregrounds where the true alpha is above 0; `pixels` counts their three channels.

    Args:
      fgr_pred, fgr_label: RGB (B, H, W, 3) uint8.
      label, sizes: see `sums.error_sums`.
    """
    batch, height, width = label.shape
    mask = jnp.repeat(face(label, sizes), 3, axis=2)
    flat = (array.reshape(batch, height, 3 * width) for array in (fgr_pred, fgr_label))
    rows = jax.device_get(row_sums(*flat, mask))
    return ErrorSums(*(values.sum(-1, dtype=np.int64) for values in rows))
