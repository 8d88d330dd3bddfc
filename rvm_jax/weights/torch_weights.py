"""PyTorch state dicts into networks and back: one generic function each way, for every network of the project.

Networks name their tensors as PyTorch does (`rvm_jax.networks.layers.basic`), so a key is an attribute path, and a layer's
`TORCH_AXES` says how its axes are ordered. Nothing here knows a network's structure.
"""

import os
import pickle
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from operator import attrgetter
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes
from rvm_jax.networks.registry import create
from rvm_jax.weights.recognition import recognise

StateDict = dict[str, np.ndarray]
# What a file of PyTorch weights is written as.
SUFFIXES = (".pth", ".pt", ".safetensors")
# What torch.save begins a file with: a zip archive, and before PyTorch 1.6 a pickle.
_TORCH_MAGIC = (b"PK\x03\x04", b"\x80")


def load_torch(path: str | os.PathLike, refiner: str | None = None, *, preparation: str | None = None) -> Any:
    """Returns the network, in evaluation mode, whose PyTorch weights `path` (of `torch.save`, or .safetensors) holds.

    Which network, and its variant, refiner and heads, are read off the file's keys and shapes.

    Args:
        path: the file.
        refiner: RVM's, in place of the file's: "fast_guided_filter" ignores its `refiner.*` tensors.
        preparation: how a network for still pictures was trained to see them, "published" or "original", which no file
            says; by default as its golden data: "original" with guidance, else "published".

    Raises:
        UserError: an unreadable file, one that would run code, keys that are missing, unexpected or misshapen, or a
            setting that the network found does not have.
    """
    tensors = read_state_dict(path)
    settings = recognise(tensors, str(path))
    chosen = {"refiner": refiner, "preparation": preparation}
    network = create(**settings | {key: value for key, value in chosen.items() if value is not None}, rngs=None)
    if network.config.get("refiner") == "fast_guided_filter":
        tensors = {key: tensor for key, tensor in tensors.items() if not key.startswith("refiner.")}
    set_state_dict(network, tensors, str(path))
    return network


def save_torch(network: nnx.Module, path: str | os.PathLike) -> None:
    """Writes the state dict that PyTorch reads with `load_state_dict(strict=True)`: .pth, .pt or .safetensors."""
    path = Path(path)
    tensors = state_dict(network)
    if path.suffix == ".safetensors":
        from safetensors.numpy import save

        write_bytes(path, save({key: np.array(tensor, order="C") for key, tensor in tensors.items()}))
    elif path.suffix in SUFFIXES:
        import io

        torch = _torch(path)
        buffer = io.BytesIO()
        torch.save({key: torch.from_numpy(np.array(tensor, order="C")) for key, tensor in tensors.items()}, buffer)
        write_bytes(path, buffer.getvalue())
    else:
        raise UserError(f"{path}: PyTorch weights end in .pth, .pt or .safetensors")


def load_backbone(network: Any, path: str | os.PathLike) -> None:
    """Sets the encoder alone: RVM's and ResNet18's from torchvision's ImageNet files (`mobilenet_v3_large-*.pth`,
    `resnet50-*.pth`, `resnet18-*.pth`), MODNet's from the MobileNetV2 that its authors trained on human segmentation
    (`mobilenetv2_human_seg.ckpt`), AEMatter's from Swin's (`swin_tiny_patch4_window7_224.pth`).

    The classifier is dropped. Raises UserError where the network takes no such file, or where it is of another encoder.
    """
    if not hasattr(network, "BACKBONE"):
        raise UserError(f"{path}: {network.name} starts without an encoder's file")
    encoder = attrgetter(network.BACKBONE)(network)
    found = read_state_dict(path)
    own = state_dict(encoder)
    # Files from before PyTorch 0.4.1 have no counters.
    kept = ("*.num_batches_tracked", *getattr(encoder, "KEPT", ()))
    dropped = ("classifier.*", "fc.*", *getattr(encoder, "DROPPED", ()))
    tensors = {key: tensor for key, tensor in found.items() if not _matches(key, dropped)}
    if own.keys().isdisjoint(tensors):
        kind = network.config.get("variant", network.name)
        raise UserError(f"{path}: holds no {kind} encoder as its authors name it, such as {next(iter(own))}")
    set_state_dict(encoder, {key: x for key, x in own.items() if _matches(key, kept)} | tensors, str(path))


def _matches(key: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def state_dict(network: nnx.Module) -> StateDict:
    """Returns the network's tensors in PyTorch's layout under PyTorch's keys, in PyTorch's order."""
    tensors = {}
    for key, layer, name, variable in named_variables(network):
        array = np.asarray(variable[...])
        axes = _torch_axes(layer, name)
        if axes is not None:
            array = array.transpose(np.argsort(axes))
        tensors[key] = array.astype(np.int64) if array.dtype == np.int32 else array
    return {key: tensors[key] for key in _torch_order(network)}


def set_state_dict(network: nnx.Module, tensors: Mapping[str, np.ndarray], source: str) -> None:
    """Sets every tensor of the network from a state dict in PyTorch's layout; `source` names it in errors.

    Raises UserError with all missing, unexpected and misshapen keys at once; the network is then unchanged.
    """
    prepared: dict[str, np.ndarray] = {}
    misshapen = []
    variables = {key: (layer, name, variable) for key, layer, name, variable in named_variables(network)}
    for key, (layer, name, variable) in variables.items():
        if key not in tensors:
            continue
        tensor, axes = tensors[key], _torch_axes(layer, name)
        if axes is not None and tensor.ndim == len(axes):
            tensor = tensor.transpose(axes)
        if tensor.shape == variable.shape:
            prepared[key] = tensor
        else:
            shape = variable.shape if axes is None else tuple(variable.shape[i] for i in np.argsort(axes))
            misshapen.append(f"{key} (is {list(tensors[key].shape)}, must be {list(shape)})")
    missing = [key for key in variables if key not in tensors]
    unexpected = [key for key in tensors if key not in variables]
    faults = [
        f"{len(keys)} {kind}: {', '.join(keys)}"
        for kind, keys in (("missing", missing), ("unexpected", unexpected), ("misshapen", misshapen))
        if keys
    ]
    if faults:
        raise UserError(f"{source}: the keys do not fit the network; {'; '.join(faults)}")
    _check_shared(variables, prepared, source)
    for key, tensor in prepared.items():
        variable = variables[key][2]
        variable.set_value(jnp.asarray(tensor, variable.dtype))


def _check_shared(variables: Mapping[str, Any], tensors: StateDict, source: str) -> None:
    """A state dict may have one tensor under two keys, where a layer is registered twice."""
    first_keys: dict[int, str] = {}
    for key, (_, _, variable) in variables.items():
        first = first_keys.setdefault(id(variable), key)
        if first != key and not np.array_equal(tensors[first], tensors[key]):
            raise UserError(f"{source}: {first} and {key} are one tensor of the network, but differ here")


def named_variables(module: nnx.Module, prefix: str = "") -> Iterator[tuple[str, nnx.Module, str, nnx.Variable]]:
    """Yields (key, layer, name, variable) for all tensors: a layer's own first, then its children's, as in PyTorch."""
    attributes = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    for name, value in attributes.items():
        if isinstance(value, nnx.Variable):
            yield prefix + name, module, name, value
    for name, value in attributes.items():
        if isinstance(value, nnx.Module):
            yield from named_variables(value, f"{prefix}{name}.")


def read_state_dict(path: str | os.PathLike) -> StateDict:
    """Reads a state dict, bare or wrapped in `state_dict` or `model`, with or without `module.` before its keys.

    Floats become float32, integers int64. What `torch.save` wrote, whatever it is called, is read with
    `weights_only=True`: it cannot run code.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such weights file")
    if path.suffix == ".safetensors":
        tensors = _read_safetensors(path)
    elif path.suffix in SUFFIXES or _is_torch(path):
        tensors = _read_pickle(path)
    else:
        raise UserError(f"{path}: holds no PyTorch weights; give a file of torch.save or a .safetensors")
    return {key.removeprefix("module."): tensor for key, tensor in tensors.items()}


def _is_torch(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(_TORCH_MAGIC)


def _read_safetensors(path: Path) -> StateDict:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return {key: _standard(tensor) for key, tensor in load_file(path).items()}
    except (SafetensorError, OSError, ValueError, KeyError) as error:  # KeyError: a type that NumPy lacks
        raise UserError(f"{path}: not a readable safetensors file ({error})") from error


def _read_pickle(path: Path) -> StateDict:
    torch = _torch(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path}: refused, because it holds more than tensors or is damaged, and unpickling it could run code; "
            "save the bare state dict with torch.save(network.state_dict(), path)"
        ) from error
    except Exception as error:  # reading a damaged file fails in any way at all
        raise UserError(f"{path}: not a readable PyTorch file; download or copy it again") from error
    for wrapper in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) and value.layout == torch.strided
        for key, value in content.items()
    ):
        raise UserError(f"{path}: holds no state dict; save one with torch.save(network.state_dict(), path)")
    return {
        key: _standard((tensor.float() if tensor.is_floating_point() else tensor).detach().numpy())
        for key, tensor in content.items()
    }


def _standard(tensor: np.ndarray) -> np.ndarray:
    return tensor.astype(np.int64 if np.issubdtype(tensor.dtype, np.integer) else np.float32)


def _torch(path: Path):
    try:
        import torch
    except ImportError as error:
        raise UserError(
            f"{path}: .pth files need PyTorch; install it with pip install 'rvm-jax[torch]', or use .safetensors"
        ) from error
    return torch


def _torch_axes(layer: nnx.Module, name: str) -> tuple[int, ...] | None:
    return getattr(layer, "TORCH_AXES", {}).get(name)


def _torch_order(network: nnx.Module) -> list[str]:
    """The keys in the order in which the constructor made them (`nnx.merge` and `nnx.view` sort attributes)."""
    fresh = create(**network.config, rngs=None) if hasattr(network, "config") else network
    return [key for key, *_ in named_variables(fresh)]
