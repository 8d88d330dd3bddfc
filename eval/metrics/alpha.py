"""Errors over whole alphas: MAD and MSE of an evaluation's pictures, and of a network's alphas during training."""

from dataclasses import dataclass

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from eval.metrics.metric import WindowMetric, register

# Over whole pictures OpenCV's sums, which are exact, cost less than the way to a batch.


@register
class MeanAbsoluteDifference(WindowMetric):
    """MAD as RVM states it."""

    name, title, place = "mad", "MAD", 0
    legend = "mean absolute difference of alphas over all pixels, times 1000"
    optional, is_main = False, True

    def compute_within(self, pred: np.ndarray, label: np.ndarray, pixels: int) -> float:
        return cv2.norm(pred, label, cv2.NORM_L1) / pixels / 0.255


@register
class MeanSquaredError(WindowMetric):
    """MSE as RVM states it."""

    name, title, place = "mse", "MSE", 1
    legend = "mean squared error of alphas over all pixels, times 1000"
    optional = False

    def compute_within(self, pred: np.ndarray, label: np.ndarray, pixels: int) -> float:
        return cv2.norm(pred, label, cv2.NORM_L2SQR) / pixels / 0.255**2 * 1e-3


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Mean:
    """A mean under way: `merge` the states of several batches, `compute` their common mean at the end."""

    total: jax.Array | np.ndarray | float
    count: jax.Array | np.ndarray | float

    def merge(self, other: "Mean") -> "Mean":
        return Mean(self.total + other.total, self.count + other.count)

    def compute(self) -> float:
        """Returns total / count, NaN where nothing was counted."""
        return float(self.total) / float(self.count) if self.count else float("nan")


@jax.jit
def alpha_errors(pred: jax.Array, label: jax.Array) -> dict[str, Mean]:
    """Returns `mad` (mean absolute difference) and `mse` (mean squared error) over all pixels.

    Args:
      pred, label: alphas (..., H, W, 1) in [0, 1]; each H × W along the leading axes (batch, time) is a picture.

    A state totals the pictures' own means in float32 and counts pictures, so states of batches of any number and
    resolution merge to the mean over all pictures. RVM states both values times 1000.
    """
    error = pred.astype(jnp.float32) - label.astype(jnp.float32)
    pictures = jnp.float32(np.prod(error.shape[:-3]))

    def over_pictures(values: jax.Array) -> Mean:
        return Mean(values.mean((-3, -2, -1)).sum(), pictures)

    return {"mad": over_pictures(jnp.abs(error)), "mse": over_pictures(jnp.square(error))}
