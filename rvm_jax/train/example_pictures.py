"""A sheet of what the network makes of a training clip: input, true and predicted alpha, error."""

from functools import lru_cache
from typing import Any

import jax
import numpy as np

from rvm_jax.guidance.network_inputs import network_inputs
from rvm_jax.media.sheets import grid
from rvm_jax.networks import functional
from rvm_jax.networks.functional import Tensors
from rvm_jax.train.phases import Batch

_MAX_FRAMES = 4


def draw(graphdef: Any, params: Tensors, batch_stats: Tensors, batch: Batch) -> np.ndarray:
    """Returns a picture (H, W, 3) uint8: a row for each of up to four frames of the batch's first clip.

    Only this host and one device of it take part.
    """
    own = jax.tree.map(lambda x: x.addressable_data(0), (params, batch_stats))
    src, true = batch["src"][0], batch["pha"][0]
    used = {name: np.asarray(batch[name][0])[None] for name in ("src", "pha", "trimap") if name in batch}
    pred = np.asarray(_predict(graphdef)(*own, used))[0]
    alphas = np.round(255 * pred).astype(np.uint8)
    rows = []
    for frame in np.unique(np.linspace(0, len(src) - 1, _MAX_FRAMES).round().astype(int)):
        error = np.abs(alphas[frame].astype(np.int16) - true[frame]).astype(np.uint8)
        rows.append([src[frame], true[frame], alphas[frame], error])
    return grid(rows)


@lru_cache(maxsize=2)
def _predict(graphdef: Any) -> Any:
    @jax.jit
    def predict(params: Tensors, batch_stats: Tensors, batch: Batch) -> jax.Array:
        network = functional.merge(graphdef, params, batch_stats)
        return network(*network_inputs(network, batch)).pha

    return predict
