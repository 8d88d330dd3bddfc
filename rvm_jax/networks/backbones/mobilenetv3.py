"""The MobileNetV3-Large encoder (Howard et al. 2019) as torchvision names it, dilated for matting as in RVM."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from rvm_jax.networks.layers.arithmetic import global_mean
from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential
from rvm_jax.networks.layers.initializers import kaiming_fan_out

# ImageNet's statistics: this encoder normalises its input itself.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

_Norm = partial(BatchNorm2d, eps=1e-3, momentum=0.01)


class _Block(NamedTuple):
    """One inverted residual of table 1 of the paper; the last three are dilated instead of strided."""

    inputs: int
    kernel: int
    expanded: int
    outputs: int
    squeeze: bool
    activation: str
    stride: int
    dilation: int = 1


_BLOCKS = (
    _Block(16, 3, 16, 16, False, "relu", 1),
    _Block(16, 3, 64, 24, False, "relu", 2),
    _Block(24, 3, 72, 24, False, "relu", 1),
    _Block(24, 5, 72, 40, True, "relu", 2),
    _Block(40, 5, 120, 40, True, "relu", 1),
    _Block(40, 5, 120, 40, True, "relu", 1),
    _Block(40, 3, 240, 80, False, "hard_swish", 2),
    _Block(80, 3, 200, 80, False, "hard_swish", 1),
    _Block(80, 3, 184, 80, False, "hard_swish", 1),
    _Block(80, 3, 184, 80, False, "hard_swish", 1),
    _Block(80, 3, 480, 112, True, "hard_swish", 1),
    _Block(112, 3, 672, 112, True, "hard_swish", 1),
    _Block(112, 5, 672, 160, True, "hard_swish", 1, 2),
    _Block(160, 5, 960, 160, True, "hard_swish", 1, 2),
    _Block(160, 5, 960, 160, True, "hard_swish", 1, 2),
)
_ACTIVATIONS = {"relu": jax.nn.relu, "hard_swish": jax.nn.hard_swish}


class MobileNetV3Large(nnx.Module):
    """Pictures (B, H, W, 3) in [0, 1] to features at 1/2, 1/4, 1/8 and 1/16 with 16, 24, 40 and 960 channels."""

    CHANNELS = (16, 24, 40, 960)

    def __init__(self, *, rngs: nnx.Rngs | None):
        self.features = nnx.List(
            [
                _conv_norm(3, 16, 3, stride=2, activation="hard_swish", rngs=rngs),
                *(InvertedResidual(block, rngs=rngs) for block in _BLOCKS),
                _conv_norm(160, 960, 1, activation="hard_swish", rngs=rngs),
            ]
        )

    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        x = (x - jnp.array(MEAN, x.dtype)) / jnp.array(STD, x.dtype)
        taken = {}
        for index, layer in enumerate(self.features):
            x = layer(x)
            taken[index] = x
        return taken[1], taken[3], taken[6], taken[16]


class InvertedResidual(nnx.Module):
    """Expand, filter each channel, squeeze and excite, project; plus the input where shape allows."""

    def __init__(self, block: _Block, *, rngs: nnx.Rngs | None):
        self.residual = block.stride == 1 and block.inputs == block.outputs
        layers: list[Any] = []
        if block.expanded != block.inputs:
            layers.append(_conv_norm(block.inputs, block.expanded, 1, activation=block.activation, rngs=rngs))
        layers.append(
            _conv_norm(
                block.expanded,
                block.expanded,
                block.kernel,
                stride=block.stride,
                dilation=block.dilation,
                groups=block.expanded,
                activation=block.activation,
                rngs=rngs,
            )
        )
        if block.squeeze:
            layers.append(SqueezeExcitation(block.expanded, _make_divisible(block.expanded / 4), rngs=rngs))
        layers.append(_conv_norm(block.expanded, block.outputs, 1, rngs=rngs))
        self.block = Sequential(layers)

    def __call__(self, x: jax.Array) -> jax.Array:
        y = self.block(x)
        return x + y if self.residual else y


class SqueezeExcitation(nnx.Module):
    """Scales each channel by a gate read off all channels' means."""

    def __init__(self, channels: int, squeezed: int, *, rngs: nnx.Rngs | None):
        self.fc1 = Conv2d(channels, squeezed, 1, init=kaiming_fan_out, rngs=rngs)
        self.fc2 = Conv2d(squeezed, channels, 1, init=kaiming_fan_out, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return x * jax.nn.hard_sigmoid(self.fc2(jax.nn.relu(self.fc1(global_mean(x)))))


def _conv_norm(
    inputs: int,
    outputs: int,
    size: int,
    activation: str | None = None,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    rngs: nnx.Rngs | None,
) -> Sequential:
    convolution = Conv2d(
        inputs,
        outputs,
        size,
        stride=stride,
        dilation=dilation,
        groups=groups,
        bias=False,
        init=kaiming_fan_out,
        rngs=rngs,
    )
    return Sequential([convolution, _Norm(outputs), *([_ACTIVATIONS[activation]] if activation else [])])


def _make_divisible(value: float, divisor: int = 8) -> int:
    """Rounds to the nearest multiple of `divisor`, one more where that loses over a tenth (torchvision)."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded
