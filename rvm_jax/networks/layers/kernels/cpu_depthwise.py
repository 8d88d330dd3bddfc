"""Depthwise convolutions as shifted sums: XLA's grouped ones are 20 to 130 times slower than they could be on a CPU."""

from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp

from rvm_jax.networks.layers.kernels.cpu_convolution import rows_at_once
from rvm_jax.networks.layers.kernels.precision import EXACT


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def depthwise_shifts(
    x: jax.Array, weight: jax.Array, stride: int, dilation: int, strip_bytes: int, precision: jax.lax.Precision = EXACT
) -> jax.Array:
    """Convolves each channel of (B, H, W, C) with its own kernel of (k, k, 1, C).

    It is a sum of k² shifted, scaled slices, which XLA fuses into one loop; gradients go in strips of `strip_bytes`.
    There are no matrix products here: it is as exact as the dtype, whatever the precision.
    """
    pad = dilation * (weight.shape[0] - 1) // 2
    return _sum_of_shifts(jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0))), weight, stride, dilation)


def _sum_of_shifts(padded: jax.Array, weight: jax.Array, stride: int, dilation: int) -> jax.Array:
    total = jnp.zeros((), padded.dtype)
    for (i, j), piece in _shifts(padded, weight.shape[0], stride, dilation):
        total = total + piece * weight[i, j, 0]
    return total


def _shifts(padded: jax.Array, size: int, stride: int, dilation: int) -> Iterator[tuple[tuple[int, int], jax.Array]]:
    """Yields what each tap (i, j) of a size × size kernel sees."""
    reach = dilation * (size - 1)
    height, width = ((n - reach - 1) // stride + 1 for n in padded.shape[1:3])
    for i in range(size):
        for j in range(size):
            top, left = i * dilation, j * dilation
            rows = slice(top, top + (height - 1) * stride + 1, stride)
            columns = slice(left, left + (width - 1) * stride + 1, stride)
            yield (i, j), padded[:, rows, columns]


_Saved = tuple[jax.Array, jax.Array]


def _forward(
    x: jax.Array, weight: jax.Array, stride: int, dilation: int, strip_bytes: int, precision: jax.lax.Precision
) -> tuple[jax.Array, _Saved]:
    return depthwise_shifts(x, weight, stride, dilation, strip_bytes, precision), (x, weight)


def _backward(
    stride: int, dilation: int, strip_bytes: int, precision: jax.lax.Precision, saved: _Saved, dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    # Left to itself, JAX would add k² padded arrays for dx; these are the forward's loops again.
    x, weight = saved
    size = weight.shape[0]
    reach = dilation * (size - 1)
    pad = reach // 2
    edges = [(0, 0, 0)]
    for n, m in zip(x.shape[1:3], dy.shape[1:3], strict=True):
        edges.append((reach - pad, n - ((m - 1) * stride + 1) + pad, stride - 1))
    spread = jax.lax.pad(dy, jnp.zeros((), dy.dtype), [*edges, (0, 0, 0)])
    dx = _sum_of_shifts(spread, weight[::-1, ::-1], 1, dilation)
    padded = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    return dx, _weight_gradient(padded, dy, size, stride, dilation, strip_bytes).reshape(weight.shape)


def _weight_gradient(
    padded: jax.Array, dy: jax.Array, size: int, stride: int, dilation: int, strip_bytes: int
) -> jax.Array:
    """(k², C). XLA stores what a sum reads, here products of maps: in strips of rows they stay in the caches."""
    batch, height, width, channels = dy.shape
    rows = rows_at_once(height, size**2 * batch * width * channels * dy.dtype.itemsize, strip_bytes)
    seen = (rows - 1) * stride + 1 + dilation * (size - 1)

    def strip(index: jax.Array, total: jax.Array) -> jax.Array:
        pixels = jax.lax.dynamic_slice_in_dim(padded, index * rows * stride, seen, axis=1)
        gradient = jax.lax.dynamic_slice_in_dim(dy, index * rows, rows, axis=1)
        return total + jnp.stack([piece * gradient for _, piece in _shifts(pixels, size, stride, dilation)]).sum((2, 3))

    start = jnp.zeros((size**2, batch, channels), dy.dtype)
    sums: jax.Array = jax.lax.fori_loop(0, height // rows, strip, start)
    return sums.sum(1)


depthwise_shifts.defvjp(_forward, _backward)
