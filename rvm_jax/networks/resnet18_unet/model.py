"""The comparison's "ResNet18": a U-Net (Ronneberger et al. 2015) on a ResNet18 encoder.

It is segmentation_models_pytorch's Unet("resnet18", classes=1, activation=None), whose keys it shares.
"""

from functools import partial
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from rvm_jax.networks.api import InputSpec, Preprocessing
from rvm_jax.networks.backbones.resnet import ResNet18
from rvm_jax.networks.image_network import ImageNetwork
from rvm_jax.networks.layers.arithmetic import clamp
from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential
from rvm_jax.networks.layers.initializers import kaiming_fan_in, xavier_uniform, zeros
from rvm_jax.networks.layers.kernels import Kernels, use_kernels
from rvm_jax.networks.layers.resampling import upsample2_nearest


class UNetResult(NamedTuple):
    """`out`, (B, H, W, 1): the last convolution's output, which nothing keeps within [0, 1]."""

    out: jax.Array

    @property
    def pha(self) -> jax.Array:
        """The final alpha."""
        return clamp(self.out, 0.0, 1.0)

    @property
    def supervised(self) -> jax.Array:
        """What a loss on the alpha looks at: clipped values would have no gradient to come back by."""
        return self.out


class ResNet18UNet(ImageNetwork):
    """The published comparison's first row; see `ImageNetwork` for the call."""

    PREPROCESSING: ClassVar = {
        "published": Preprocessing(padding="reflect_border", rounding="truncate", overflow="wrap")
    }
    BACKBONE: ClassVar = "encoder"

    def __init__(
        self,
        name: str = "resnet18_unet",
        *,
        preparation: str = "published",
        rngs: nnx.Rngs | None,
        kernels: Kernels | None = None,
    ):
        super().__init__(name, InputSpec(size_multiple=32), preparation)
        self.encoder = ResNet18(rngs=rngs)
        self.decoder = UNetDecoder(ResNet18.CHANNELS, (256, 128, 64, 32, 16), rngs=rngs)
        self.segmentation_head = Sequential([Conv2d(16, 1, 3, init=xavier_uniform, bias_init=zeros, rngs=rngs)])
        use_kernels(self, kernels)

    def forward(self, inputs: jax.Array, key: jax.Array | None) -> UNetResult:
        return UNetResult(self.segmentation_head(self.decoder(self.encoder(inputs))))


class UNetDecoder(nnx.Module):
    """Features at 1/2 to 1/32, `features` channels, to `widths[-1]` channels at full size, doubling in each block."""

    def __init__(self, features: tuple[int, ...], widths: tuple[int, ...], *, rngs: nnx.Rngs | None):
        inputs = (features[-1], *widths[:-1])
        skips = (*features[-2::-1], 0)
        self.blocks = nnx.List(
            [UNetBlock(*channels, rngs=rngs) for channels in zip(inputs, skips, widths, strict=True)]
        )

    def __call__(self, features: tuple[jax.Array, ...]) -> jax.Array:
        x, skips = features[-1], (*features[-2::-1], None)
        for block, skip in zip(self.blocks, skips, strict=True):
            x = block(x, skip)
        return x


class UNetBlock(nnx.Module):
    """Doubles by repeating pixels, joins the skip where there is one, convolves twice."""

    def __init__(self, inputs: int, skip: int, outputs: int, *, rngs: nnx.Rngs | None):
        convolution = partial(Conv2d, size=3, bias=False, init=kaiming_fan_in, rngs=rngs)
        self.conv1 = Sequential([convolution(inputs + skip, outputs), BatchNorm2d(outputs), jax.nn.relu])
        self.conv2 = Sequential([convolution(outputs, outputs), BatchNorm2d(outputs), jax.nn.relu])

    def __call__(self, x: jax.Array, skip: jax.Array | None) -> jax.Array:
        x = upsample2_nearest(x)
        x = x if skip is None else jnp.concatenate([x, skip], -1)
        return self.conv2(self.conv1(x))
