"""Networks and training states on the disk (orbax).

A checkpoint is a directory: `model` holds the network's tensors by their dotted keys, `train` what only training needs,
and its metadata the arguments that make the network. Orbax writes beside and renames: a checkpoint is whole or absent.
Paths may be of a bucket (gs://…), as `etils.epath` knows them.
"""

import json
import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from etils import epath

from rvm_jax.atomic_files import absolute, disk_errors, reason
from rvm_jax.errors import UserError
from rvm_jax.networks import functional
from rvm_jax.networks.registry import create

# What orbax and the libraries under it raise for a file that is cut short, altered or missing.
_DAMAGE = (ValueError, KeyError, OSError, TypeError)
# And for a disk that is full: TensorStore, which writes the tensors, has no class of its own for it.
_REFUSALS = (ValueError, RuntimeError)


def save(network: Any, path: str | os.PathLike) -> None:
    """Writes a network as a checkpoint directory; `load` reads it. Raises UserError where `path` exists already."""
    directory = absolute(path)
    if directory.exists():
        raise UserError(f"{directory}: exists already; remove it or choose another name")
    _, params, batch_stats = functional.split(network)
    items = ocp.args.Composite(model=ocp.args.StandardSave(params | batch_stats))
    with ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer, disk_errors(directory, _REFUSALS):
        checkpointer.save(directory, items, custom_metadata={"network": network.config})


def load(path: str | os.PathLike) -> Any:
    """Returns the network, in evaluation mode, of a checkpoint directory or of a work directory's latest step.

    Raises:
        UserError: no such directory, none with a network, or one that is damaged.
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


class Checkpoints:
    """The checkpoints of one directory, `<directory>/<step>/{model,train}`; a context manager.

    They are written while training goes on; what went wrong then is said at the next save, or at the end. What a run
    that was killed left half-written is removed when the directory is opened again.
    """

    def __init__(self, directory: str | os.PathLike, keep: int = 3):
        self.directory = absolute(directory)
        options = ocp.CheckpointManagerOptions(
            max_to_keep=keep,
            cleanup_tmp_directories=True,
        )
        with disk_errors(self.directory, _REFUSALS):
            self._manager = ocp.CheckpointManager(self.directory, options=options)

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *error: object) -> None:
        with disk_errors(self.directory, _REFUSALS):
            self._manager.close()

    def latest_step(self) -> int | None:
        """The step of the newest complete checkpoint, None where there is none."""
        return self._manager.latest_step()

    def save(self, step: int, model: functional.Tensors, train: Any, network: dict[str, Any], **notes: Any) -> None:
        """Writes one step; a step that is there stays as it is.

        Args:
            step: its number.
            model, train: its items, trees of arrays.
            network: the arguments that make the network.
            notes: what else its metadata should say (JSON).

        Raises:
            UserError: it cannot be written; what was there before is untouched.
        """
        if step == self._manager.latest_step():
            return
        # Copies on the host, which every host has in full: the next step may take the arrays' memory while these are
        # written, and orbax would else compile programs to have each device write a share.
        model, train = jax.tree.map(np.array, jax.device_get((model, train)))
        items = ocp.args.Composite(model=ocp.args.StandardSave(model), train=ocp.args.StandardSave(train))
        with disk_errors(self.directory, _REFUSALS):
            self._manager.save(step, args=items, custom_metadata={"network": network, **notes})

    def restore(self, step: int, model: functional.Tensors, train: Any, network: dict[str, Any]) -> tuple[Any, Any]:
        """Reads one step into the shapes and shardings of `model` and `train`, whatever devices it was written from.

        Raises UserError where the checkpoint holds another network than `network`, or is damaged.
        """
        directory = self.directory / str(step)
        with disk_errors(self.directory, _REFUSALS):
            self._manager.wait_until_finished()
        found = _metadata(directory)["network"]
        if found != network:
            raise UserError(
                f"{directory}: holds the network {found}, but the config asks for {network}; use another --workdir"
            )
        items = ocp.args.Composite(
            model=ocp.args.StandardRestore(_abstract(model)), train=ocp.args.StandardRestore(_abstract(train))
        )
        try:
            restored = self._manager.restore(step, args=items)
        except _DAMAGE as error:
            raise UserError(
                f"{directory}: the checkpoint is damaged ({reason(error)}); remove it to go on from the one before"
            ) from error
        return restored["model"], restored["train"]

    def note(self, step: int, name: str) -> Any:
        """What `save` was told to note; None where it was not."""
        return _metadata(self.directory / str(step)).get(name)


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
    """What `save` told about the checkpoint: `network`, and the notes."""
    try:
        metadata = json.loads((step / "_CHECKPOINT_METADATA").read_text())
        return {"network": metadata["custom_metadata"]["network"], **metadata["custom_metadata"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{step}: the checkpoint does not say which network it holds; it is damaged or not ours"
        ) from error


def _abstract(tree: Any) -> Any:
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(jnp.shape(x), x.dtype, sharding=x.sharding), tree)
