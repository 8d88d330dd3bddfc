"""Networks and training states on the disk (orbax).

A checkpoint is a directory: `model` holds the network's tensors by their dotted keys, `train` what only training needs,
and its metadata the arguments that make the network. Orbax writes beside and renames: a checkpoint is whole or absent.
Paths may be of a bucket (gs://…), as `etils.epath` knows them.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from etils import epath

from rvm_jax.atomic_files import absolute, disk_errors, reason
from rvm_jax.errors import UserError
from rvm_jax.networks import functional
from rvm_jax.networks.api import Network, Settings
from rvm_jax.networks.functional import Tensors
from rvm_jax.networks.registry import create

# What orbax and the libraries under it raise for a file that is cut short, altered or missing.
_DAMAGE = (ValueError, KeyError, OSError, TypeError)
# And for a disk that is full: TensorStore, which writes the tensors, has no class of its own for it.
_REFUSALS = (ValueError, RuntimeError)

# The names from a tree's root to a leaf.
_Path = tuple[str, ...]


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Writes a network as a checkpoint directory, which `load` reads.

    Raises:
        UserError: if `path` exists already, or cannot be written.
    """
    directory = absolute(path)
    if directory.exists():
        raise UserError(f"{directory}: exists already; remove it or choose another name")
    _, params, batch_stats = functional.split(network)
    items = ocp.args.Composite(model=ocp.args.StandardSave(params | batch_stats))
    with ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer, disk_errors(directory, _REFUSALS):
        checkpointer.save(directory, items, custom_metadata={"network": network.config})


def load(path: str | os.PathLike[str]) -> Any:
    """Returns the `Network`, in evaluation mode, of a checkpoint directory or of a work directory's latest step.

    Raises:
        UserError: if there is no such directory, it holds no network, or it is damaged.
    """
    step = _step_directory(absolute(path))
    config = _metadata(step)["network"]
    try:
        network = create(**config, rngs=None)
    except (TypeError, UserError) as error:
        raise UserError(f"{step}: holds the network {config}, which this version does not know; update it") from error
    graphdef, params, batch_stats = functional.split(network)
    try:
        with ocp.Checkpointer(ocp.StandardCheckpointHandler()) as checkpointer:
            tensors = checkpointer.restore(
                step / "model", args=ocp.args.StandardRestore(_abstract(params | batch_stats))
            )
    except _DAMAGE as error:
        raise UserError(f"{step}: the checkpoint is damaged or of another network ({reason(error)})") from error
    return functional.merge(graphdef, {key: tensors[key] for key in params}, {key: tensors[key] for key in batch_stats})


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
        with disk_errors(self.directory, _REFUSALS):
            self._manager = ocp.CheckpointManager(self.directory, options=options)

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *error: object) -> None:
        with disk_errors(self.directory, _REFUSALS):
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
        with disk_errors(self.directory, _REFUSALS):
            if step in self.steps():
                self._manager.delete(step)
            self._save(step, model, train, network, notes)
            self._manager.wait_until_finished()
        self.remove(other for other in self.steps() if other != step)

    def remove(self, steps: Any) -> None:
        """Removes the checkpoints of these steps."""
        with disk_errors(self.directory, _REFUSALS):
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
        with disk_errors(self.directory, _REFUSALS):
            self._manager.wait_until_finished()
        found = _metadata(directory)["network"]
        if found != network:
            raise UserError(
                f"{directory}: holds the network {found}, but the config asks for {network}; use another --workdir"
            )
        sharding = jax.tree.leaves(train)[0].sharding if jax.tree.leaves(train) else None
        try:
            saved = _saved_structure(directory / "train")
            abstract = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), saved)
            items = ocp.args.Composite(
                model=ocp.args.StandardRestore(_abstract(model)), train=ocp.args.StandardRestore(abstract)
            )
            restored = self._manager.restore(step, args=items)
        except _DAMAGE as error:
            raise UserError(
                f"{directory}: the checkpoint is damaged ({reason(error)}); remove it to resume from the one before"
            ) from error
        wanted = {name: item for name, item in {**train, **optional}.items() if name in saved or name not in optional}
        fitted, absent = _fit(restored["train"], wanted, model.keys())
        return Restored(restored["model"], fitted, absent)

    def note(self, step: int, name: str) -> Any:
        """Returns metadata passed to `save`; None if it was not."""
        return _metadata(self.directory / str(step)).get(name)

    def _save(self, step: int, model: Tensors, train: Any, network: Settings, notes: Mapping[str, Any]) -> None:
        # Copies on the host, which every host has in full: the next step may take the arrays' memory while these are
        # written, and orbax would else compile programs to have each device write a share.
        model, train = jax.tree.map(np.array, jax.device_get((model, train)))
        items = ocp.args.Composite(model=ocp.args.StandardSave(model), train=ocp.args.StandardSave(train))
        with disk_errors(self.directory, _REFUSALS):
            # Forced, as orbax drops a step below the latest without a word.
            self._manager.save(step, args=items, custom_metadata={"network": network, **notes}, force=True)


def _step_directory(path: epath.Path) -> epath.Path:
    if path.is_file():
        raise UserError(f"{path}: a checkpoint is a directory; PyTorch weights are read with rvm_jax.load_torch")
    if not path.is_dir():
        raise UserError(f"{path}: no such checkpoint directory")
    if (path / "model").is_dir():
        return path
    steps = path / "checkpoints" if (path / "checkpoints").is_dir() else path
    numbers = [int(entry.name) for entry in steps.iterdir() if entry.name.isdigit() and (entry / "model").is_dir()]
    if not numbers:
        raise UserError(f"{path}: holds no checkpoint; give a work directory that has trained, or one of its steps")
    return steps / str(max(numbers))


def _metadata(step: epath.Path) -> dict[str, Any]:
    """Returns what was told about the checkpoint: `network`, and the notes."""
    try:
        metadata = json.loads((step / "_CHECKPOINT_METADATA").read_text())
        return {"network": metadata["custom_metadata"]["network"], **metadata["custom_metadata"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{step}: the checkpoint does not say which network it holds; it is damaged or not ours"
        ) from error


def _saved_structure(item: epath.Path) -> Any:
    """Returns an item's tree with shapes and types in place of arrays."""
    metadata = ocp.StandardCheckpointHandler().metadata(item)
    if metadata is None:
        raise ValueError(f"{item.name}/_METADATA is missing or altered")
    return metadata.tree


def _fit(saved: Any, wanted: Any, parameters: Any) -> tuple[Any, tuple[str, ...]]:
    """Returns `wanted` with the arrays of `saved`, and the names of those that it lacks.

    Args:
        saved, wanted: trees of arrays.
        parameters: the keys that tell an optimizer's arrays of one parameter from another's.
    """

    def name(path: _Path) -> _Path:
        """Returns what an array is called wherever it lies: "mu" and its parameter, or "count"."""
        return path[-2:] if path[-1] in parameters else path[-1:]

    exact: dict[_Path, jax.Array] = {_names(path): x for path, x in jax.tree.leaves_with_path(saved)}
    alike: dict[tuple[str, _Path], jax.Array] = {}
    for path, x in exact.items():
        alike.setdefault((path[0], name(path)), x)
    absent: dict[str, None] = {}

    def pick(keys: Any, x: jax.Array) -> jax.Array:
        path = _names(keys)
        found = exact.get(path)
        if found is None or found.shape != x.shape:
            found = alike.get((path[0], name(path)))
        if found is None or found.shape != x.shape:
            absent[name(path)[0]] = None
            return x
        # A copy, as two counters may have been one, and a step takes the memory of each.
        return found.astype(x.dtype) if found.dtype != x.dtype else found if path in exact else found.copy()

    return jax.tree.map_with_path(pick, wanted), tuple(absent)


def _names(path: Any) -> _Path:
    return tuple(str(getattr(key, "key", getattr(key, "idx", getattr(key, "name", key)))) for key in path)


def _abstract(tree: Any) -> Any:
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(jnp.shape(x), x.dtype, sharding=x.sharding), tree)
