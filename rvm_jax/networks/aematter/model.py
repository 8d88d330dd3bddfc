"""AEMatter (Liu et al. 2024, arXiv 2403.01123): a Swin encoder, attention over strips of the whole picture, a decoder.

`aematter_trimap` is the paper's network, which takes a one-hot trimap beside the image; `aematter` the one of the
published comparison, which takes the image alone and was trained without dropout and stochastic depth.
"""

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.aematter.attention import ResidualBlock, StripAttention, pad_to_strips
from rvm_jax.networks.api import CHANNELS, Guidance, InputSpec, Preprocessing
from rvm_jax.networks.backbones.swin import SwinStage, SwinTiny
from rvm_jax.networks.image_network import ImageNetwork
from rvm_jax.networks.layers.arithmetic import clamp
from rvm_jax.networks.layers.attention import keys
from rvm_jax.networks.layers.basic import Conv2d, Sequential
from rvm_jax.networks.layers.initializers import on_device
from rvm_jax.networks.layers.kernels import XLA, Kernels, use_kernels
from rvm_jax.networks.layers.resampling import upsample2, upsample2_nearest


class AEMatterResult(NamedTuple):
    """`alpha` (B, H, W, 1) in [0, 1], and the last convolution's output that it is clipped from."""

    alpha: jax.Array
    alpha_raw: jax.Array

    @property
    def pha(self) -> jax.Array:
        """The final alpha."""
        return self.alpha

    @property
    def supervised(self) -> jax.Array:
        """What a loss on the alpha looks at. Clipped values have no gradient to come back by, and a network may start
        with nothing but such (with one of four seeds it did): it would never learn."""
        return self.alpha_raw


class AEMatter(ImageNetwork):
    """ "aematter" or "aematter_trimap"; see `ImageNetwork` for the call.

    `regularised` sets the paper's stochastic depth and dropout, which draw from the call's `key`.
    """

    PREPROCESSING: ClassVar = {
        "published": Preprocessing(padding="reflect_border", rounding="truncate"),
        "original": Preprocessing(padding="symmetric_centred", keep_known_region=True, rounding="truncate"),
    }
    BACKBONE: ClassVar = "trans"
    kernels: Kernels = XLA

    def __init__(
        self,
        name: str = "aematter",
        *,
        preparation: str | None = None,
        regularised: bool | None = None,
        rngs: nnx.Rngs | None,
        kernels: Kernels | None = None,
    ):
        guidance: Guidance | None = "trimap" if name == "aematter_trimap" else None
        spec = InputSpec(guidance=guidance, size_multiple=32)
        super().__init__(name, spec, preparation or ("original" if guidance else "published"))
        self.regularised = guidance is not None if regularised is None else regularised
        share = 1.0 if self.regularised else 0.0
        inputs = 3 + (CHANNELS[guidance] if guidance else 0)
        self.start_conv0 = Sequential([Conv2d(inputs, 48, 3, rngs=rngs), PReLU(48)])
        self.start_conv = Sequential(
            [Conv2d(48, 64, 3, stride=2, rngs=rngs), PReLU(64), Conv2d(64, 64, 3, rngs=rngs), PReLU(64)]
        )
        self.trans = SwinTiny(64, rate=0.2 * share, rngs=rngs)
        _, c2, c3, c4 = SwinTiny.CHANNELS
        self.conv1 = Sequential([Conv2d(c4 + 640, 256, 1, rngs=rngs)])
        self.conv2 = Sequential([Conv2d(c3 + 256, 256, 1, rngs=rngs)])
        self.conv3 = Sequential([Conv2d(c2 + 256, 192, 1, rngs=rngs)])
        self.conv4 = Sequential([Conv2d(96 + 192, 128, 1, rngs=rngs)])
        self.ctran0 = SwinStage(256, 8, [0.09 * share] * 3, rngs=rngs)
        self.ctran1 = SwinStage(256, 8, [0.07 * share] * 3, rngs=rngs)
        self.ctran2 = SwinStage(192, 6, [0.05 * share] * 3, rngs=rngs)
        self.ctran3 = SwinStage(128, 4, [0.03 * share] * 3, rngs=rngs)
        self.conv5 = Sequential(
            [
                *(Conv2d(128 + 64, 64, 3, rngs=rngs), PReLU(64)),
                *(Conv2d(64, 64, 3, rngs=rngs), PReLU(64)),
                *(Conv2d(64, 48, 3, rngs=rngs), PReLU(48)),
            ]
        )
        self.convo = Sequential(
            [
                *(Conv2d(48 + 48 + inputs, 32, 3, rngs=rngs), PReLU(32)),
                *(Conv2d(32, 32, 3, rngs=rngs), PReLU(32)),
                Conv2d(32, 1, 3, rngs=rngs),
            ]
        )
        self.apptrans = Sequential(
            [
                Conv2d(c3 + 256, 256, 1, rngs=rngs),
                ResidualBlock(256, 128, rngs=rngs),
                ResidualBlock(256, 128, rngs=rngs),
                Conv2d(256, 512, 2, stride=2, rngs=rngs),
                ResidualBlock(512, 128, rngs=rngs),
            ]
        )
        self.emb = Sequential([Conv2d(c4, 640, 1, rngs=rngs), ResidualBlock(640, 160, rngs=rngs)])
        self.embdp = Sequential([Conv2d(640, 640, 1, rngs=rngs)])
        self.h2l = Conv2d(c4, 256, 1, rngs=rngs)
        self.trans1, self.trans2, self.trans3 = (
            StripAttention(640, 512, heads=10, rate=0.2 * share, rngs=rngs) for _ in range(3)
        )
        use_kernels(self, kernels)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of `rvm_jax.create` that make a network of this kind again (all but `rngs`)."""
        return {**super().config, "regularised": self.regularised}

    def forward(self, inputs: jax.Array, key: jax.Array | None) -> AEMatterResult:
        encoder_key, context_key, *decoder_keys = keys(key, 6)
        f0 = self.start_conv0(inputs)
        f1 = self.start_conv(f0)
        x1, x2, x3, x4 = self.trans(f1, encoder_key)
        z = self._context(x3, x4, context_key)
        y = self.ctran0(self.conv1(_join(x4, z)), decoder_keys[0])
        y = self.ctran1(self.conv2(_join(x3, upsample2(y, self.kernels))), decoder_keys[1])
        y = self.ctran2(self.conv3(_join(x2, upsample2(y, self.kernels))), decoder_keys[2])
        y = self.ctran3(self.conv4(_join(x1, upsample2(y, self.kernels))), decoder_keys[3])
        y = self.conv5(_join(f1, upsample2(y, self.kernels)))
        raw = self.convo(_join(inputs, f0, upsample2(y, self.kernels)))
        return AEMatterResult(clamp(raw, 0.0, 1.0), raw)

    def _context(self, x3: jax.Array, x4: jax.Array, key: jax.Array | None) -> jax.Array:
        """What the whole picture has to say about each place, (B, H/32, W/32, 640)."""
        appearance = self.apptrans(_join(x3, upsample2_nearest(self.h2l(x4))))
        z = self.embdp(self.emb(x4))
        z, crop = pad_to_strips(z)
        appearance, _ = pad_to_strips(appearance)
        for layer, own_key in zip((self.trans1, self.trans2, self.trans3), keys(key, 3), strict=True):
            z = layer(z, appearance, own_key)
        return z[crop]


class PReLU(nnx.Module):
    """torch.nn.PReLU with a negative slope for each channel."""

    def __init__(self, channels: int):
        self.weight = nnx.Param(on_device(np.full(channels, 0.25, np.float32)))

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.where(x > 0, x, x * self.weight[...].astype(x.dtype))


def _join(*maps: jax.Array) -> jax.Array:
    return jnp.concatenate(maps, -1)
