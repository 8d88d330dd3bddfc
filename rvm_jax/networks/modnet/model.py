"""MODNet (Ke et al. 2022, arXiv 2011.11961): what is in front at low resolution, its details at high, their fusion."""

from functools import partial
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from rvm_jax.networks.api import InputSpec, Preprocessing
from rvm_jax.networks.backbones.mobilenetv2 import MobileNetV2
from rvm_jax.networks.image_network import ImageNetwork
from rvm_jax.networks.layers.arithmetic import global_mean
from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential
from rvm_jax.networks.layers.dense import Linear, instance_norm
from rvm_jax.networks.layers.initializers import kaiming_fan_in, zeros
from rvm_jax.networks.layers.kernels import XLA, Kernels, use_kernels
from rvm_jax.networks.layers.resampling import shrink, upsample2

_CHANNELS = 32  # of the high-resolution branch


class MODNetResult(NamedTuple):
    """`semantic` (B, H/16, W/16, 1), `detail` and `matte` (B, H, W, 1), all in [0, 1]."""

    semantic: jax.Array
    detail: jax.Array
    matte: jax.Array

    @property
    def pha(self) -> jax.Array:
        """The final alpha."""
        return self.matte

    @property
    def supervised(self) -> jax.Array:
        """What a loss on the alpha looks at."""
        return self.matte


class MODNet(ImageNetwork):
    """Image only; see `ImageNetwork` for the call."""

    PREPROCESSING: ClassVar = {
        "published": Preprocessing(padding="reflect_border", rounding="truncate"),
        "original": Preprocessing(
            mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), padding="resize", short_side=512, rounding="truncate"
        ),
    }
    BACKBONE: ClassVar = "backbone.model"
    default_loss: ClassVar = "modnet"

    def __init__(
        self,
        name: str = "modnet",
        *,
        preparation: str = "published",
        rngs: nnx.Rngs | None,
        kernels: Kernels | None = None,
    ):
        super().__init__(name, InputSpec(size_multiple=32), preparation)
        self.backbone = Backbone(rngs=rngs)
        self.lr_branch = LowResolution(self.backbone, rngs=rngs)
        self.hr_branch = HighResolution(rngs=rngs)
        self.f_branch = Fusion(rngs=rngs)
        use_kernels(self, kernels)

    def forward(self, inputs: jax.Array, key: jax.Array | None) -> MODNetResult:
        semantic, l8, enc2, enc4 = self.lr_branch(inputs)
        detail, h2 = self.hr_branch(inputs, enc2, enc4, l8)
        return MODNetResult(semantic, detail, self.f_branch(inputs, l8, h2))


class Backbone(nnx.Module):
    """Holds the encoder under the name that PyTorch's state dict has for it."""

    def __init__(self, *, rngs: nnx.Rngs | None):
        self.model = MobileNetV2(rngs=rngs)


class ConvNormRelu(nnx.Module):
    """A convolution with a bias, then, where `norm`, batch and instance normalisation and ReLU."""

    def __init__(
        self, inputs: int, outputs: int, size: int, *, stride: int = 1, norm: bool = True, rngs: nnx.Rngs | None
    ):
        convolution = Conv2d(inputs, outputs, size, stride=stride, init=kaiming_fan_in, bias_init=zeros, rngs=rngs)
        after: list[Any] = [HalfInstanceNorm(outputs), jax.nn.relu] if norm else []
        self.layers = Sequential([convolution, *after])

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.layers(x)


class HalfInstanceNorm(nnx.Module):
    """Batch norm on the first half of the channels, instance norm without parameters on the rest (IBN-Net's layer)."""

    def __init__(self, channels: int):
        self.bnorm = BatchNorm2d(channels // 2)

    def __call__(self, x: jax.Array) -> jax.Array:
        half = x.shape[-1] // 2
        return jnp.concatenate([self.bnorm(x[..., :half]), instance_norm(x[..., half:])], -1)


class SqueezeExcitation(nnx.Module):
    """Scales each channel by a gate read off all channels' means."""

    def __init__(self, channels: int, squeezed: int, *, rngs: nnx.Rngs | None):
        linear = partial(Linear, bias=False, rngs=rngs)
        self.fc = Sequential([linear(channels, squeezed), jax.nn.relu, linear(squeezed, channels), jax.nn.sigmoid])

    def __call__(self, x: jax.Array) -> jax.Array:
        return x * self.fc(global_mean(x))


class LowResolution(nnx.Module):
    """The semantic estimate at 1/16, and features at 1/8 for the others. It owns the encoder a second time, as in
    PyTorch, whose state dict has the encoder's tensors twice."""

    kernels: Kernels = XLA

    def __init__(self, backbone: Backbone, *, rngs: nnx.Rngs | None):
        self.backbone = backbone
        channels = MobileNetV2.CHANNELS[-1]
        self.se_block = SqueezeExcitation(channels, channels // 4, rngs=rngs)
        self.conv_lr16x = ConvNormRelu(channels, 96, 5, rngs=rngs)
        self.conv_lr8x = ConvNormRelu(96, 32, 5, rngs=rngs)
        self.conv_lr = ConvNormRelu(32, 1, 3, stride=2, norm=False, rngs=rngs)

    def __call__(self, image: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        enc2, enc4, enc32 = self.backbone.model(image)
        l16 = self.conv_lr16x(upsample2(self.se_block(enc32), self.kernels))
        l8 = self.conv_lr8x(upsample2(l16, self.kernels))
        return jax.nn.sigmoid(self.conv_lr(l8)), l8, enc2, enc4


class HighResolution(nnx.Module):
    """The detail estimate at full size, and its features at 1/2."""

    kernels: Kernels = XLA

    def __init__(self, *, rngs: nnx.Rngs | None):
        enc2, enc4, _ = MobileNetV2.CHANNELS
        c, conv = _CHANNELS, partial(ConvNormRelu, rngs=rngs)
        self.tohr_enc2x = conv(enc2, c, 1)
        self.conv_enc2x = conv(c + 3, c, 3, stride=2)
        self.tohr_enc4x = conv(enc4, c, 1)
        self.conv_enc4x = conv(2 * c, 2 * c, 3)
        self.conv_hr4x = Sequential([conv(3 * c + 3, 2 * c, 3), conv(2 * c, 2 * c, 3), conv(2 * c, c, 3)])
        self.conv_hr2x = Sequential([conv(2 * c, 2 * c, 3), conv(2 * c, c, 3), conv(c, c, 3), conv(c, c, 3)])
        self.conv_hr = Sequential([conv(c + 3, c, 3), conv(c, 1, 1, norm=False)])

    def __call__(
        self, image: jax.Array, enc2: jax.Array, enc4: jax.Array, l8: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        image2, image4 = shrink(image, 2), shrink(image, 4)
        enc2, enc4 = self.tohr_enc2x(enc2), self.tohr_enc4x(enc4)
        x = self.conv_enc2x(_join(image2, enc2))
        x = self.conv_enc4x(_join(x, enc4))
        x = self.conv_hr4x(_join(x, upsample2(l8, self.kernels), image4))
        h2 = self.conv_hr2x(_join(upsample2(x, self.kernels), enc2))
        return jax.nn.sigmoid(self.conv_hr(_join(upsample2(h2, self.kernels), image))), h2


class Fusion(nnx.Module):
    """The matte, from both branches' features."""

    kernels: Kernels = XLA

    def __init__(self, *, rngs: nnx.Rngs | None):
        c, conv = _CHANNELS, partial(ConvNormRelu, rngs=rngs)
        self.conv_lr4x = conv(c, c, 5)
        self.conv_f2x = conv(2 * c, c, 3)
        self.conv_f = Sequential([conv(c + 3, c // 2, 3), conv(c // 2, 1, 1, norm=False)])

    def __call__(self, image: jax.Array, l8: jax.Array, h2: jax.Array) -> jax.Array:
        x = self.conv_lr4x(upsample2(l8, self.kernels))
        x = self.conv_f2x(_join(upsample2(x, self.kernels), h2))
        return jax.nn.sigmoid(self.conv_f(_join(upsample2(x, self.kernels), image)))


def _join(*maps: jax.Array) -> jax.Array:
    return jnp.concatenate(maps, -1)
