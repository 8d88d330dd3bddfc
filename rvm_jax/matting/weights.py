"""The network that a path names."""

import os
from pathlib import Path

from flax import nnx

import rvm_jax
from rvm_jax.errors import UserError

StrPath = str | os.PathLike
Weights = nnx.Module | StrPath


def load_network(weights: Weights) -> nnx.Module:
    """Returns the network in evaluation mode held by a PyTorch file (.pth, .safetensors), else by a checkpoint or work
    directory; a network is passed through. Raises UserError where the path is absent or holds no network."""
    if isinstance(weights, nnx.Module):
        return weights
    path = Path(weights)
    if not path.exists():
        raise UserError(
            f"{path}: no such checkpoint; give a work directory, one of its steps, or a .pth or .safetensors"
        )
    return rvm_jax.load_torch(path) if path.is_file() else rvm_jax.load(path)


def weights_name(weights: Weights) -> str:
    """What messages and comparisons call it."""
    return type(weights).__name__ if isinstance(weights, nnx.Module) else Path(weights).name
