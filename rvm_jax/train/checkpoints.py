"""Networks on the disk (orbax), alone or as checkpoints of a training (`checkpoint_store`).

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
from rvm_jax.networks.api import Network
from rvm_jax.networks.registry import create
from rvm_jax.weights.shipped import load_shipped, shipped_path

# What orbax and the libraries under it raise for a file that is cut short, altered or missing.
DAMAGE = (ValueError, KeyError, OSError, TypeError)
# And for a disk that is full: TensorStore, which writes the tensors, has no class of its own for it.
REFUSALS = (ValueError, RuntimeError)
_FILES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")  # weights that are files of their own


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Writes a network as a checkpoint directory, which `load` reads.

    Raises:
        UserError: if `path` exists already, or cannot be written.
    """
    directory = absolute(path)
    if directory.exists():
        raise UserError(f"{directory}: exists already; remove it or choose another name")
    _, params, batch_stats = functional.split(network)
    tensors = jax.tree.map(np.asarray, params | batch_stats)  # those of JAX would carry their device's name
    items = ocp.args.Composite(model=ocp.args.StandardSave(tensors))
    with ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer, disk_errors(directory, REFUSALS):
        checkpointer.save(directory, items, custom_metadata={"network": network.config})


def load(path: str | os.PathLike[str]) -> Any:
    """Returns the `Network`, in evaluation mode, that a name or a path stands for.

    Args:
        path: the name of a network that comes with the package ("face"), a checkpoint directory, or a work directory,
            whose latest step it is. A directory of the same name as a network's is given as "./face".

    Raises:
        UserError: if there is no such directory, it holds no network, or it is damaged.
    """
    shipped = shipped_path(path)
    if shipped is not None:
        return load_shipped(shipped)
    step = _step_directory(absolute(path))
    config = read_metadata(step)["network"]
    try:
        network = create(**config, rngs=None)
    except (TypeError, UserError) as error:
        raise UserError(f"{step}: holds the network {config}, which this version does not know; update it") from error
    graphdef, params, batch_stats = functional.split(network)
    try:
        with ocp.Checkpointer(ocp.StandardCheckpointHandler()) as checkpointer:
            tensors = checkpointer.restore(
                step / "model", args=ocp.args.StandardRestore(abstract(params | batch_stats))
            )
    except DAMAGE as error:
        raise UserError(f"{step}: the checkpoint is damaged or of another network ({reason(error)})") from error
    return functional.merge(graphdef, {key: tensors[key] for key in params}, {key: tensors[key] for key in batch_stats})


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
        files = sorted(
            e.name for e in path.iterdir() if e.name.endswith((".safetensors", ".pth", ".pt", ".bin", ".ckpt"))
        )
        instead = f"the file {files[0]} in it" if files else "a work directory that has trained, or one of its steps"
        raise UserError(f"{path}: holds no checkpoint; give {instead}")
    return steps / str(max(numbers))


def read_metadata(step: epath.Path) -> dict[str, Any]:
    """Returns what was told about a checkpoint: `network`, and the notes.

    Raises:
        UserError: if it does not say which network it holds.
    """
    try:
        metadata = json.loads((step / "_CHECKPOINT_METADATA").read_text())
        return {"network": metadata["custom_metadata"]["network"], **metadata["custom_metadata"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{step}: the checkpoint does not say which network it holds; it is damaged or not ours"
        ) from error


def abstract(tree: Any) -> Any:
    """Returns shapes, types and shardings in place of arrays."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(jnp.shape(x), x.dtype, sharding=x.sharding), tree)
