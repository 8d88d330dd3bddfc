"""Convolutions of PyTorch's kind in NHWC, with gradients of their own where XLA's CPU backend is slow.

On other devices they are XLA's. Times are in docs/benchmarks.md.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

# Below this width XLA's own gradients are as fast.
_NARROWEST = 64
# Bytes of the patches that a strip of rows is unfolded to: what the processor's caches hold.
STRIP_BYTES = 4 << 20


def conv(x: jax.Array, weight: jax.Array, stride: int = 1, dilation: int = 1, groups: int = 1) -> jax.Array:
    """Convolves (B, H, W, I) with (k, k, I / groups, O), padded as PyTorch pads: XLA's SAME is lopsided at stride 2.

    It computes in the dtype of the weight.
    """
    x, size = x.astype(weight.dtype), weight.shape[0]
    if is_cpu() and stride == dilation == groups == 1:
        if size == 1:
            return pointwise_conv(x, weight)
        if size == 3 and x.shape[2] >= _NARROWEST:
            return conv3x3(x, weight)
    return plain_conv(x, weight, stride, dilation, groups)


def joined(maps: Sequence[jax.Array], weight: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Maps (B, H, W, C_i) joined by channel, for the kernel (k, k, ΣC_i, O), and that kernel.

    On the CPU both are filled up with zeros to a multiple of 4 channels: XLA's convolution is a third faster then (35
    channels of 512×512 take 48 ms on one core, 36 take 31 ms).
    """
    missing = -weight.shape[2] % 4 if is_cpu() else 0
    if missing:
        maps = [*maps, jnp.zeros((*maps[0].shape[:3], missing), maps[0].dtype)]
        weight = jnp.pad(weight, ((0, 0), (0, 0), (0, missing), (0, 0)))
    return jnp.concatenate(maps, -1), weight


def is_cpu() -> bool:
    return jax.default_backend() == "cpu"


def plain_conv(x: jax.Array, weight: jax.Array, stride: int = 1, dilation: int = 1, groups: int = 1) -> jax.Array:
    pad = dilation * (weight.shape[0] - 1) // 2
    return jax.lax.conv_general_dilated(
        x,
        weight,
        window_strides=(stride, stride),
        padding=((pad, pad), (pad, pad)),
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )


@jax.custom_vjp
def pointwise_conv(x: jax.Array, weight: jax.Array) -> jax.Array:
    """Convolves (B, H, W, I) with (1, 1, I, O), as a matrix product: on the CPU twice as fast as XLA's convolution."""
    return jnp.einsum("bhwi,io->bhwo", x, weight[0, 0])


def _pointwise_backward(saved: tuple[jax.Array, jax.Array], dy: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, weight = saved
    inputs, outputs = weight.shape[2:]
    dx = jnp.einsum("bhwo,io->bhwi", dy, weight[0, 0])
    if outputs == 1:
        dweight = (x * dy).sum((0, 1, 2))[:, None]
    elif inputs > outputs:  # XLA transposes one of them in memory: the smaller
        dweight = jnp.einsum("bhwi,bhwo->oi", x, dy).T
    else:
        dweight = jnp.einsum("bhwi,bhwo->io", x, dy)
    return dx, dweight[None, None]


pointwise_conv.defvjp(lambda x, weight: (pointwise_conv(x, weight), (x, weight)), _pointwise_backward)


@jax.custom_vjp
def conv3x3(x: jax.Array, weight: jax.Array) -> jax.Array:
    """Convolves (B, H, W, I) with (3, 3, I, O); its gradients go through the picture in strips of rows.

    A strip's output gradient is unfolded to patches, 9·O numbers a pixel. Both gradients are matrix products with them.
    """
    return plain_conv(x, weight)


def _conv3x3_backward(saved: tuple[jax.Array, jax.Array], dy: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, weight = saved
    (batch, height, width, inputs), outputs = x.shape, dy.shape[-1]
    rows = rows_at_once(height, batch * width * 9 * outputs * dy.dtype.itemsize)
    padded = jnp.pad(dy, ((0, 0), (1, 1), (1, 1), (0, 0)))
    # What a pixel of x sees of dy is turned by half a turn: taps 9, 8, … 1.
    turned = weight[::-1, ::-1].swapaxes(2, 3).reshape(9 * outputs, inputs)

    def strip(index: jax.Array, sums: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        dx, dweight = sums
        first = index * rows
        patches = _patches(jax.lax.dynamic_slice_in_dim(padded, first, rows + 2, axis=1))
        pixels = jax.lax.dynamic_slice_in_dim(x, first, rows, axis=1)
        slope = jnp.einsum("bhwp,pi->bhwi", patches, turned)
        # Each picture's own sum: summed over them here, devices would have to exchange theirs for every strip.
        dweight = dweight + jnp.einsum("bhwi,bhwp->bip", pixels, patches)
        return jax.lax.dynamic_update_slice_in_dim(dx, slope, first, axis=1), dweight

    start = jnp.zeros_like(x), jnp.zeros((batch, inputs, 9 * outputs), dy.dtype)
    dx, dweight = jax.lax.fori_loop(0, height // rows, strip, start)
    dweight = dweight.sum(0).reshape(inputs, 3, 3, outputs)
    return dx, dweight[:, ::-1, ::-1].transpose(1, 2, 0, 3)


conv3x3.defvjp(lambda x, weight: (plain_conv(x, weight), (x, weight)), _conv3x3_backward)


def _patches(padded: jax.Array) -> jax.Array:
    """(B, h + 2, w + 2, C) to the 3 × 3 neighbourhoods of its inner pixels, (B, h, w, 9·C)."""
    height, width = padded.shape[1] - 2, padded.shape[2] - 2
    taps = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    # Stacked, which XLA does at once; joined by channel, it would store the nine first.
    return jnp.stack(taps, 3).reshape(*taps[0].shape[:3], -1)


def rows_at_once(height: int, row_bytes: int) -> int:
    """The rows of a strip: as many as the caches hold at `row_bytes` each, at least one, a divisor of `height`."""
    most = max(STRIP_BYTES // row_bytes, 1)
    return max(rows for rows in range(1, min(most, height) + 1) if height % rows == 0)
