"""What every study needs of its trainings: the batches that one reads, and what its network makes of frames."""

from collections.abc import Callable
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from data_pipeline.pipeline import make_batches
from rvm_jax.networks import functional
from rvm_jax.networks.api import Network
from rvm_jax.train.prediction import predictor

# From frames uint8 (B, T, H, W, 3) to alphas uint8 (B, T, H, W).
Alphas = Callable[[np.ndarray], np.ndarray]


def batches(config: ConfigDict) -> Callable[[int], Any]:
    """Returns what a recipe trains on, from a step on, as `rvm_jax.train.loop.train` takes it."""
    return lambda step: make_batches(config.data, batch_size=config.train.batch_size, start_step=step)


def predict_with(network: Network) -> Alphas:
    """Returns what mattes frames with a network; every clip begins with a state of zeros."""
    graphdef, params, batch_stats = functional.split(network)
    predict = predictor(graphdef)

    def alphas(src: np.ndarray) -> np.ndarray:
        pha = np.asarray(predict(params, batch_stats, {"src": src}))
        return np.round(255 * pha[..., 0]).astype(np.uint8)

    return alphas


def predict_filled(predict: Alphas, src: np.ndarray, size: int) -> np.ndarray:
    """Returns the alphas of up to `size` clips; the batch is filled up, so that one compilation serves all."""
    filled = np.concatenate([src, np.repeat(src[-1:], size - len(src), axis=0)])
    return predict(filled)[: len(src)]
