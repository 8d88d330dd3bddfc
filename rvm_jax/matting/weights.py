"""The network that a path names."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, cast

import jax
import numpy as np
from flax import nnx

import rvm_jax
from rvm_jax.errors import UserError
from rvm_jax.matting.make_engine import takes_graphs
from rvm_jax.matting.matter import AUTO_SIDE, Matter
from rvm_jax.matting.options import NetworkSettings
from rvm_jax.networks.api import Network
from rvm_jax.weights.shipped import auto_side, load_shipped, shipped_names, shipped_path

StrPath = str | os.PathLike[str]
# A network, the path of one, or a Matter, whose compilations several clips then share.
Weights = nnx.Module | Matter | StrPath


class Loader(Protocol):
    """Returns the network that weights name; `load_network` is one."""

    def __call__(self, weights: Weights, preparation: str | None = None, /) -> Network | Matter: ...


def load_network(weights: Weights, preparation: str | None = None) -> Network | Matter:
    """Returns the network in evaluation mode that a name of the package's own networks stands for, or that a PyTorch
    file (.pth, .safetensors) or a checkpoint or work directory holds; a network, or a Matter, is passed through.

    Args:
      weights: see there.
      preparation: "published" or "original": how the network for still pictures of a PyTorch file was trained to see
        them, which the file does not say; see `rvm_jax.load_torch`.

    Raises:
      UserError: if the path is absent or holds no network, or what it holds says its preparation itself.
    """
    if isinstance(weights, nnx.Module | Matter):
        if preparation is not None:
            raise UserError(f"preparation={preparation} is for PyTorch files; this network says its own")
        return cast(Network | Matter, weights)
    path = Path(weights)
    if preparation is None and (shipped := shipped_path(weights)) is not None:
        # Not by rvm_jax.load, which imports what reads checkpoints.
        return cast(Network, load_shipped(shipped))
    if not path.exists():
        raise UserError(
            f"{path}: no such checkpoint; give a work directory, one of its steps, a .pth, .safetensors or .onnx, or "
            f"a network of the package ({', '.join(shipped_names()) or 'none is installed'})"
        )
    if path.suffix == ".onnx":
        from rvm_jax.export.onnx_network import OnnxNetwork

        if preparation is not None:
            raise UserError(f"{path}: is an ONNX model, which normalises its pictures itself; leave preparation out")
        return cast(Network, OnnxNetwork(path))
    if path.is_file():
        network: Network = rvm_jax.load_torch(path, preparation=preparation)
        return network
    if preparation is not None:
        raise UserError(f"{path}: is a checkpoint, which says its network's preparation itself; leave preparation out")
    network = rvm_jax.load(path)
    return network


def loader_for(how: NetworkSettings) -> Loader:
    """Returns `load_network`, or if it is to run as a graph, what takes the graphs that are kept of it."""

    def load(weights: Weights, preparation: str | None = None, /) -> Network | Matter:
        path = None if isinstance(weights, nnx.Module | Matter) else shipped_path(weights) or Path(weights)
        if path is None or not path.is_file() or path.suffix == ".onnx" or preparation is not None:
            return load_network(weights, preparation)
        from rvm_jax.export.kept_graphs import kept_network

        return cast(Network, kept_network(path, lambda: cast(Network, load_network(weights))))

    return load if takes_graphs(how) else load_network


def auto_side_of(weights: StrPath) -> int:
    """Returns the longer side, in pixels, at which the network that weights name sees frames if no ratio is given."""
    path = shipped_path(weights)
    return (path and auto_side(path)) or AUTO_SIDE


def weights_name(weights: Weights) -> str:
    """Returns what messages and comparisons call it."""
    return type(weights).__name__ if isinstance(weights, nnx.Module | Matter) else Path(weights).name


def weights_paths(weights: Weights) -> list[Path]:
    """Returns the file or folder that the weights are read from; none for a network."""
    if isinstance(weights, nnx.Module | Matter):
        return []
    return [shipped_path(weights) or Path(weights)]


def weights_stamp(weights: Weights) -> str:
    """Tells one set of weights from another: by the file or folder and when it was written, or by the values."""
    if isinstance(weights, Matter):
        return f"Matter {_checksum(weights.fingerprint)}"
    if isinstance(weights, nnx.Module):
        values = [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.to_pure_dict(nnx.state(weights)))]
        return f"{type(weights).__name__} {getattr(weights, 'config', None)} {_checksum(values)}"
    path = shipped_path(weights) or Path(weights)
    # A training that is resumed writes below the work directory, not into it.
    times = [part.stat().st_mtime_ns for part in (path, path / "checkpoints") if part.exists()]
    return f"{path.resolve()} {max(times, default=0)}"


def _checksum(values: Iterable[np.ndarray | str]) -> str:
    digest = hashlib.sha256()
    for value in values:
        text = value if isinstance(value, str) else f"{value.dtype} {value.shape}"
        digest.update(text.encode())
        if not isinstance(value, str):
            digest.update(value.tobytes())
    return digest.hexdigest()
