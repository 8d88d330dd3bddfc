"""Convolutions of pictures as a TPU moves them at less cost. Bytes and times are in docs/performance.md."""

import jax

from rvm_jax.networks.layers.kernels import plain
from rvm_jax.networks.layers.kernels.precision import EXACT
from rvm_jax.networks.layers.kernels.space_to_depth import halving_kernel, is_even, space_to_depth

_FEW_CHANNELS = 4  # such as a picture has


def conv(
    x: jax.Array, weight: jax.Array, stride: int = 1, dilation: int = 1, precision: jax.lax.Precision = EXACT
) -> jax.Array:
    """Convolves (B, H, W, I) with (k, k, I, O); a halving of a picture is computed on squares of its pixels."""
    halves = weight.shape[0] == 3 and stride == 2 and dilation == 1
    if not (halves and x.shape[-1] <= _FEW_CHANNELS and is_even(x)):
        return plain.conv(x, weight, stride, dilation, precision)
    return jax.lax.conv_general_dilated(
        space_to_depth(x),
        halving_kernel(weight),
        window_strides=(1, 1),
        padding=((1, 0), (1, 0)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=precision,
    )
