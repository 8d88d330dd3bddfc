"""Errors of the change between a clip's frames: dtSSD and flicker, from jitted sums of whole numbers."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from eval.metrics.metric import ClipMetric, register
from eval.metrics.region import inside
from eval.metrics.sums import sum_rows


class TemporalSums(NamedTuple):
    """Sums (B,) int64 over frames and the frames before them, of bytes."""

    squared: np.ndarray  # Σ ((p_t − p_{t−1}) − (y_t − y_{t−1}))²
    pixels: np.ndarray
    flicker: np.ndarray  # Σ |p_t − p_{t−1}| where y_t = y_{t−1}
    still_pixels: np.ndarray

    @property
    def dtssd(self) -> np.ndarray:
        """RVM's dtSSD: 100 · the root of the mean squared difference of the changes, of alphas in [0, 1]."""
        return np.asarray(100.0 * np.sqrt(np.divide(self.squared, 255.0**2) / np.maximum(self.pixels, 1)))

    @property
    def flicker_mad(self) -> np.ndarray:
        """Mean absolute change of the prediction where the truth does not change, of alphas in [0, 1], times 1000."""
        return np.asarray(np.divide(self.flicker, 0.255) / np.maximum(self.still_pixels, 1))


def temporal_sums(
    pred: np.ndarray, label: np.ndarray, pred_before: np.ndarray, label_before: np.ndarray, sizes: np.ndarray
) -> TemporalSums:
    """Returns the sums of each frame and the one before; arguments as in `sums.error_sums`, all of one shape."""
    rows = jax.device_get(_temporal_rows(pred, label, pred_before, label_before, sizes))
    return TemporalSums(*(values.sum(-1, dtype=np.int64) for values in rows))


@jax.jit
def _temporal_rows(
    pred: jax.Array, label: jax.Array, pred_before: jax.Array, label_before: jax.Array, sizes: jax.Array
) -> tuple[jax.Array, ...]:
    # A row's sums fit 32 bits up to 8,000 pixels of width.
    within = inside(label, sizes)
    of_pred = pred.astype(jnp.int32) - pred_before
    of_label = label.astype(jnp.int32) - label_before
    still = within & (of_label == 0)
    values = (
        jnp.where(within, jnp.square(of_pred - of_label), 0),
        within,
        jnp.where(still, jnp.abs(of_pred), 0),
        still,
    )
    return tuple(sum_rows(value.astype(jnp.int32)) for value in values)


@register
class TemporalDifference(ClipMetric):
    """dtSSD as RVM states it: a clip's first frame counts, with 0."""

    name, title, place = "dtssd", "dtSSD", 50
    legend = "100 · the root mean squared error of the alpha's change between frames; clips only"
    is_main, first = True, 0.0

    def compute(self, sums: TemporalSums) -> np.ndarray:
        return sums.dtssd


@register
class Flicker(ClipMetric):
    """How much the prediction changes where the truth does not; a clip's first frame has no value."""

    name, title, place = "flicker", "flicker", 51
    legend = "1000 · the mean change of the predicted alpha where the true one does not change; clips only"

    def compute(self, sums: TemporalSums) -> np.ndarray:
        return sums.flicker_mad
