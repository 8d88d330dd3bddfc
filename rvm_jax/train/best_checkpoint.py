"""The best network so far, by a metric of the evaluation, kept beside the checkpoints that training goes on from."""

import os
from collections.abc import Mapping
from typing import Any

from rvm_jax.errors import UserError
from rvm_jax.networks.functional import Tensors
from rvm_jax.train.checkpoints import Checkpoints


class Best:
    """One checkpoint, `<directory>/<step>`, of the lowest value of a metric; a context manager.

    Args:
        directory: where it lies; `rvm_jax.load` takes it.
        metric: the metric's name as it is logged, such as "valid/mad"; empty keeps none.
    """

    def __init__(self, directory: str | os.PathLike, metric: str):
        self.metric = metric
        self._store = Checkpoints(directory, keep=1) if metric else None
        kept = self._store.latest_step() if self._store else None
        self._lowest = self._store.note(kept, metric) if self._store and kept is not None else float("inf")

    def __enter__(self) -> "Best":
        return self

    def __exit__(self, *error: Any) -> None:
        if self._store is not None:
            self._store.__exit__(*error)

    def save(
        self, step: int, values: Mapping[str, float], model: Tensors, train: Any, network: Mapping[str, Any]
    ) -> None:
        """Keeps the network of this step if its value is below that of the one kept; `train` is not kept but its step.

        Raises:
            UserError: the evaluation has no such metric.
        """
        if self._store is None:
            return
        if self.metric not in values:
            raise UserError(f"train.keep_best '{self.metric}' is no metric of the evaluation; use {', '.join(values)}")
        if values[self.metric] < self._lowest:
            self._lowest = values[self.metric]
            self._store.save(step, model, {"step": train["step"]}, dict(network), **{self.metric: self._lowest})
