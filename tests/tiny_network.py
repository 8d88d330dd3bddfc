"""A recurrent network of a few hundred weights that trains, is saved and is read as RVM is: it compiles in seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import nnx
from ml_collections import ConfigDict

from rvm_jax.networks import Declaration, InputSpec, Matte, Preprocessing, Settings, register
from rvm_jax.networks.api import Array
from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential
from rvm_jax.networks.layers.resampling import upsample2
from rvm_jax.networks.rvm.decoder import ConvGRU
from rvm_jax.train.losses import objectives
from rvm_jax.train.losses import rvm as losses
from rvm_jax.train.losses.objectives import unit

CONFIG = {"name": "tiny"}


class TinyNetwork(nnx.Module):
    """Mattes clips (B, T, H, W, 3), each from an empty state."""

    name: ClassVar = "tiny"
    config: ClassVar[Settings] = CONFIG
    foreground: ClassVar = False
    inputs: ClassVar = InputSpec(state=True)
    preprocessing: ClassVar = Preprocessing()
    parts: ClassVar = ("backbone", "decoder", "project_mat")
    default_loss: ClassVar = "tiny"

    def __init__(self, *, rngs: nnx.Rngs | None):
        self.backbone = Sequential([Conv2d(3, 6, 3, stride=2, bias=False, rngs=rngs), BatchNorm2d(6), jax.nn.silu])
        self.decoder = ConvGRU(6, rngs=rngs)
        self.project_mat = Conv2d(6, 1, 1, rngs=rngs)

    def normalise(self, src: jax.Array) -> jax.Array:
        return src

    def __call__(self, src: Array, rec: Any = None, downsample_ratio: float = 1.0) -> Matte:
        x = self.backbone(jnp.asarray(src).reshape(-1, *src.shape[-3:]))
        x, h = self.decoder(x, jnp.zeros((src.shape[0], *x.shape[1:])))
        x = jax.nn.sigmoid(upsample2(self.project_mat(x).astype(jnp.float32)))
        return Matte(None, x.reshape(*src.shape[:-1], 1), (h,))


DECLARATION = Declaration(names=("tiny",), network=TinyNetwork, rate_groups={"project_mat": "decoder"})


def loss(network: Any, batch: objectives.Batch, key: jax.Array) -> losses.Components:
    """L1 and coherence; infinite, with gradients that are not numbers, for a batch of black pictures."""
    src, pha = unit(batch["src"]), unit(batch["pha"])
    pred = network(src).pha / (src.max() > 0)
    parts = {"pha_l1": losses.l1(pred, pha), "pha_coherence": losses.coherence(pred, pha)}
    return {**parts, "total": parts["pha_l1"] + parts["pha_coherence"]}


@contextmanager
def known() -> Iterator[None]:
    """Lets configs and checkpoints name it, and its loss, within."""
    objectives.OBJECTIVES["tiny"] = loss
    try:
        with register(DECLARATION):
            yield
    finally:
        del objectives.OBJECTIVES["tiny"]


def use_it(config: ConfigDict) -> ConfigDict:
    """Returns the config with this network in place of its own."""
    config.network = CONFIG | {"start_from": "", "backbone": ""}
    config.train.loss = "tiny"
    config.optimizer.rates = {"backbone": 1e-2, "decoder": 1e-2}
    return config
