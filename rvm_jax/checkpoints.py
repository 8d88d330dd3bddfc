"""Networks and training states on the disk (orbax).

A checkpoint is a directory: `model` holds the network's tensors by their dotted keys, `train` what only training needs,
and its metadata the arguments that make the network. Orbax writes beside and renames: a checkpoint is whole or absent.
"""

import json
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp

from rvm_jax.errors import UserError
from rvm_jax.networks import functional
from rvm_jax.networks.rvm import MattingNetwork


def save(network: MattingNetwork, path: str | os.PathLike) -> None:
    """Writes a network as a checkpoint directory; `load` reads it. Raises UserError where `path` exists already."""
    path = Path(path).absolute()
    if path.exists():
        raise UserError(f"{path}: exists already; remove it or choose another name")
    _, params, batch_stats = functional.split(network)
    items = ocp.args.Composite(model=ocp.args.StandardSave(params | batch_stats))
    with ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer, _disk_errors(path):
        checkpointer.save(path, items, custom_metadata={"network": network.config})


def load(path: str | os.PathLike) -> MattingNetwork:
    """Returns the network, in evaluation mode, of a checkpoint directory or of a work directory's latest step.

    Raises:
        UserError: no such directory, none with a network, or one that is damaged.
    """
    step = _step_directory(Path(path).absolute())
    config = _network_config(step)
    try:
        network = MattingNetwork(**config, rngs=None)
    except (TypeError, UserError) as error:
        raise UserError(f"{step}: holds the network {config}, which this version does not know; update it") from error
    graphdef, params, batch_stats = functional.split(network)
    try:
        with ocp.Checkpointer(ocp.StandardCheckpointHandler()) as checkpointer:
            tensors = checkpointer.restore(
                step / "model", args=ocp.args.StandardRestore(_abstract(params | batch_stats))
            )
    except (ValueError, KeyError, OSError) as error:
        raise UserError(f"{step}: the checkpoint is damaged or of another network ({_first_line(error)})") from error
    return functional.merge(graphdef, {key: tensors[key] for key in params}, {key: tensors[key] for key in batch_stats})


class Checkpoints:
    """The checkpoints of a work directory, `<workdir>/checkpoints/<step>/{model,train}`; a context manager."""

    def __init__(self, workdir: str | os.PathLike, keep: int = 3):
        self.directory = Path(workdir).absolute() / "checkpoints"
        options = ocp.CheckpointManagerOptions(
            max_to_keep=keep,
            # On the CPU arrays are the host's memory, which the next step reuses: they are written before it runs.
            enable_async_checkpointing=jax.default_backend() != "cpu",
        )
        with _disk_errors(self.directory):
            self._manager = ocp.CheckpointManager(self.directory, options=options)

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *error: object) -> None:
        self._manager.close()

    def latest_step(self) -> int | None:
        """The step of the newest complete checkpoint, None where there is none."""
        return self._manager.latest_step()

    def save(self, step: int, model: functional.Tensors, train: Any, network: dict[str, Any]) -> None:
        """Writes one step; `network` are the arguments that make the network. A step that is there stays as it is."""
        if step == self._manager.latest_step():
            return
        items = ocp.args.Composite(model=ocp.args.StandardSave(model), train=ocp.args.StandardSave(train))
        with _disk_errors(self.directory):
            self._manager.save(step, args=items, custom_metadata={"network": network})

    def restore(self, step: int, model: functional.Tensors, train: Any, network: dict[str, Any]) -> tuple[Any, Any]:
        """Reads one step into the shapes and shardings of `model` and `train`.

        Raises UserError where the checkpoint holds another network than `network`.
        """
        directory = self.directory / str(step)
        found = _network_config(directory)
        if found != network:
            raise UserError(
                f"{directory}: holds the network {found}, but the config asks for {network}; use another --workdir"
            )
        items = ocp.args.Composite(
            model=ocp.args.StandardRestore(_abstract(model)), train=ocp.args.StandardRestore(_abstract(train))
        )
        try:
            restored = self._manager.restore(step, args=items)
        except (ValueError, KeyError, OSError) as error:
            raise UserError(f"{directory}: the checkpoint is damaged ({_first_line(error)}); remove it") from error
        return restored["model"], restored["train"]


def _step_directory(path: Path) -> Path:
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


def _network_config(step: Path) -> dict[str, Any]:
    try:
        metadata = json.loads((step / "_CHECKPOINT_METADATA").read_text())
        return metadata["custom_metadata"]["network"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{step}: the checkpoint does not say which network it holds; it is damaged or not ours"
        ) from error


def _abstract(tree: Any) -> Any:
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(jnp.shape(x), x.dtype, sharding=x.sharding), tree)


class _disk_errors:
    """Turns what the disk refuses into one sentence."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise UserError(f"{self.path}: cannot be written ({error.strerror or _first_line(error)})") from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
