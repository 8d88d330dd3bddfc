"""Halving, doubling and enlarging maps by whole factors, as PyTorch does, in NHWC."""

import jax
import jax.numpy as jnp
from flax import nnx

from rvm_jax.networks.layers.convolution import is_cpu


def avg_pool2(x: jax.Array) -> jax.Array:
    """torch.nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False): an odd edge averages fewer pixels."""
    return nnx.avg_pool(x, (2, 2), (2, 2), "SAME", count_include_pad=False)


def upsample2_nearest(x: jax.Array) -> jax.Array:
    """Doubles height and width of (B, H, W, C) by repeating pixels."""
    batch, height, width, channels = x.shape
    pairs = jnp.broadcast_to(x[:, :, None, :, None], (batch, height, 2, width, 2, channels))
    return pairs.reshape(batch, 2 * height, 2 * width, channels)


@jax.custom_vjp
def upsample2(x: jax.Array) -> jax.Array:
    """Doubles height and width of (B, H, W, C) bilinearly (half-pixel centres, edges replicated)."""
    return upsample(x, 2)


def _upsample2_backward(_: None, dy: jax.Array) -> tuple[jax.Array]:
    return (_stored(_halve(_halve(dy, 2), 1)),)


upsample2.defvjp(lambda x: (upsample2(x), None), _upsample2_backward)


def upsample(x: jax.Array, factor: int) -> jax.Array:
    """interpolate(scale_factor=factor, mode="bilinear", align_corners=False) of (B, H, W, C), for an even factor.

    Each of the factor² phases is a weighted sum of shifted maps: no gathers, which are slow to differentiate.
    """
    return _enlarge(_enlarge(x, 1, factor), 2, factor)


def _enlarge(x: jax.Array, axis: int, factor: int) -> jax.Array:
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
    return jnp.stack(phases, axis + 1).reshape(*x.shape[:axis], factor * length, *x.shape[axis + 1 :])


def _halve(dy: jax.Array, axis: int) -> jax.Array:
    """The gradient of `_enlarge` by 2."""
    length = dy.shape[axis] // 2
    pairs = dy.reshape(*dy.shape[:axis], length, 2, *dy.shape[axis + 1 :])
    even, odd = (jax.lax.index_in_dim(pairs, i, axis + 1, keepdims=False) for i in range(2))
    first, last = jax.lax.slice_in_dim(even, 0, 1, axis=axis), jax.lax.slice_in_dim(odd, length - 1, length, axis=axis)
    after = jnp.concatenate([jax.lax.slice_in_dim(even, 1, length, axis=axis), last], axis)
    before = jnp.concatenate([first, jax.lax.slice_in_dim(odd, 0, length - 1, axis=axis)], axis)
    return 0.75 * (even + odd) + 0.25 * (before + after)


def _stored(x: jax.Array) -> jax.Array:
    """`x`, kept in memory on the CPU before anything reads it.

    XLA computes what is cheap anew wherever it is read, such as once for every frame of a clip, and its CPU backend
    drops optimization barriers. A product with the identity matrix is exact and never becomes part of another loop.
    """
    if not is_cpu():
        return x
    return x @ jnp.eye(x.shape[-1], dtype=x.dtype)
