"""Convolutions with gradients of their own, where XLA's CPU backend is slow. Times are in docs/performance.md."""

from functools import partial

import jax
import jax.numpy as jnp

from rvm_jax.networks.layers.kernels.plain import conv as plain_conv
from rvm_jax.networks.layers.kernels.precision import EXACT


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def pointwise_conv(x: jax.Array, weight: jax.Array, precision: jax.lax.Precision = EXACT) -> jax.Array:
    """Convolves (B, H, W, I) with (1, 1, I, O), as a matrix product: on the CPU twice as fast as XLA's convolution."""
    return jnp.einsum("bhwi,io->bhwo", x, weight[0, 0], precision=precision)


def _pointwise_forward(
    x: jax.Array, weight: jax.Array, precision: jax.lax.Precision
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return pointwise_conv(x, weight, precision), (x, weight)


def _pointwise_backward(
    precision: jax.lax.Precision, saved: tuple[jax.Array, jax.Array], dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, weight = saved
    inputs, outputs = weight.shape[2:]
    dx = jnp.einsum("bhwo,io->bhwi", dy, weight[0, 0], precision=precision)
    if outputs == 1:
        dweight = (x * dy).sum((0, 1, 2))[:, None]
    elif inputs > outputs:  # XLA transposes one of them in memory: the smaller
        dweight = jnp.einsum("bhwi,bhwo->oi", x, dy, precision=precision).T
    else:
        dweight = jnp.einsum("bhwi,bhwo->io", x, dy, precision=precision)
    return dx, dweight[None, None]


pointwise_conv.defvjp(_pointwise_forward, _pointwise_backward)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def conv3x3(x: jax.Array, weight: jax.Array, strip_bytes: int, precision: jax.lax.Precision = EXACT) -> jax.Array:
    """Convolves (B, H, W, I) with (3, 3, I, O); its gradients go through the picture in strips of rows.

    A strip's output gradient is unfolded to patches, 9·O numbers a pixel. Both gradients are matrix products with them.
    """
    return plain_conv(x, weight, precision=precision)


def _conv3x3_forward(
    x: jax.Array, weight: jax.Array, strip_bytes: int, precision: jax.lax.Precision
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return plain_conv(x, weight, precision=precision), (x, weight)


def _conv3x3_backward(
    strip_bytes: int, precision: jax.lax.Precision, saved: tuple[jax.Array, jax.Array], dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, weight = saved
    (batch, height, width, inputs), outputs = x.shape, dy.shape[-1]
    rows = rows_at_once(height, batch * width * 9 * outputs * dy.dtype.itemsize, strip_bytes)
    padded = jnp.pad(dy, ((0, 0), (1, 1), (1, 1), (0, 0)))
    # What a pixel of x sees of dy is rotated by 180°: taps 9, 8, … 1.
    rotated = weight[::-1, ::-1].swapaxes(2, 3).reshape(9 * outputs, inputs)

    def strip(index: jax.Array, sums: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        dx, dweight = sums
        first = index * rows
        patches = _patches(jax.lax.dynamic_slice_in_dim(padded, first, rows + 2, axis=1))
        pixels = jax.lax.dynamic_slice_in_dim(x, first, rows, axis=1)
        gradient = jnp.einsum("bhwp,pi->bhwi", patches, rotated, precision=precision)
        # Each picture's own sum: summed over them here, devices would have to exchange theirs for every strip.
        dweight = dweight + jnp.einsum("bhwi,bhwp->bip", pixels, patches, precision=precision)
        return jax.lax.dynamic_update_slice_in_dim(dx, gradient, first, axis=1), dweight

    start = jnp.zeros_like(x), jnp.zeros((batch, inputs, 9 * outputs), dy.dtype)
    dx, dweight = jax.lax.fori_loop(0, height // rows, strip, start)
    dweight = dweight.sum(0).reshape(inputs, 3, 3, outputs)
    return dx, dweight[:, ::-1, ::-1].transpose(1, 2, 0, 3)


conv3x3.defvjp(_conv3x3_forward, _conv3x3_backward)


def _patches(padded: jax.Array) -> jax.Array:
    """(B, h + 2, w + 2, C) to the 3 × 3 neighbourhoods of its inner pixels, (B, h, w, 9·C)."""
    height, width = padded.shape[1] - 2, padded.shape[2] - 2
    taps = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    # Stacked, which XLA does at once; joined by channel, it would store the nine first.
    return jnp.stack(taps, 3).reshape(*taps[0].shape[:3], -1)


def rows_at_once(height: int, row_bytes: int, strip_bytes: int, most: int | None = None) -> int:
    """Returns the rows of a strip: at most `most` and what `strip_bytes` hold, at least one, a divisor of `height`."""
    limit = min(strip_bytes // row_bytes, height if most is None else most)
    return max(rows for rows in range(1, max(limit, 1) + 1) if height % rows == 0)


def transposed_conv(x: jax.Array, weight: jax.Array, precision: jax.lax.Precision = EXACT) -> jax.Array:
    """Doubles (B, H, W, I) to (B, 2H, 2W, O) by a weight (4, 4, O, I) with stride 2 and padding 1.

    Every second row and column of the result sees every second one of the kernel: four 2×2 convolutions, which are 5
    times faster on the CPU than XLA's convolution of a spread input (14 times with gradients).
    """
    kernel = weight[::-1, ::-1].swapaxes(2, 3)
    batch, height, width, _ = x.shape
    rows = []
    for i in (0, 1):
        columns = [
            jax.lax.conv_general_dilated(
                x,
                kernel[i::2, j::2],
                window_strides=(1, 1),
                padding=((1 - i, i), (1 - j, j)),
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
                precision=precision,
            )
            for j in (0, 1)
        ]
        rows.append(jnp.stack(columns, 3))
    return jnp.stack(rows, 2).reshape(batch, 2 * height, 2 * width, -1)
