"""Grad, the gradient error; jitted, in float32, so that batches and devices agree to rounding."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from eval.metrics.metric import BatchMetric, register
from eval.metrics.region import Array, inside

_SIGMA, _RADIUS = 1.4, 4


@register
class GradientError(BatchMetric):
    """Grad as RVM states it."""

    name, title, place = "grad", "Grad", 30
    legend = "gradient error, divided by 1000"
    is_main = True
    from_windows = True  # a gradient beyond is that of 0, and the least alpha is in the margin where there is a beyond

    def compute(self, pred: np.ndarray, label: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        return np.asarray(gradient_error(pred, label, sizes))


def gradient_error(pred: Array, label: Array, sizes: Array) -> jax.Array:
    """Returns Grad (B,) float32: Σ (|∇pred| − |∇label|)² / 1000, as RVM's evaluation computes it.

    Each picture is stretched to minimum 0 and maximum 1 (a constant one becomes 0), and correlated with Gaussian
    derivatives of sigma 1.4, 9 × 9, of unit norm, its border replicated.

    Args:
      pred, label: alphas (B, H, W), uint8 or float, each picture in the upper left corner of its H × W.
      sizes: (B, 2) the pictures' heights and widths; what lies beyond is padding and counts nowhere.
    """
    error: jax.Array = _squared_difference(_gradient(pred, sizes), _gradient(label, sizes), sizes)
    return error


@jax.jit
def _squared_difference(of_pred: jax.Array, of_label: jax.Array, sizes: Array) -> jax.Array:
    squared = jnp.where(inside(of_pred, sizes), jnp.square(of_pred - of_label), 0.0)
    return jnp.sum(squared, axis=(1, 2)) / 1000.0


def _gradient(alpha: Array, sizes: Array) -> jax.Array:
    """Returns the magnitude (B, H, W) float32 of the gradient of the stretched alpha."""
    stretched = _stretch(alpha, sizes)
    # Passes are programs of their own: in one, XLA's CPU backend computes the first again for each tap of the second.
    along_x = _correlate(_correlate(stretched, 0, 1), 1, 2)
    along_y = _correlate(_correlate(stretched, 1, 1), 0, 2)
    magnitude: jax.Array = _magnitude(along_x, along_y)
    return magnitude


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
