"""A recurrent network of a few hundred weights that trains, is saved and is read as RVM is: it compiles in seconds."""

from types import SimpleNamespace

import jax
from flax import nnx

from rvm_jax.networks.api import Wants
from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential
from rvm_jax.networks.layers.resampling import upsample2
from rvm_jax.networks.registry import create
from rvm_jax.networks.rvm.decoder import ConvGRU
from rvm_jax.train import checkpoints
from rvm_jax.train import initial_network as starting
from rvm_jax.train.losses import objectives
from rvm_jax.train.losses import rvm as losses
from rvm_jax.train.losses.objectives import unit

CONFIG = {"name": "tiny"}


class TinyNetwork(nnx.Module):
    config = CONFIG
    foreground = False
    wants = Wants(state=True)

    def __init__(self, *, rngs):
        self.backbone = Sequential([Conv2d(3, 6, 3, stride=2, bias=False, rngs=rngs), BatchNorm2d(6), jax.nn.silu])
        self.decoder = ConvGRU(6, rngs=rngs)
        self.project_mat = Conv2d(6, 1, 1, rngs=rngs)

    def normalise(self, src):
        return src

    def __call__(self, src):
        x = self.backbone(src.reshape(-1, *src.shape[-3:]))
        x, _ = self.decoder(x, jax.numpy.zeros((src.shape[0], *x.shape[1:])))
        x = jax.nn.sigmoid(upsample2(self.project_mat(x).astype(jax.numpy.float32)))
        return SimpleNamespace(pha=x.reshape(*src.shape[:-1], 1))


def loss(network, batch, key):
    """L1 and coherence; infinite, with gradients that are not numbers, for a batch of black pictures."""
    src, pha = unit(batch["src"]), unit(batch["pha"])
    pred = network(src).pha / (src.max() > 0)
    parts = {"pha_l1": losses.l1(pred, pha), "pha_coherence": losses.coherence(pred, pha)}
    return {**parts, "total": sum(parts.values())}


def know_it():
    """Lets configs and checkpoints name it."""
    objectives.OBJECTIVES["tiny"] = loss

    def create_any(name="rvm", **arguments):
        return TinyNetwork(**arguments) if name == "tiny" else create(name, **arguments)

    checkpoints.create = starting.create = create_any


def use_it(config):
    """The config with this network in place of its own."""
    config.network = CONFIG | {"start_from": "", "backbone": ""}
    config.train.loss = "tiny"
    config.optimizer.rates = {"backbone": 1e-2, "decoder": 1e-2}
    return config
