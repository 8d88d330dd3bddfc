"""Networks whose untrained alphas are neither 0 nor 1, with batch norms far from the identity."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.layers.basic import BatchNorm2d
from rvm_jax.networks.rvm.model import MattingNetwork


def lively_network(variant="mobilenetv3", **settings):
    network = MattingNetwork(variant, **settings, rngs=nnx.Rngs(0))
    rng = np.random.default_rng(1)
    for _, module in nnx.iter_modules(network):
        if isinstance(module, BatchNorm2d):
            for variable, low, high in (
                (module.weight, 0.5, 1.2),
                (module.bias, -0.2, 0.2),
                (module.running_mean, -0.2, 0.2),
                (module.running_var, 0.5, 2.0),
            ):
                variable[...] = jnp.asarray(rng.uniform(low, high, variable.shape), jnp.float32)
    head = network.project_mat.conv
    head.weight[...] = head.weight[...] * 3
    head.bias[...] = jnp.full_like(head.bias[...], 0.4)
    return network
