"""The networks that come with the package, by name: `rvm_jax/weights/<name>.safetensors`.

They hold PyTorch's keys and layout in float16, and say in their metadata what they are, what they were trained on and
the size at which they see frames; they are read as float32.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from rvm_jax.atomic_files import write_bytes
from rvm_jax.errors import UserError
from rvm_jax.weights.torch_weights import load_torch, state_dict

FOLDER = Path(__file__).resolve().parent
# What is used where no checkpoint is named.
DEFAULT = "face"
# The metadata's key of the longer side, in pixels, that the network's automatic downsample ratio aims at.
_SIDE = "auto_side"


def shipped_names() -> tuple[str, ...]:
    """Returns the names of the networks that come with the package."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.safetensors")))


def shipped_path(name: str | os.PathLike[str]) -> Path | None:
    """Returns the file of a network that comes with the package, or None if `name` is none (a path is never one)."""
    return FOLDER / f"{name}.safetensors" if str(name) in shipped_names() else None


def default_path() -> Path:
    """Returns the file of the network that is used where none is named.

    Raises:
        UserError: if this installation lacks it.
    """
    path = shipped_path(DEFAULT)
    if path is None:
        raise UserError(f"this installation has no network '{DEFAULT}' of its own; name a checkpoint")
    return path


def auto_side(path: Path) -> int | None:
    """Returns the longer side, in pixels, at which a shipped file's network sees frames, or None if it does not say."""
    side = metadata(path).get(_SIDE)
    return None if side is None else int(side)


def load_shipped(path: Path) -> Any:
    """Returns the `Network`, in evaluation mode, of a shipped file.

    Args:
        path: as `shipped_path` gives it.
    """
    network = load_torch(path)
    side = auto_side(path)
    if side is not None:
        network.auto_side = side
    return network


def metadata(path: Path) -> dict[str, str]:
    """Returns what a safetensors file says about itself."""
    with safe_open(path, "np") as file:
        found: dict[str, str] = file.metadata() or {}
    return found


def write_shipped(network: object, path: Path, about: Mapping[str, str], auto_side: int | None = None) -> None:
    """Writes a network in float16, with metadata.

    Args:
        network: any of the project.
        path: ends in .safetensors.
        about: what the metadata says, such as licence, recipe, revision and data.
        auto_side: the longer side, in pixels, at which the network sees frames if no ratio is given.

    Raises:
        UserError: if the disk refuses.
    """

    def narrowed(tensor: np.ndarray) -> np.ndarray:
        return np.array(tensor, np.float16 if np.issubdtype(tensor.dtype, np.floating) else None, order="C")

    tensors = {key: narrowed(tensor) for key, tensor in state_dict(network).items()}
    said = dict(about) | ({} if auto_side is None else {_SIDE: str(auto_side)})
    write_bytes(path, save(tensors, metadata=said))
