"""Sums of errors over regions, on the device: whole numbers that are divided once, at the end.

The result does not depend on padding, on the batch or on the device.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from eval.metrics.region import REGIONS


class ErrorSums(NamedTuple):
    """Sums over the pixels of a region, of the whole-number error e = pred - label in -255..255; each (B,) int64."""

    squared: np.ndarray  # Σ e²
    absolute: np.ndarray  # Σ |e|
    pixels: np.ndarray

    @property
    def mse(self) -> np.ndarray:
        """Mean squared error of alphas in [0, 1]; the published 1e-8 in the divisor makes it 0 for an empty region."""
        return np.asarray(np.divide(self.squared, 255.0**2) / np.add(self.pixels, 1e-8))

    @property
    def sad(self) -> np.ndarray:
        """Sum of absolute differences of alphas in [0, 1], divided by 1000."""
        return np.asarray(np.divide(self.absolute, 255.0 * 1000.0))

    @property
    def mad(self) -> np.ndarray:
        """Mean absolute difference of alphas in [0, 1]; 0 for an empty region."""
        return np.asarray(np.divide(self.absolute, 255.0) / np.add(self.pixels, 1e-8))


def error_sums(
    pred: np.ndarray, label: np.ndarray, sizes: np.ndarray, kernel_sizes: np.ndarray, regions: Sequence[str]
) -> dict[str, ErrorSums]:
    """Returns the error sums of each picture over each region asked for.

    Args:
      pred, label: alphas (B, H, W) uint8, 0..255, each picture in the upper left corner of its H × W.
      sizes: (B, 2) the pictures' heights and widths; what lies beyond is padding and counts nowhere.
      kernel_sizes: (B, 2) the kernel sizes of the unknown region, see `region.draw_kernel_sizes`.
      regions: names of `region.REGIONS`.

    Returns:
      Sums of shape (B,), int64, by the region's name.
    """
    on_pred, on_label, on_sizes = jax.device_put((pred, label, sizes))
    # Region and sums are programs of their own: XLA's CPU backend would fuse them, and not vectorise the whole.
    masks = {name: REGIONS[name].mask(on_label, on_sizes, kernel_sizes) for name in regions}
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
