"""Errors of frames besides those of `metrics`: Grad, temporal errors, IoU, foreground; jitted, for batches of frames.

All but Grad are whole numbers up to their division, so they do not depend on padding, batches or the device; Grad's
float32 sums agree to rounding.
"""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from eval.metrics.alpha import ErrorSums, row_sums, sum_rows
from eval.metrics.region import Array, face, inside

VISIBLE_FROM = 128  # the first byte above one half
_SIGMA, _RADIUS = 1.4, 4


def gradient_error(pred: Array, label: Array, sizes: Array) -> jax.Array:
    """Returns Grad (B,) float32: Σ (|∇pred| − |∇label|)² / 1000, as RVM's evaluation computes it.

    Each picture is stretched to minimum 0 and maximum 1 (a constant one becomes 0), and correlated with Gaussian
    derivatives of sigma 1.4, 9 × 9, of unit norm, its border replicated.

    Args:
      pred, label: alphas (B, H, W), uint8 or float, each picture in the upper left corner of its H × W.
      sizes: (B, 2) the pictures' heights and widths; what lies beyond is padding and counts nowhere.
    """
    return _squared_difference(_gradient(pred, sizes), _gradient(label, sizes), sizes)


@jax.jit
def _squared_difference(of_pred: jax.Array, of_label: jax.Array, sizes: Array) -> jax.Array:
    squared = jnp.where(inside(of_pred, sizes), jnp.square(of_pred - of_label), 0.0)
    return jnp.sum(squared, axis=(1, 2)) / 1000.0


def _gradient(alpha: Array, sizes: Array) -> jax.Array:
    """Returns the magnitude (B, H, W) float32 of the gradient of the stretched alpha."""
    stretched = _stretch(alpha, sizes)
    # Passes are programs of their own: in one, XLA's CPU backend computes the first anew for each tap of the second.
    along_x = _correlate(_correlate(stretched, 0, 1), 1, 2)
    along_y = _correlate(_correlate(stretched, 1, 1), 0, 2)
    return _magnitude(along_x, along_y)


@jax.jit
def _stretch(alpha: Array, sizes: Array) -> jax.Array:
    """Returns the alpha from 0 to 1, (B, H + 8, W + 8) float32, its border replicated into all that lies beyond."""
    within = inside(alpha, sizes)
    alpha = alpha.astype(jnp.float32)
    low = jnp.min(jnp.where(within, alpha, jnp.inf), axis=(1, 2), keepdims=True)
    high = jnp.max(jnp.where(within, alpha, -jnp.inf), axis=(1, 2), keepdims=True)
    stretched = jnp.where(within & (high > low), (alpha - low) / jnp.maximum(high - low, 1e-12), 0.0)
    _, height, width = alpha.shape
    last_row, last_column = jnp.maximum(sizes[:, :1, None] - 1, 0), jnp.maximum(sizes[:, 1:, None] - 1, 0)
    columns, rows = jnp.arange(width)[None, None, :], jnp.arange(height)[None, :, None]
    at_edge = jnp.sum(jnp.where(columns == last_column, stretched, 0.0), axis=2, keepdims=True)
    stretched = jnp.where(columns > last_column, at_edge, stretched)
    at_edge = jnp.sum(jnp.where(rows == last_row, stretched, 0.0), axis=1, keepdims=True)
    stretched = jnp.where(rows > last_row, at_edge, stretched)
    return jnp.pad(stretched, ((0, 0), (_RADIUS, _RADIUS), (_RADIUS, _RADIUS)), mode="edge")


@partial(jax.jit, static_argnums=(1, 2))
def _correlate(values: jax.Array, which: int, axis: int) -> jax.Array:
    """Correlates along the axis with the filter of that number."""
    length = values.shape[axis] - 2 * _RADIUS
    taps = enumerate(_filters()[which])
    terms = (weight * jax.lax.slice_in_dim(values, i, i + length, axis=axis) for i, weight in taps)
    return sum(terms, start=jnp.float32(0))


@jax.jit
def _magnitude(along_x: jax.Array, along_y: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.square(along_x) + jnp.square(along_y))


def _filters() -> tuple[list[float], list[float]]:
    """The two factors, 9 values each, of the filter of unit norm: a Gaussian and its derivative."""
    places = np.arange(-_RADIUS, _RADIUS + 1)
    smooth = np.exp(-(places**2) / (2 * _SIGMA**2)) / (_SIGMA * math.sqrt(2 * math.pi))
    derivative = -places * smooth / _SIGMA**2
    norm = math.sqrt(np.square(np.outer(smooth, derivative)).sum())
    return list(smooth), list(derivative / norm)


class TemporalSums(NamedTuple):
    """Sums (B,) int64 over frames and the frames before them, of bytes."""

    squared: np.ndarray  # Σ ((p_t − p_{t−1}) − (y_t − y_{t−1}))²
    pixels: np.ndarray
    flicker: np.ndarray  # Σ |p_t − p_{t−1}| where y_t = y_{t−1}
    still_pixels: np.ndarray

    @property
    def dtssd(self) -> np.ndarray:
        """RVM's dtSSD: 100 · the root of the mean squared difference of the changes, of alphas in [0, 1]."""
        return 100.0 * np.sqrt(np.divide(self.squared, 255.0**2) / np.maximum(self.pixels, 1))

    @property
    def flicker_mad(self) -> np.ndarray:
        """Mean absolute change of the prediction where the truth does not change, of alphas in [0, 1], times 1000."""
        return np.divide(self.flicker, 0.255) / np.maximum(self.still_pixels, 1)


def temporal_sums(
    pred: np.ndarray, label: np.ndarray, pred_before: np.ndarray, label_before: np.ndarray, sizes: np.ndarray
) -> TemporalSums:
    """Returns the sums of each frame and the one before; arguments as in `metrics.error_sums`, all of one shape."""
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


def visible_iou(pred: np.ndarray, label: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Returns the intersection over union (B,) of the alphas above one half; 1 where both are empty."""
    both, either = (np.asarray(rows).sum(-1, dtype=np.int64) for rows in _overlap_rows(pred, label, sizes))
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


@jax.jit
def _overlap_rows(pred: jax.Array, label: jax.Array, sizes: jax.Array) -> tuple[jax.Array, jax.Array]:
    is_pred, is_label = pred >= VISIBLE_FROM, label >= VISIBLE_FROM
    within = inside(label, sizes)
    both, either = is_pred & is_label & within, (is_pred | is_label) & within
    return sum_rows(both.astype(jnp.int32)), sum_rows(either.astype(jnp.int32))


def foreground_sums(fgr_pred: np.ndarray, fgr_label: np.ndarray, label: np.ndarray, sizes: np.ndarray) -> ErrorSums:
    """Returns the error sums (B,) of foregrounds where the true alpha is above 0; `pixels` counts their three channels.

    Args:
      fgr_pred, fgr_label: RGB (B, H, W, 3) uint8.
      label, sizes: see `metrics.error_sums`.
    """
    batch, height, width = label.shape
    mask = jnp.repeat(face(label, sizes), 3, axis=2)
    flat = (array.reshape(batch, height, 3 * width) for array in (fgr_pred, fgr_label))
    rows = jax.device_get(row_sums(*flat, mask))
    return ErrorSums(*(values.sum(-1, dtype=np.int64) for values in rows))
