"""Maps resized to any size, or by any ratio, bilinearly as PyTorch's `interpolate` does, in NHWC."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from rvm_jax.networks.layers.kernels.precision import EXACT


def resize(x: jax.Array, size: tuple[int, int]) -> jax.Array:
    """Resizes (B, H, W, C) to (B, *size, C) bilinearly: interpolate(size=…, align_corners=False)."""
    for axis, length, by_phases in ((2, size[1], _columns_by_phases), (1, size[0], _rows_by_phases)):
        period = math.gcd(x.shape[axis], length)
        if x.shape[axis] <= _MOST_INPUTS * period:
            x = by_phases(x, length // period, x.shape[axis] // period)
        else:
            x = _resize_by_index(x, axis, length)
    return x


# Sides in a simple ratio p : q, such as 15 : 4, need no gathers, at which XLA takes ten times as long: each p outputs
# are weighted sums of the q inputs beneath them and of one more on both sides, always by the same weights.
_MOST_INPUTS = 8


def _columns_by_phases(x: jax.Array, p: int, q: int) -> jax.Array:
    # As a convolution, whose result XLA stores: fused, it would be computed again for all rows that it goes into.
    channels = x.shape[-1]
    kernel = np.einsum("tp,cd->tcpd", _phase_weights(p, q), np.eye(channels)).reshape(1, q + 2, channels, p * channels)
    y = jax.lax.conv_general_dilated(
        jnp.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0)), mode="edge"),
        jnp.asarray(kernel, x.dtype),
        window_strides=(1, q),
        padding="VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=EXACT,
    )
    return y.reshape(*x.shape[:2], -1, channels)


def _rows_by_phases(x: jax.Array, p: int, q: int) -> jax.Array:
    batch, height, *rest = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)), mode="edge")
    total: jax.Array = jnp.zeros((), x.dtype)
    for tap, weight in enumerate(_phase_weights(p, q)):
        inputs = padded[:, tap : tap + height - q + 1 : q]
        total = total + inputs[:, :, None] * jnp.asarray(weight, x.dtype)[:, None, None]
    return total.reshape(batch, height // q * p, *rest)


def _phase_weights(p: int, q: int) -> np.ndarray:
    """What each of q + 2 inputs, from the one before, counts in each of p outputs: (q + 2, p)."""
    position = (np.arange(p) + 0.5) * q / p - 0.5
    low = np.floor(position).astype(int)
    weights = np.zeros((q + 2, p))
    weights[low + 1, np.arange(p)] = 1 - (position - low)
    weights[low + 2, np.arange(p)] = position - low
    return weights


def _resize_by_index(x: jax.Array, axis: int, length: int) -> jax.Array:
    low, high, weight = _neighbours(x.shape[axis], length, x.shape[axis] / length)
    weight = weight.reshape(-1, *[1] * (x.ndim - axis - 1))
    resized: jax.Array = (1 - weight) * jnp.take(x, low, axis) + weight * jnp.take(x, high, axis)
    return resized


def scaled_size(size: tuple[int, ...], ratio: float) -> tuple[int, int]:
    """Returns the (height, width) that `rescale` makes of `size`, (height, width)."""
    height, width = size
    return math.floor(height * ratio), math.floor(width * ratio)


def rescale(x: jax.Array, ratio: float) -> jax.Array:
    """Resizes (B, H, W, C) by `ratio` bilinearly: interpolate(scale_factor=ratio, recompute_scale_factor=False).

    The size is floor(side · ratio); coordinates follow the ratio, (i + 0.5) / ratio - 0.5, not the sizes' quotient.
    """
    # One weighted sum of four pixels, in PyTorch's order: the guided filters feel the last bit (see refiner.py).
    height, width = scaled_size(x.shape[1:3], ratio)
    top, bottom, down = _neighbours(x.shape[1], height, 1 / ratio)
    left, right, across = _neighbours(x.shape[2], width, 1 / ratio)
    rows = ((jnp.take(x, top, 1), 1 - down), (jnp.take(x, bottom, 1), down))
    columns = ((left, 1 - across), (right, across))
    total = jnp.zeros((), x.dtype)
    for pixels, row_weight in rows:
        for index, column_weight in columns:
            total = total + jnp.take(pixels, index, 2) * (row_weight[:, None] * column_weight)[..., None]
    return total


def _neighbours(length: int, points: int, step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where `points` samples, `step` pixels apart, fall: the pixels on both sides and the weight of the second."""
    half = np.float32(0.5)
    position = np.maximum(np.float32(step) * (np.arange(points, dtype=np.float32) + half) - half, 0)
    low = np.minimum(position.astype(np.int32), length - 1)
    return low, np.minimum(low + 1, length - 1), position - low.astype(np.float32)
