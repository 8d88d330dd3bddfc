"""Errors of an alpha, as sums and counts that are divided once, at the end.

For pictures of 8 bits (`error_sums`) everything up to that division is whole numbers: the result does not depend on
padding, batches or the device. For validation during training, `alpha_errors` takes the network's float alphas.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from eval.metrics.region import REGIONS


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


class ErrorSums(NamedTuple):
    """Sums over the pixels of a region, of the whole-number error e = pred - label in -255..255."""

    squared: np.ndarray  # Σ e²
    absolute: np.ndarray  # Σ |e|
    pixels: np.ndarray

    @property
    def mse(self) -> np.ndarray:
        """Mean squared error of alphas in [0, 1]; the published 1e-8 in the divisor makes it 0 for an empty region."""
        return np.divide(self.squared, 255.0**2) / np.add(self.pixels, 1e-8)

    @property
    def sad(self) -> np.ndarray:
        """Sum of absolute differences of alphas in [0, 1], divided by 1000."""
        return np.divide(self.absolute, 255.0 * 1000.0)

    @property
    def mad(self) -> np.ndarray:
        """Mean absolute difference of alphas in [0, 1]; 0 for an empty region."""
        return np.divide(self.absolute, 255.0) / np.add(self.pixels, 1e-8)


def error_sums(
    pred: np.ndarray, label: np.ndarray, sizes: np.ndarray, kernel_sizes: np.ndarray, regions: tuple[str, ...]
) -> dict[str, ErrorSums]:
    """Returns the error sums of each picture over each region asked for.

    Args:
      pred, label: alphas (B, H, W) uint8, 0..255, each picture in the upper left corner of its H × W.
      sizes: (B, 2) the pictures' heights and widths; what lies beyond is padding and counts nowhere.
      kernel_sizes: (B, 2) the kernel sizes of the unknown region, see `eval.region.draw_kernel_sizes`.
      regions: names in `eval.region.REGIONS`.

    Returns: region name → sums of shape (B,), int64.
    """
    on_pred, on_label, on_sizes = jax.device_put((pred, label, sizes))
    # Region and sums are programs of their own: XLA's CPU backend would fuse them, and not vectorise the whole.
    masks = {name: REGIONS[name](on_label, on_sizes, kernel_sizes) for name in regions}
    rows = jax.device_get({name: row_sums(on_pred, on_label, mask) for name, mask in masks.items()})
    # A row's sums fit 32 bits up to 33,000 pixels of width; the rows together need 64, which the device does not have.
    return {name: ErrorSums(*(values.sum(-1, dtype=np.int64) for values in sums)) for name, sums in rows.items()}


@jax.jit
def row_sums(pred: jax.Array, label: jax.Array, mask: jax.Array) -> tuple[jax.Array, ...]:
    """Returns Σ e², Σ |e| and the number of pixels of each row over the mask, each (B, H) int32; arrays (B, H, W)."""
    error = jnp.maximum(pred, label) - jnp.minimum(pred, label)  # |pred - label|, which stays in a byte
    error = jnp.where(mask, error, jnp.uint8(0)).astype(jnp.int32)
    return sum_rows(error * error), sum_rows(error), sum_rows(mask.astype(jnp.int32))


def sum_rows(values: jax.Array) -> jax.Array:
    """Returns the sums (B, H) of the rows of (B, H, W).

    A row is folded into an eighth of its length first: that XLA's CPU backend vectorises, several plain sums at once it
    does not (thirty times slower).
    """
    eighth = values.shape[-1] // 8
    folded = values[..., :eighth]
    for i in range(1, 8):
        folded = folded + values[..., i * eighth : (i + 1) * eighth]
    return folded.sum(-1) + values[..., 8 * eighth :].sum(-1)
