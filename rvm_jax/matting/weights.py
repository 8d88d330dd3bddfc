"""The network that a path names."""

import os
from pathlib import Path

from flax import nnx

import rvm_jax
from rvm_jax.errors import UserError
from rvm_jax.matter import Matter

StrPath = str | os.PathLike
# A network, the path of one, or a Matter, whose compilations several clips then share.
Weights = nnx.Module | Matter | StrPath


def load_network(weights: Weights) -> nnx.Module | Matter:
    """Returns the network in evaluation mode held by a PyTorch file (.pth, .safetensors), else by a checkpoint or work
    directory; a network, or a Matter, is passed through.

    Raises UserError where the path is absent or holds no network.
    """
    if isinstance(weights, nnx.Module | Matter):
        return weights
    path = Path(weights)
    if not path.exists():
        raise UserError(
            f"{path}: no such checkpoint; give a work directory, one of its steps, or a .pth or .safetensors"
        )
    return rvm_jax.load_torch(path) if path.is_file() else rvm_jax.load(path)


def weights_name(weights: Weights) -> str:
    """What messages and comparisons call it."""
    return type(weights).__name__ if isinstance(weights, nnx.Module | Matter) else Path(weights).name


def weights_stamp(weights: Weights) -> str:
    """Tells one set of weights from another, by the file and when it was written."""
    if isinstance(weights, nnx.Module | Matter):
        return type(weights).__name__
    path = Path(weights)
    return f"{path.resolve()} {path.stat().st_mtime_ns if path.exists() else 0}"
