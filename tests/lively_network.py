"""Networks whose untrained alphas are neither 0 nor 1, with batch norms far from the identity."""

from typing import Any, TypeVar

import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.layers.basic import BatchNorm2d
from rvm_jax.networks.rvm.model import MattingNetwork

N = TypeVar("N")


def lively_network(variant: str = "mobilenetv3", **settings: Any) -> MattingNetwork:
    """Returns RVM, whose freshly drawn alpha would be 0 everywhere."""
    network = enliven(MattingNetwork(variant, **settings, rngs=nnx.Rngs(0)))
    head = network.project_mat.conv
    assert head.bias is not None
    head.weight[...] = head.weight[...] * 3
    head.bias[...] = jnp.full_like(head.bias[...], 0.4)
    return network


def enliven(network: N) -> N:
    """Draws scales, shifts and statistics for all batch norms, in place; returns the network."""
    rng = np.random.default_rng(1)
    modules: list[tuple[Any, Any]] = list(nnx.iter_modules(network))  # type: ignore[arg-type]
    for _, module in modules:
        if isinstance(module, BatchNorm2d):
            for variable, low, high in (
                (module.weight, 0.5, 1.2),
                (module.bias, -0.2, 0.2),
                (module.running_mean, -0.2, 0.2),
                (module.running_var, 0.5, 2.0),
            ):
                variable[...] = jnp.asarray(rng.uniform(low, high, variable.shape), jnp.float32)
    return network
