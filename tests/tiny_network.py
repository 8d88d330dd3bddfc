"""A recurrent network of a few hundred weights that trains, is saved and is read as RVM is: it compiles in seconds."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import nnx
from ml_collections import ConfigDict

from rvm_jax.networks import Declaration, InputSpec, Matte, Network, Preprocessing, Settings
from rvm_jax.networks.api import Array
from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential
from rvm_jax.networks.layers.resampling import upsample2
from rvm_jax.networks.rvm.decoder import ConvGRU
from rvm_jax.train.losses.objectives import OBJECTIVES
from rvm_jax.train.losses.terms import Batch, Components, coherence, l1, unit, with_total

CONFIG: Settings = {"name": "tiny"}


class TinyNetwork(nnx.Module):
    name: ClassVar = "tiny"
    config: ClassVar = CONFIG
    inputs: ClassVar = InputSpec(state=True)
    preprocessing: ClassVar = Preprocessing()
    parts: ClassVar = ("backbone", "decoder", "project_mat")
    default_loss: ClassVar = "tiny"
    foreground: ClassVar = False

    def __init__(self, *, rngs: nnx.Rngs | None) -> None:
        self.backbone = Sequential([Conv2d(3, 6, 3, stride=2, bias=False, rngs=rngs), BatchNorm2d(6), jax.nn.silu])
        self.decoder = ConvGRU(6, rngs=rngs)
        self.project_mat = Conv2d(6, 1, 1, rngs=rngs)

    def normalise(self, src: jax.Array) -> jax.Array:
        return src

    def __call__(self, src: Array, /, *args: Any, **kwargs: Any) -> Matte:
        x = self.backbone(jnp.asarray(src).reshape(-1, *src.shape[-3:]))
        x, rec = self.decoder(x, jnp.zeros((src.shape[0], *x.shape[1:])))
        x = jax.nn.sigmoid(upsample2(self.project_mat(x).astype(jnp.float32)))
        return Matte(None, x.reshape(*src.shape[:-1], 1), (rec,))


# `with rvm_jax.networks.register(DECLARATION):` lets checkpoints name it.
DECLARATION = Declaration(names=("tiny",), network=TinyNetwork)


def loss(network: Network, batch: Batch, key: jax.Array) -> Components:
    """L1 and coherence; infinite, with gradients that are not numbers, for a batch of black pictures."""
    src, pha = unit(batch["src"]), unit(batch["pha"])
    pred = network(src).pha / (src.max() > 0)
    return with_total(pha_l1=l1(pred, pha), pha_coherence=coherence(pred, pha))


# What `train` is given to know the loss.
LOSSES = {**OBJECTIVES, "tiny": loss}


def use_it(config: ConfigDict) -> ConfigDict:
    """The config with this network in place of its own."""
    config.network = CONFIG | {"start_from": "", "backbone": ""}
    config.train.loss = "tiny"
    config.optimizer.rates = (("backbone.*", 1e-2), (".*", 1e-2))
    return config
