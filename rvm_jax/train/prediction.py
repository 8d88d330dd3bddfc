"""The alphas of a batch of clips, as training and validation look at them."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import jax

from rvm_jax.guidance.jax_ops import network_inputs
from rvm_jax.networks import functional
from rvm_jax.networks.functional import Tensors

# (params, batch_stats, batch) to alphas (B, T, H, W, 1) in [0, 1].
Predictor = Callable[[Tensors, Tensors, Mapping[str, Any]], jax.Array]

# What a batch holds that `predictor` uses.
USED = ("src", "pha", "trimap")


@lru_cache(maxsize=4)
def predictor(graphdef: Any) -> Predictor:
    """Returns a jitted function from (params, batch_stats, batch) to alphas (B, T, H, W, 1).

    A batch has `src` uint8 (B, T, H, W, 3), and what guidance is made of if the network wants some: `pha`, `trimap`.

    Args:
        graphdef: the network's structure, as `functional.split` returns it.
    """

    def predict(params: Tensors, batch_stats: Tensors, batch: Mapping[str, Any]) -> jax.Array:
        network = functional.merge(graphdef, params, batch_stats)
        alphas: jax.Array = network(*network_inputs(network, batch)).pha
        return alphas

    return jax.jit(predict)
