"""A network for still pictures whose answer is known, for tests of what surrounds such networks."""

from typing import Any, ClassVar, NamedTuple

import jax

from rvm_jax.networks.api import Guidance, InputSpec, Preprocessing
from rvm_jax.networks.image_network import ImageNetwork
from rvm_jax.networks.resnet18_unet.model import ResNet18UNet


class EchoResult(NamedTuple):
    pha: jax.Array

    @property
    def supervised(self) -> jax.Array:
        return self.pha


class Echo(ImageNetwork):
    """Gives `gain` times the last input channel back: the picture's blue, the mask, or the trimap's foreground."""

    PREPROCESSING: ClassVar[dict[str, Preprocessing]] = {
        "published": ResNet18UNet.PREPROCESSING["published"],
        "original": Preprocessing(padding="symmetric_centred", keep_known_region=True, rounding="truncate"),
        "resized": Preprocessing(padding="resize", short_side=64),
        "edge": Preprocessing(),
    }

    def __init__(self, guidance: Guidance | None = None, preparation: str = "edge", gain: float = 1.0):
        super().__init__("echo", InputSpec(guidance=guidance, size_multiple=32), preparation)
        self.gain = gain

    def forward(self, inputs: jax.Array, key: jax.Array | None) -> EchoResult:
        return EchoResult(self.gain * inputs[..., -1:])
