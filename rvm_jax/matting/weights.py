"""The network that a path names."""

import os
from pathlib import Path
from typing import Any

from flax import nnx

import rvm_jax
from rvm_jax.errors import UserError
from rvm_jax.matter import Matter

StrPath = str | os.PathLike
# A network, the path of one, or a Matter, whose compilations several clips then share.
Weights = nnx.Module | Matter | StrPath


def load_network(weights: Weights, preparation: str | None = None) -> Any:
    """Returns the network in evaluation mode held by a PyTorch file (.pth, .safetensors), else by a checkpoint or work
    directory; a network, or a Matter, is passed through.

    Args:
      weights: see there.
      preparation: "published" or "original": how the network for still pictures of a PyTorch file was trained to see
        them, which the file does not say; see `rvm_jax.load_torch`.

    Raises UserError where the path is absent or holds no network, or what it holds says its preparation itself.
    """
    if isinstance(weights, nnx.Module | Matter):
        if preparation is not None:
            raise UserError(f"preparation={preparation} is for PyTorch files; this network says its own")
        return weights
    path = Path(weights)
    if not path.exists():
        raise UserError(
            f"{path}: no such checkpoint; give a work directory, one of its steps, or a .pth or .safetensors"
        )
    if path.suffix == ".onnx":
        from rvm_jax.export.onnx_network import OnnxNetwork

        return OnnxNetwork(path)
    if path.is_file():
        return rvm_jax.load_torch(path, preparation=preparation)
    if preparation is not None:
        raise UserError(f"{path}: is a checkpoint, which says its network's preparation itself; leave preparation out")
    return rvm_jax.load(path)


def weights_name(weights: Weights) -> str:
    """What messages and comparisons call it."""
    return type(weights).__name__ if isinstance(weights, nnx.Module | Matter) else Path(weights).name


def weights_stamp(weights: Weights) -> str:
    """Tells one set of weights from another, by the file or folder and when it was written."""
    if isinstance(weights, nnx.Module | Matter):
        return type(weights).__name__
    path = Path(weights)
    # A training that goes on writes below the work directory, not into it.
    times = [part.stat().st_mtime_ns for part in (path, path / "checkpoints") if part.exists()]
    return f"{path.resolve()} {max(times, default=0)}"
