"""Halving, doubling and enlarging maps by whole factors, as PyTorch does, in NHWC."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from rvm_jax.networks.layers.kernels import XLA, Kernels
from rvm_jax.networks.layers.kernels.precision import EXACT


def avg_pool2(x: jax.Array, kernels: Kernels = XLA) -> jax.Array:
    """Computes torch.nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False): an odd edge averages fewer pixels.

    Halves (B, H, W, C) to (B, ⌈H / 2⌉, ⌈W / 2⌉, C).
    """
    if kernels.space_to_depth:
        return _mean_by_products(x)
    zero = np.zeros((), x.dtype)
    total: jax.Array = jax.lax.reduce_window(x, zero, jax.lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")
    # By rows, then by columns: XLA would take seconds to fold a constant of all counts, as nnx.avg_pool has it.
    rows, columns = (_pooled_pixels(length) for length in x.shape[1:3])
    return total / jnp.asarray(rows[:, None, None], x.dtype) / jnp.asarray(columns[:, None], x.dtype)


def _mean_by_products(x: jax.Array) -> jax.Array:
    """Computes `avg_pool2` with each colour a picture of its own, which a TPU need not pad to its lanes."""
    rows, columns = (_means_of_pairs(length, x.dtype) for length in x.shape[1:3])
    narrow = jnp.einsum("bhwc,wv->bchv", x, columns, precision=EXACT)
    return jnp.einsum("bchv,hu->buvc", narrow, rows, precision=EXACT)


def _means_of_pairs(length: int, dtype: jnp.dtype) -> jax.Array:
    """The matrix (n, ⌈n / 2⌉) that takes the mean of each pair along an axis, and of one at an odd end."""
    member = jnp.arange(length)[:, None] // 2 == jnp.arange(-(-length // 2))
    return member.astype(dtype) / jnp.asarray(_pooled_pixels(length), dtype)


def max_pool3(x: jax.Array) -> jax.Array:
    """Computes torch.nn.MaxPool2d(3, stride=2, padding=1): halves (B, H, W, C) to (B, ⌈H / 2⌉, ⌈W / 2⌉, C)."""
    edges = ((0, 0), (1, 1), (1, 1), (0, 0))
    pooled: jax.Array = jax.lax.reduce_window(
        x, np.array(-np.inf, x.dtype), jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), edges
    )
    return pooled


def _pooled_pixels(length: int) -> np.ndarray:
    """Returns how many pixels each pair along an axis has: 2, and 1 at an odd end."""
    return np.minimum(length - np.arange(0, length, 2), 2)


def upsample2_nearest(x: jax.Array) -> jax.Array:
    """Doubles height and width of (B, H, W, C) by repeating pixels."""
    batch, height, width, channels = x.shape
    pairs = jnp.broadcast_to(x[:, :, None, :, None], (batch, height, 2, width, 2, channels))
    return pairs.reshape(batch, 2 * height, 2 * width, channels)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def upsample2(x: jax.Array, kernels: Kernels = XLA) -> jax.Array:
    """Doubles height and width of (B, H, W, C) bilinearly (half-pixel centres, edges replicated)."""
    return upsample(x, 2)


def _upsample2_forward(x: jax.Array, kernels: Kernels) -> tuple[jax.Array, None]:
    return upsample2(x, kernels), None


def _upsample2_backward(kernels: Kernels, _: None, dy: jax.Array) -> tuple[jax.Array]:
    return (kernels.store(_halve(_halve(dy, 2), 1), kernels.strip_bytes),)


upsample2.defvjp(_upsample2_forward, _upsample2_backward)


def upsample(x: jax.Array, factor: int) -> jax.Array:
    """Computes interpolate(scale_factor=factor, mode="bilinear") of (B, H, W, C), for an even factor.

    Each of the factor² phases is a weighted sum of shifted maps: no gathers, which are slow to differentiate.
    """
    return _enlarge(_enlarge(x, 1, factor), 2, factor)


def upsample2_to_squares(x: jax.Array) -> jax.Array:
    """Returns `upsample2` of (B, H, W, C) as squares of 2×2 pixels, (B, H, W, 4·C)."""
    return jnp.concatenate([y for row in _phases(x, 1, 2) for y in _phases(row, 2, 2)], -1)


def shrink(x: jax.Array, factor: int) -> jax.Array:
    """Computes interpolate(scale_factor=1 / factor, mode="bilinear"), for an even factor: means of 4 middle pixels."""
    first, second = factor // 2 - 1, factor // 2
    rows = (x[:, first::factor] + x[:, second::factor]) / 2
    return (rows[:, :, first::factor] + rows[:, :, second::factor]) / 2


def _enlarge(x: jax.Array, axis: int, factor: int) -> jax.Array:
    length = x.shape[axis]
    return jnp.stack(_phases(x, axis, factor), axis + 1).reshape(*x.shape[:axis], factor * length, *x.shape[axis + 1 :])


def _phases(x: jax.Array, axis: int, factor: int) -> list[jax.Array]:
    """Returns what each of the pixels that one becomes along an axis is, by phase."""
    length = x.shape[axis]

    def piece(first: int, last: int) -> jax.Array:
        return jax.lax.slice_in_dim(x, first, last, axis=axis)

    before = jnp.concatenate([piece(0, 1), piece(0, length - 1)], axis)
    after = jnp.concatenate([piece(1, length), piece(length - 1, length)], axis)
    phases = []
    for phase in range(factor):
        offset = (phase + 0.5) / factor - 0.5
        neighbour = before if offset < 0 else after
        phases.append((1 - abs(offset)) * x + abs(offset) * neighbour)
    return phases


def _halve(dy: jax.Array, axis: int) -> jax.Array:
    """The gradient of `_enlarge` by 2."""
    length = dy.shape[axis] // 2
    pairs = dy.reshape(*dy.shape[:axis], length, 2, *dy.shape[axis + 1 :])
    even, odd = (jax.lax.index_in_dim(pairs, i, axis + 1, keepdims=False) for i in range(2))
    first, last = jax.lax.slice_in_dim(even, 0, 1, axis=axis), jax.lax.slice_in_dim(odd, length - 1, length, axis=axis)
    after = jnp.concatenate([jax.lax.slice_in_dim(even, 1, length, axis=axis), last], axis)
    before = jnp.concatenate([first, jax.lax.slice_in_dim(odd, 0, length - 1, axis=axis)], axis)
    return 0.75 * (even + odd) + 0.25 * (before + after)
