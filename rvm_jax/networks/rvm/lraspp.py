"""Lite R-ASPP (Howard et al. 2019, section 6.4): the encoder's deepest features, gated by their global mean."""

import jax
from flax import nnx

from rvm_jax.networks.layers.arithmetic import global_mean
from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential


class LRASPP(nnx.Module):
    """(B, h, w, inputs) to (B, h, w, outputs)."""

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs | None):
        self.aspp1 = Sequential([Conv2d(inputs, outputs, 1, bias=False, rngs=rngs), BatchNorm2d(outputs), jax.nn.relu])
        self.aspp2 = Sequential([global_mean, Conv2d(inputs, outputs, 1, bias=False, rngs=rngs), jax.nn.sigmoid])

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.aspp1(x) * self.aspp2(x)
