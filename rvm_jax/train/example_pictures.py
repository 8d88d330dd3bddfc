"""A sheet of what the network makes of a training clip: input, true and predicted alpha, error."""

from typing import Any

import jax
import numpy as np

from rvm_jax.media.sheets import grid
from rvm_jax.networks.functional import Tensors
from rvm_jax.train.phases import Batch
from rvm_jax.train.prediction import USED, predictor

_MAX_FRAMES = 4


def draw(graphdef: Any, params: Tensors, batch_stats: Tensors, batch: Batch) -> np.ndarray:
    """Returns a picture (H, W, 3) uint8: a row for each of up to four frames of the batch's first clip.

    Only this host and one device of it take part.

    Args:
        graphdef, params, batch_stats: the network, as `functional.split` returns it.
        batch: this host's clips, uint8 arrays.
    """
    own_params, own_stats = ({key: x.addressable_data(0) for key, x in own.items()} for own in (params, batch_stats))
    src, true = batch["src"][0], batch["pha"][0]
    used = jax.device_put({name: np.asarray(batch[name][0])[None] for name in USED if name in batch})
    pred = jax.device_get(predictor(graphdef)(own_params, own_stats, used))[0]
    alphas = np.round(255 * pred).astype(np.uint8)
    rows = []
    for frame in np.unique(np.linspace(0, len(src) - 1, _MAX_FRAMES).round().astype(int)):
        error = np.abs(alphas[frame].astype(np.int16) - true[frame]).astype(np.uint8)
        rows.append([src[frame], true[frame], alphas[frame], error])
    return grid(rows)
