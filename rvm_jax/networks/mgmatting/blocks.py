"""The residual blocks of MGMatting, from GCA-Matting (Li & Lu 2020): spectral norm on every convolution."""

from functools import partial
from typing import Any

import jax
import numpy as np
from flax import nnx

from rvm_jax.networks.layers.basic import BatchNorm2d, Sequential
from rvm_jax.networks.layers.initializers import on_device
from rvm_jax.networks.layers.resampling import avg_pool2, upsample2_nearest
from rvm_jax.networks.layers.spectral_norm import SpectralConv2d, SpectralConvTranspose2d

LEAKY = partial(jax.nn.leaky_relu, negative_slope=0.2)


class EncoderBlock(nnx.Module):
    """3×3 (which strides), 3×3, plus the input; the input is pooled and projected where the block strides."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, rngs: nnx.Rngs | None):
        self.conv1 = SpectralConv2d(inputs, outputs, 3, stride=stride, rngs=rngs)
        self.bn1 = BatchNorm2d(outputs)
        self.conv2 = SpectralConv2d(outputs, outputs, 3, rngs=rngs)
        self.bn2 = silent_norm(outputs)
        projection: list[Any] = [avg_pool2, SpectralConv2d(inputs, outputs, 1, rngs=rngs), BatchNorm2d(outputs)]
        self.downsample = Sequential(projection) if stride > 1 else None

    def __call__(self, x: jax.Array) -> jax.Array:
        y = jax.nn.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return jax.nn.relu(y + (x if self.downsample is None else self.downsample(x)))


class DecoderBlock(nnx.Module):
    """3×3, 3×3, plus the input. With `doubles`, the first is a transposed convolution, and the input is projected."""

    def __init__(self, inputs: int, outputs: int, *, doubles: bool, rngs: nnx.Rngs | None):
        self.conv1 = (
            SpectralConvTranspose2d(inputs, rngs=rngs) if doubles else SpectralConv2d(inputs, inputs, 3, rngs=rngs)
        )
        self.bn1 = BatchNorm2d(inputs)
        self.conv2 = SpectralConv2d(inputs, outputs, 3, rngs=rngs)
        self.bn2 = silent_norm(outputs)
        projection: list[Any] = [upsample2_nearest, SpectralConv2d(inputs, outputs, 1, rngs=rngs), BatchNorm2d(outputs)]
        self.upsample = Sequential(projection) if doubles else None

    def __call__(self, x: jax.Array) -> jax.Array:
        y = LEAKY(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return LEAKY(y + (x if self.upsample is None else self.upsample(x)))


def encoder_stage(inputs: int, outputs: int, blocks: int, *, rngs: nnx.Rngs | None) -> Sequential:
    """Returns `blocks` encoder blocks; the first strides where the channels change."""
    first = EncoderBlock(inputs, outputs, stride=1 if inputs == outputs else 2, rngs=rngs)
    return Sequential([first, *(EncoderBlock(outputs, outputs, stride=1, rngs=rngs) for _ in range(blocks - 1))])


def decoder_stage(inputs: int, outputs: int, blocks: int, *, rngs: nnx.Rngs | None) -> Sequential:
    """Returns `blocks` decoder blocks; the first doubles height and width."""
    first = DecoderBlock(inputs, outputs, doubles=True, rngs=rngs)
    return Sequential([first, *(DecoderBlock(outputs, outputs, doubles=False, rngs=rngs) for _ in range(blocks - 1))])


def shortcut(inputs: int, outputs: int, *, rngs: nnx.Rngs | None) -> Sequential:
    """Returns what a skip passes on its way to the decoder; here the activation comes before the normalisation."""
    layers: list[Any] = []
    for channels in (inputs, outputs):
        layers += [SpectralConv2d(channels, outputs, 3, rngs=rngs), jax.nn.relu, BatchNorm2d(outputs)]
    return Sequential(layers)


def silent_norm(channels: int) -> BatchNorm2d:
    """Returns the last batch norm of a residual branch, whose scale starts at 0: the block starts as the identity."""
    norm = BatchNorm2d(channels)
    norm.weight.set_value(on_device(np.zeros(channels, np.float32)))
    return norm
