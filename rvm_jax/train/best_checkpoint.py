"""The best network so far, by a metric of the evaluation, kept beside the checkpoints that training resumes from."""

import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

from rvm_jax.errors import UserError
from rvm_jax.networks.api import Settings
from rvm_jax.networks.functional import Tensors
from rvm_jax.train.checkpoints import Checkpoints


class BestCheckpoint:
    """Keeps one checkpoint, `<directory>/<step>`, of the lowest value of a metric; a context manager.

    A network that another metric chose stays until this one has chosen.

    Args:
        directory: where it lies; `rvm_jax.load` takes it.
        metric: the metric's name as it is logged, such as "valid/mad"; empty keeps none.
        known: the metrics that the evaluation has.

    Raises:
        UserError: if the evaluation has no such metric.
    """

    def __init__(self, directory: str | os.PathLike[str], metric: str, known: Iterable[str]):
        check_metric(metric, known)
        self.metric, self._lowest = metric, math.inf
        self._store = Checkpoints(directory, keep=None) if metric else None
        if self._store is not None:
            notes = {step: self._store.note(step, metric) for step in self._store.steps()}
            values = {step: float(value) for step, value in notes.items() if value is not None}
            if values:
                best = min(values, key=lambda step: values[step])
                self._lowest = values[best]
                self._store.remove(step for step in notes if step != best)  # a kill came between writing and removing

    def __enter__(self) -> "BestCheckpoint":
        return self

    def __exit__(self, *error: object) -> None:
        if self._store is not None:
            self._store.__exit__(*error)

    def save(
        self, step: int, values: Mapping[str, float], model: Tensors, train: Mapping[str, Any], network: Settings
    ) -> None:
        """Keeps the network of this step if its value is below that of the one kept.

        Args:
            step: its number; it may be below that of the one kept, if a run resumed before that.
            values: the evaluation's.
            model, train: a checkpoint's items; of `train` only the step is kept.
            network: the arguments that make the network.

        Raises:
            UserError: if it cannot be written.
        """
        if self._store is not None and values[self.metric] < self._lowest:
            self._lowest = values[self.metric]
            notes = {self.metric: self._lowest}
            self._store.replace_all(step, model, {"step": train["step"]}, network, **notes)


def check_metric(metric: str, known: Iterable[str]) -> None:
    """Checks `train.keep_best`.

    Raises:
        UserError: if it is not among the metrics `known`.
    """
    known = list(known)
    if metric and metric not in known:
        raise UserError(f"train.keep_best '{metric}' is no metric of the evaluation; use {', '.join(known) or 'none'}")
