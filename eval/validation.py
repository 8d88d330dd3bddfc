"""Validation during training: errors on fixed clips in memory, and a picture of what the network does with them."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from data_pipeline.pipeline import make_batches
from eval.metrics.alpha import Mean, alpha_errors
from rvm_jax.errors import UserError
from rvm_jax.media.composite import GREEN, composite
from rvm_jax.media.sheets import grid
from rvm_jax.networks import functional
from rvm_jax.networks.api import Network
from rvm_jax.train.prediction import USED, predictor


class Validation:
    """Measures the mean absolute and squared error over the validation split's first clips, which stay in memory.

    Calling it with a network yields ("mad", …), ("mse", …), both of alphas in [0, 1], and ("clips", a sheet): in each
    row one clip's first, middle and last frame, in each the input, the true and the predicted alpha and the cut-out.

    Args:
        data: the config's `data` section.
        num_clips: how many clips; a multiple of `batch_size`.
        batch_size: clips at a time.
        split: "valid" or "test".

    Raises:
        UserError: if the clips do not make whole batches, or the data cannot be read.
    """

    metrics: ClassVar = ("mad", "mse")

    def __init__(self, data: Any, *, num_clips: int, batch_size: int, split: str = "valid"):
        if num_clips % batch_size:
            raise UserError(f"eval.num_clips={num_clips} must be a multiple of eval.batch_size={batch_size}")
        with make_batches(data, batch_size=batch_size, split=split, num_clips=num_clips, workers=0) as batches:
            # Copies: the arrays may live in memory that the stream takes back.
            self._batches = [{name: np.array(batch[name]) for name in USED if name in batch} for batch in batches]

    def __call__(self, network: Network, /) -> Iterator[tuple[str, float | np.ndarray]]:
        graphdef, params, batch_stats = functional.split(network)
        predict = predictor(graphdef)
        errors: dict[str, Mean] = {}
        rows: list[list[np.ndarray]] = []
        for batch in self._batches:
            pha = predict(params, batch_stats, batch)
            new = alpha_errors(pha, batch["pha"].astype(np.float32) / 255)
            errors = {name: errors[name].merge(mean) for name, mean in new.items()} if errors else dict(new)
            rows += [] if len(rows) >= 4 else _rows(batch, np.asarray(pha))
        for name, mean in errors.items():
            yield name, mean.compute()
        yield "clips", grid(rows[:4])


def _rows(batch: Mapping[str, np.ndarray], pha: np.ndarray) -> list[list[np.ndarray]]:
    rows = []
    for src, true, pred in zip(batch["src"], batch["pha"], pha, strict=True):
        alphas = np.round(pred * 255).astype(np.uint8)
        row = []
        for frame in sorted({0, len(src) // 2, len(src) - 1}):
            cutout = composite(src[frame], alphas[frame], GREEN)
            row += [src[frame], true[frame], alphas[frame], cutout]
        rows.append(row)
    return rows
