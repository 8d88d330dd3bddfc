"""A network for still pictures whose answer is known, for tests of what surrounds such networks."""

from typing import ClassVar, NamedTuple

from rvm_jax.networks.api import Preparation, Wants
from rvm_jax.networks.image_network import StillNetwork
from rvm_jax.networks.resnet18_unet.model import ResNet18UNet


class EchoResult(NamedTuple):
    pha: object

    @property
    def supervised(self):
        return self.pha


class Echo(StillNetwork):
    """Gives `gain` times the last input channel back: the picture's blue, the mask, or the trimap's foreground."""

    PREPARATIONS: ClassVar = {
        "published": ResNet18UNet.PREPARATIONS["published"],
        "original": Preparation(padding="symmetric_centred", keeps_known=True, truncates=True),
        "resized": Preparation(padding="resize", short_side=64),
        "edge": Preparation(),
    }

    def __init__(self, guidance=None, preparation="edge", gain=1.0):
        super().__init__("echo", Wants(guidance=guidance, size_multiple=32), preparation)
        self.gain = gain

    def forward(self, inputs, key):
        return EchoResult(self.gain * inputs[..., -1:])
