"""MGMatting (Yu et al. 2021, arXiv 2012.06722): alphas at three scales, refined from coarse to fine.

`mgmatting_guided` is the paper's network, which takes a coarse mask beside the image; `mgmatting` the one of the
published comparison, which takes the image alone.
"""

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from rvm_jax.networks.api import CHANNELS, IMAGENET_MEAN, IMAGENET_STD, Guidance, InputSpec, Preprocessing
from rvm_jax.networks.image_network import ImageNetwork
from rvm_jax.networks.layers.arithmetic import global_mean
from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential
from rvm_jax.networks.layers.kernels import Kernels, use_kernels
from rvm_jax.networks.layers.resampling import upsample
from rvm_jax.networks.layers.spectral_norm import SpectralConv2d, SpectralConvTranspose2d
from rvm_jax.networks.mgmatting.blocks import LEAKY, decoder_stage, encoder_stage, shortcut
from rvm_jax.networks.mgmatting.refinement import merge_scales


class MGMattingResult(NamedTuple):
    """Alphas from features at full size, 1/4 and 1/8, all (B, H, W, 1) in [0, 1], and which of them is `pha`."""

    alpha_os1: jax.Array
    alpha_os4: jax.Array
    alpha_os8: jax.Array
    pha: jax.Array

    @property
    def supervised(self) -> jax.Array:
        """What a loss on a single alpha looks at."""
        return self.pha


class MGMatting(ImageNetwork):
    """ "mgmatting" or "mgmatting_guided"; see `ImageNetwork` for the call.

    `pha` is the merge of the three scales ("original"), or the coarsest alone, which is all that the published
    comparison's test script looked at ("published").
    """

    PREPROCESSING: ClassVar = {
        "published": Preprocessing(padding="reflect_border", rounding="truncate"),
        "original": Preprocessing(mean=IMAGENET_MEAN, std=IMAGENET_STD, padding="reflect_border", rounding="truncate"),
    }
    default_loss: ClassVar = "mgmatting"

    def __init__(
        self,
        name: str = "mgmatting",
        *,
        preparation: str | None = None,
        rngs: nnx.Rngs | None,
        kernels: Kernels | None = None,
    ):
        guidance: Guidance | None = "mask" if name == "mgmatting_guided" else None
        spec = InputSpec(guidance=guidance, size_multiple=32)
        super().__init__(name, spec, preparation or ("original" if guidance else "published"))
        self.encoder = Encoder(3 + (CHANNELS[guidance] if guidance else 0), rngs=rngs)
        self.aspp = ASPP(512, 256, 512, rngs=rngs)
        self.decoder = Decoder(rngs=rngs)
        use_kernels(self, kernels)

    def forward(self, inputs: jax.Array, key: jax.Array | None) -> MGMattingResult:
        deep, skips = self.encoder(inputs)
        os1, os4, os8 = self.decoder(self.aspp(deep), skips)
        pha = merge_scales(os1, os4, os8) if self.preparation_name == "original" else os8
        return MGMattingResult(os1, os4, os8, pha)


class Encoder(nnx.Module):
    """Pictures (and masks) to 512 channels at 1/32, and skips at 1 to 1/16 with 32, 32, 64, 128 and 256 channels."""

    def __init__(self, inputs: int, *, rngs: nnx.Rngs | None):
        self.conv1 = SpectralConv2d(inputs, 32, 3, stride=2, rngs=rngs)
        self.conv2 = SpectralConv2d(32, 32, 3, rngs=rngs)
        self.conv3 = SpectralConv2d(32, 64, 3, stride=2, rngs=rngs)
        self.bn1, self.bn2, self.bn3 = BatchNorm2d(32), BatchNorm2d(32), BatchNorm2d(64)
        self.layer1 = encoder_stage(64, 64, 3, rngs=rngs)
        self.layer2 = encoder_stage(64, 128, 4, rngs=rngs)
        self.layer3 = encoder_stage(128, 256, 4, rngs=rngs)
        self.layer_bottleneck = encoder_stage(256, 512, 2, rngs=rngs)
        widths = ((inputs, 32), (32, 32), (64, 64), (128, 128), (256, 256))
        self.shortcut = nnx.List([shortcut(*channels, rngs=rngs) for channels in widths])
        if rngs is not None:
            # The network starts as one that does not see its mask, if there is one.
            weight = self.conv1.module.weight_bar
            weight.set_value(weight[...].at[:, :, 3:].set(0))

    def __call__(self, x: jax.Array) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        x1 = jax.nn.relu(self.bn1(self.conv1(x)))
        x1 = jax.nn.relu(self.bn2(self.conv2(x1)))
        x2 = self.layer1(jax.nn.relu(self.bn3(self.conv3(x1))))
        x3 = self.layer2(x2)
        x4 = self.layer3(x3)
        skips = tuple(layer(features) for layer, features in zip(self.shortcut, (x, x1, x2, x3, x4), strict=True))
        return self.layer_bottleneck(x4), skips


class ASPP(nnx.Module):
    """Atrous spatial pyramid pooling: the features near and far, and their global mean, side by side."""

    DILATIONS = (1, 2, 4, 8)

    def __init__(self, inputs: int, width: int, outputs: int, *, rngs: nnx.Rngs | None):
        self.aspp1 = Conv2d(inputs, width, 1, bias=False, rngs=rngs)
        self.aspp2 = Conv2d(inputs, width, 3, dilation=2, bias=False, rngs=rngs)
        self.aspp3 = Conv2d(inputs, width, 3, dilation=4, bias=False, rngs=rngs)
        self.aspp4 = Conv2d(inputs, width, 3, dilation=8, bias=False, rngs=rngs)
        self.aspp5 = Conv2d(inputs, width, 1, bias=False, rngs=rngs)
        for index in range(1, 6):
            setattr(self, f"aspp{index}_bn", BatchNorm2d(width))
        self.conv2 = Conv2d(5 * width, outputs, 1, bias=False, rngs=rngs)
        self.bn2 = BatchNorm2d(outputs)

    def __call__(self, x: jax.Array) -> jax.Array:
        branches = []
        for index, features in enumerate((x, x, x, x, global_mean(x)), start=1):
            branch = getattr(self, f"aspp{index}_bn")(getattr(self, f"aspp{index}")(features))
            branches.append(jnp.broadcast_to(jax.nn.relu(branch), (*x.shape[:-1], branch.shape[-1])))
        return jax.nn.relu(self.bn2(self.conv2(jnp.concatenate(branches, -1))))


class Decoder(nnx.Module):
    """512 channels at 1/32 and the skips to alphas from features at 1, 1/4 and 1/8, all at full size."""

    def __init__(self, *, rngs: nnx.Rngs | None):
        self.conv1 = SpectralConvTranspose2d(32, rngs=rngs)
        self.bn1 = BatchNorm2d(32)
        self.layer1 = decoder_stage(512, 256, 2, rngs=rngs)
        self.layer2 = decoder_stage(256, 128, 3, rngs=rngs)
        self.layer3 = decoder_stage(128, 64, 3, rngs=rngs)
        self.layer4 = decoder_stage(64, 32, 2, rngs=rngs)
        self.refine_OS1 = _head(32, rngs=rngs)
        self.refine_OS4 = _head(64, rngs=rngs)
        self.refine_OS8 = _head(128, rngs=rngs)

    def __call__(self, x: jax.Array, skips: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array, jax.Array]:
        s0, s1, s2, s3, s4 = skips
        x = self.layer1(x) + s4
        x = self.layer2(x) + s3
        os8 = self.refine_OS8(x)
        x = self.layer3(x) + s2
        os4 = self.refine_OS4(x)
        x = self.layer4(x) + s1
        x = LEAKY(self.bn1(self.conv1(x))) + s0
        os1 = self.refine_OS1(x)
        return _alpha(os1), _alpha(upsample(os4, 4)), _alpha(upsample(os8, 8))


def _head(inputs: int, *, rngs: nnx.Rngs | None) -> Sequential:
    return Sequential(
        [
            Conv2d(inputs, 32, 3, bias=False, rngs=rngs),
            BatchNorm2d(32),
            LEAKY,
            Conv2d(32, 1, 3, rngs=rngs),
        ]
    )


def _alpha(x: jax.Array) -> jax.Array:
    return (jnp.tanh(x) + 1) / 2
