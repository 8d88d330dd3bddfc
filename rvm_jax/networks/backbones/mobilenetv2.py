"""The MobileNetV2 encoder (Sandler et al. 2018, table 2), width 1, whose taps MODNet takes."""

from functools import partial
from typing import Any

import jax
from flax import nnx

from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential
from rvm_jax.networks.layers.initializers import kaiming_fan_in

# expansion, channels, blocks, stride of the first one
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_Conv = partial(Conv2d, bias=False, init=kaiming_fan_in)


class MobileNetV2(nnx.Module):
    """Pictures (B, H, W, 3) to features at 1/2, 1/4 and 1/32 with 16, 24 and 1280 channels."""

    CHANNELS = (16, 24, 1280)

    def __init__(self, *, rngs: nnx.Rngs | None):
        blocks, inputs = [], 32
        for expansion, outputs, count, stride in _STAGES:
            for index in range(count):
                first_stride = stride if index == 0 else 1
                blocks.append(InvertedResidual(inputs, outputs, expansion, stride=first_stride, rngs=rngs))
                inputs = outputs
        stem = Sequential([_Conv(3, 32, 3, stride=2, rngs=rngs), BatchNorm2d(32), jax.nn.relu6])
        head = Sequential([_Conv(inputs, 1280, 1, rngs=rngs), BatchNorm2d(1280), jax.nn.relu6])
        self.features = nnx.List([stem, *blocks, head])

    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        taken = {}
        for index, layer in enumerate(self.features):
            x = layer(x)
            taken[index] = x
        return taken[1], taken[3], taken[18]


class InvertedResidual(nnx.Module):
    """Expand, filter each channel, project; plus the input where shape allows."""

    def __init__(self, inputs: int, outputs: int, expansion: int, *, stride: int, rngs: nnx.Rngs | None):
        self.residual = stride == 1 and inputs == outputs
        wide = expansion * inputs
        expand: list[Any] = []
        if expansion > 1:
            expand = [_Conv(inputs, wide, 1, rngs=rngs), BatchNorm2d(wide), jax.nn.relu6]
        self.conv = Sequential(
            [
                *expand,
                _Conv(wide, wide, 3, stride=stride, groups=wide, rngs=rngs),
                BatchNorm2d(wide),
                jax.nn.relu6,
                _Conv(wide, outputs, 1, rngs=rngs),
                BatchNorm2d(outputs),
            ]
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        y = self.conv(x)
        return x + y if self.residual else y
