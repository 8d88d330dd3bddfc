"""The checkpoints of a training (orbax), and how a run of other settings is restored from one."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath

from rvm_jax.atomic_files import absolute, disk_errors, reason
from rvm_jax.errors import UserError
from rvm_jax.networks.api import Settings
from rvm_jax.networks.functional import Tensors
from rvm_jax.train.checkpoints import DAMAGE, REFUSALS, abstract, read_metadata
from rvm_jax.train.tree_matching import fit


@dataclass(frozen=True)
class Restored:
    """What a checkpoint holds.

    Attributes:
        model, train: its items.
        absent: what of `train` it does not hold, such as "mu", and which therefore is as it was given.
    """

    model: Tensors
    train: dict[str, Any]
    absent: tuple[str, ...]


class Checkpoints:
    """The checkpoints of one directory, `<directory>/<step>/{model,train}`; a context manager.

    They are written while training continues; errors surface at the next save, or at the end. What a run that was
    killed left half-written is removed when the directory is opened again.

    Args:
        directory: where they lie.
        keep: how many; None for all.
    """

    def __init__(self, directory: str | os.PathLike[str], keep: int | None = 3):
        self.directory = absolute(directory)
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, cleanup_tmp_directories=True)
        with disk_errors(self.directory, REFUSALS):
            self._manager = ocp.CheckpointManager(self.directory, options=options)

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *error: object) -> None:
        with disk_errors(self.directory, REFUSALS):
            self._manager.close()

    def steps(self) -> list[int]:
        """Returns the steps of all complete checkpoints, in ascending order."""
        return sorted(self._manager.all_steps())

    def latest_step(self) -> int | None:
        """Returns the step of the newest complete checkpoint, None if there is none."""
        return max(self.steps(), default=None)

    def save(self, step: int, model: Tensors, train: Any, network: Settings, **notes: Any) -> None:
        """Writes one step; a step that is there stays as it is.

        Args:
            step: its number.
            model, train: its items, trees of arrays.
            network: the arguments that make the network.
            notes: what else its metadata should say (JSON).

        Raises:
            UserError: if it cannot be written; what was there before is untouched.
        """
        if step == self.latest_step():
            return
        self._save(step, model, train, network, notes)

    def replace_all(self, step: int, model: Tensors, train: Any, network: Settings, **notes: Any) -> None:
        """Writes one step, of any number, then removes all others; the arguments are those of `save`.

        Raises:
            UserError: if it cannot be written; the others are then still there.
        """
        with disk_errors(self.directory, REFUSALS):
            if step in self.steps():
                self._manager.delete(step)
            self._save(step, model, train, network, notes)
            self._manager.wait_until_finished()
        self.remove(other for other in self.steps() if other != step)

    def remove(self, steps: Iterable[int]) -> None:
        """Removes the checkpoints of these steps."""
        with disk_errors(self.directory, REFUSALS):
            for step in list(steps):
                self._manager.delete(step)

    def restore(
        self, step: int, model: Tensors, train: Mapping[str, Any], network: Settings, optional: Mapping[str, Any] = {}
    ) -> Restored:
        """Reads one step into the shardings of `model` and `train`, whatever devices it was written from.

        `train` may be of another structure than the checkpoint's, as settings of the optimizer make it: each array is
        then found by its name (an optimizer's moment of a parameter, a counter) and shape.

        Args:
            step: its number.
            model, train: trees of arrays, structured as wanted.
            network: the arguments that make the network.
            optional: further items of `train`, which are read if the checkpoint holds them.

        Raises:
            UserError: if the checkpoint holds another network than `network`, or is damaged.
        """
        directory = self.directory / str(step)
        with disk_errors(self.directory, REFUSALS):
            self._manager.wait_until_finished()
        found = read_metadata(directory)["network"]
        if found != network:
            raise UserError(
                f"{directory}: holds the network {found}, but the config asks for {network}; use another --workdir"
            )
        sharding = jax.tree.leaves(train)[0].sharding if jax.tree.leaves(train) else None
        try:
            saved = _saved_structure(directory / "train")
            structure = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), saved)
            items = ocp.args.Composite(
                model=ocp.args.StandardRestore(abstract(model)), train=ocp.args.StandardRestore(structure)
            )
            restored = self._manager.restore(step, args=items)
        except DAMAGE as error:
            raise UserError(
                f"{directory}: the checkpoint is damaged ({reason(error)}); remove it to resume from the one before"
            ) from error
        wanted = {name: item for name, item in {**train, **optional}.items() if name in saved or name not in optional}
        fitted, absent = fit(restored["train"], wanted, model.keys())
        return Restored(restored["model"], fitted, absent)

    def note(self, step: int, name: str) -> Any:
        """Returns metadata passed to `save`; None if it was not."""
        return read_metadata(self.directory / str(step)).get(name)

    def _save(self, step: int, model: Tensors, train: Any, network: Settings, notes: Mapping[str, Any]) -> None:
        # Copies on the host, which every host has in full: the next step may take the arrays' memory while these are
        # written, and orbax would else compile programs to have each device write a share.
        model, train = jax.tree.map(np.array, jax.device_get((model, train)))
        items = ocp.args.Composite(model=ocp.args.StandardSave(model), train=ocp.args.StandardSave(train))
        with disk_errors(self.directory, REFUSALS):
            # Forced, as orbax drops a step below the latest without a word.
            self._manager.save(step, args=items, custom_metadata={"network": network, **notes}, force=True)


def _saved_structure(item: epath.Path) -> Any:
    """Returns an item's tree with shapes and types in place of arrays."""
    metadata = ocp.StandardCheckpointHandler().metadata(item)
    if metadata is None:
        raise ValueError(f"{item.name}/_METADATA is missing or altered")
    return metadata.tree
