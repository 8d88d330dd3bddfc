"""Trainings of a few steps with a shipped recipe, a tiny network and made-up clips, for the tests of the loop.

`run` and `whole` are fixtures (`conftest.py`).
"""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import cv2
import jax
import numpy as np
import tiny_network
from ml_collections import ConfigDict

from configs import quickstart
from rvm_jax.train.phases import Batch, Batches
from rvm_jax.train.state import TrainState

# A work directory and the final state.
Whole = tuple[Path, TrainState]


def recipe(**train: object) -> ConfigDict:
    config = tiny_network.use_it(quickstart.get_config("tiny"))
    config.train.update(train)
    return config


def batch(step: int) -> dict[str, np.ndarray]:
    """Two clips of two frames: a grey disc, the face, jumps about over noise."""
    rng = np.random.default_rng(step)
    noise = rng.integers(0, 256, (2, 2, 64, 64, 3), dtype=np.uint8)
    pha = np.zeros((2, 2, 64, 64, 1), np.uint8)
    for b, t in itertools.product(range(2), range(2)):
        x, y = rng.integers(20, 44, 2).tolist()
        cv2.circle(pha[b, t], (x, y), 16, 255, -1)
    return {"src": np.where(pha > 0, np.uint8(128), noise), "pha": pha}


class Interruption(Exception):
    pass


class Stream:
    """What `train` takes as `batches`; it notes the batches taken, and calls `then` before the one numbered `until`."""

    def __init__(self, until: int | None = None, then: Callable[[], None] = lambda: None) -> None:
        self.until, self.then, self.taken, self.closed = until, then, list[int](), False

    @contextmanager
    def __call__(self, start: int) -> Iterator[Iterator[Batch]]:
        try:
            yield self.batches(start)
        finally:
            self.closed = True

    def batches(self, start: int) -> Iterator[Batch]:
        for step in itertools.count(start):
            if step == self.until:
                self.then()
            self.taken.append(step)
            yield batch(step)


def interrupt() -> None:
    raise Interruption


def black(step: int) -> dict[str, np.ndarray]:
    return {"src": np.zeros_like(batch(step)["src"]), "pha": batch(step)["pha"]}


class SomeBlack(Stream):
    """Its batches numbered in `black` are black, for which the tiny loss is not finite."""

    def __init__(self, *black: int) -> None:
        super().__init__()
        self.black = black

    def batches(self, start: int) -> Iterator[Batch]:
        for step, good in zip(itertools.count(start), super().batches(start), strict=False):
            yield black(step) if step in self.black else good


class Evaluator:
    """Yields a running mean of the network, and a grey picture."""

    metrics = ("mean",)

    def __call__(self, network: Any, /) -> Iterator[tuple[str, float | np.ndarray]]:
        yield "mean", float(jax.device_get(network.backbone[1].running_mean[...])[0])
        yield "clips", np.full((8, 8, 3), 200, np.uint8)


class Run(Protocol):
    def __call__(
        self, workdir: Path, stream: Batches, devices: int = 2, config: ConfigDict | None = None, **options: Any
    ) -> TrainState: ...


def curves(workdir: Path) -> list[tuple[int, dict[str, float]]]:
    """What was logged, as [(step, values)], but for what the clock says."""
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    timed = ("frames_per_second", "data_wait")
    return [(line["step"], {k: v for k, v in line.items() if k not in ("step", *timed)}) for line in lines]


def assert_same_tree(actual: Any, expected: Any) -> None:
    assert str(jax.tree.structure(actual)) == str(jax.tree.structure(expected))
    for one, other in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(one, other)
