"""XLA's own operations, on any device."""

import jax

from rvm_jax.networks.layers.kernels.precision import EXACT


def conv(
    x: jax.Array,
    weight: jax.Array,
    stride: int = 1,
    dilation: int = 1,
    precision: jax.lax.Precision = EXACT,
    *,
    groups: int = 1,
) -> jax.Array:
    """Convolves (B, H, W, I) with (k, k, I / groups, O), padded by dilation · (k - 1) / 2 on each side."""
    pad = dilation * (weight.shape[0] - 1) // 2
    return jax.lax.conv_general_dilated(
        x,
        weight,
        window_strides=(stride, stride),
        padding=((pad, pad), (pad, pad)),
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
        precision=precision,
    )


def depthwise_conv(
    x: jax.Array, weight: jax.Array, stride: int, dilation: int, strip_bytes: int, precision: jax.lax.Precision = EXACT
) -> jax.Array:
    """Convolves each channel of (B, H, W, C) with its own kernel of (k, k, 1, C)."""
    return conv(x, weight, stride, dilation, precision, groups=x.shape[-1])


def transposed_conv(x: jax.Array, weight: jax.Array, precision: jax.lax.Precision = EXACT) -> jax.Array:
    """Doubles (B, H, W, I) to (B, 2H, 2W, O) by a weight (4, 4, O, I) with stride 2 and padding 1."""
    return jax.lax.conv_general_dilated(
        x,
        weight[::-1, ::-1].swapaxes(2, 3),
        window_strides=(1, 1),
        padding=((2, 2), (2, 2)),
        lhs_dilation=(2, 2),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=precision,
    )


def store(x: jax.Array, strip_bytes: int) -> jax.Array:
    """Leaves to XLA what is kept in memory."""
    return x
