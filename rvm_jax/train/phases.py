"""The phases of a training step: RVM alternates between matting and segmentation, each an update of its own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.train.crops import CropSize, crop_sizes
from rvm_jax.train.losses.objectives import OBJECTIVES, Loss, Objective, make_objective

# Arrays by name, uint8 (B, T, H, W, C), of this host's share.
Batch = Mapping[str, np.ndarray]
# From the number of batches already taken to an iterator of this host's further batches, used as a context.
Batches = Callable[[int], AbstractContextManager[Iterator[Batch]]]

# The name of the phase that the `train` section itself describes.
MAIN = "main"


@dataclass(frozen=True)
class Phase:
    """One forward, backward and update of a step.

    Attributes:
        name: `MAIN`, or the phase's label in `train.phases`.
        objective: what it minimises.
        batch_size: clips, on all hosts together.
        every, first: it is run in the steps first, first + every, …; steps count from 1.
        crops: the sizes (height, width) to choose from at random, step by step; none for whole frames.
        seed: of that choice.
    """

    name: str
    objective: Objective
    batch_size: int
    every: int = 1
    first: int = 1
    crops: tuple[CropSize, ...] = ()
    seed: int = 0

    def is_due(self, step: int) -> bool:
        """Returns whether the step has this phase."""
        return step >= self.first and (step - self.first) % self.every == 0

    def batches_until(self, step: int) -> int:
        """Returns how many batches the steps up to and with this one take."""
        return 0 if step < self.first else (step - self.first) // self.every + 1

    def crop(self, step: int) -> CropSize | None:
        """Returns the crop size of a step: the same on every host, and when the step is run again."""
        if not self.crops:
            return None
        return self.crops[int(np.random.default_rng((self.seed, step)).integers(len(self.crops)))]

    def metric(self, name: str) -> str:
        """Returns the name under which a metric of this phase is logged."""
        shared = name == "schedule" or name.startswith("skipped")
        return name if self.name == MAIN or shared else f"{self.name}/{name}"


def make_phases(train: Mapping[str, Any], objectives: Mapping[str, Loss] = OBJECTIVES) -> list[Phase]:
    """Returns the phases of a config's `train` section, in their order within a step: its own, the others by name.

    Args:
        train: the section.
        objectives: the losses by name.

    Raises:
        UserError: if a setting does not work; its text names the setting.
    """
    others = train.get("phases") or {}
    sections = {MAIN: train, **{name: others[name] for name in sorted(others)}}
    phases = []
    for name, section in sections.items():
        where = "train" if name == MAIN else f"train.phases.{name}"
        crops = crop_sizes(section.get("crop_sizes", ()), f"{where}.crop_sizes")
        every, first = section.get("every", 1), section.get("first", 1)
        if min(every, first) < 1:
            raise UserError(f"{where}: every={every} and first={first} must be 1 or more")
        if section["batch_size"] % train.get("accumulate", 1):
            raise UserError(
                f"{where}.batch_size={section['batch_size']} cannot be taken in train.accumulate={train['accumulate']} "
                "parts; use a multiple"
            )
        objective = make_objective(section, objectives)
        phases.append(Phase(name, objective, section["batch_size"], every, first, crops, train.get("seed", 0)))
    return phases


def steps_of_epochs(train: Mapping[str, Any], epoch_size: int) -> int:
    """Returns how many steps a config's `train.epochs` are.

    Args:
        train: the section.
        epoch_size: clips of an epoch.

    Raises:
        UserError: if there is not a single one.
    """
    epochs, batch_size = train["epochs"], train["batch_size"]
    steps = int(epochs * epoch_size // batch_size)
    if steps < 1:
        raise UserError(
            f"train.epochs={epochs} of {epoch_size} clips is no step of train.batch_size={batch_size}; set "
            "train.steps, or more epochs"
        )
    return steps
