"""PyTorch state dicts into networks and back: one generic function each way, for every network of the project.

Networks name their tensors as PyTorch does (`rvm_jax.networks.layers`), so a key is an attribute path, and a layer's
`TORCH_AXES` says how its axes are ordered. Nothing here knows a network's structure.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import Any

import numpy as np
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.networks.api import Network, StateDict
from rvm_jax.networks.layers.initializers import on_device
from rvm_jax.networks.registry import create, declaration_of
from rvm_jax.notices import notice
from rvm_jax.weights.files import find_state_dict, write_state_dict
from rvm_jax.weights.recognition import is_known, recognise


def load_torch(path: str | os.PathLike[str], refiner: str | None = None, *, preparation: str | None = None) -> Any:
    """Returns the `Network`, in evaluation mode, whose PyTorch weights a file holds.

    Which network, and its variant, refiner and heads, are read off the file's keys and shapes.

    Args:
        path: a file of `torch.save`, or .safetensors.
        refiner: RVM's, in place of the file's: "fast_guided_filter" ignores its `refiner.*` tensors.
        preparation: how a network for pictures was trained to see them, "published" or "original", which no file says;
            by default as its golden data: "original" with guidance, else "published".

    Raises:
        UserError: an unreadable file, one that would run code, keys that are missing, unexpected or misshapen, or a
            setting that the network found does not have.
    """
    tensors, where = find_state_dict(path, is_known)
    source = str(path)
    if where:
        source = f"{path} ({where})"
    chosen = {"refiner": refiner, "preparation": preparation}
    settings = recognise(tensors, source) | {key: value for key, value in chosen.items() if value is not None}
    network = create(**settings, rngs=None)
    tensors = declaration_of(settings.get("name")).adapt_weights(tensors, network.config)
    set_state_dict(network, tensors, source)
    if where:
        notice(f"{path}: the weights are those found at {where}")
    return network


def save_torch(network: object, path: str | os.PathLike[str]) -> None:
    """Writes the state dict that PyTorch reads with `load_state_dict(strict=True)`.

    Args:
        network: any of the project, or a part of one.
        path: ends in .pth, .pt or .safetensors, which says the format.

    Raises:
        UserError: another suffix, PyTorch is not installed (.pth), or the disk refuses.
    """
    write_state_dict(state_dict(network), path)


def load_backbone(network: Network, path: str | os.PathLike[str]) -> None:
    """Sets the encoder alone, from its authors' file; the file's classifier is dropped.

    Args:
        network: RVM or ResNet18's U-Net, from torchvision's ImageNet files (`mobilenet_v3_large-*.pth`,
            `resnet50-*.pth`, `resnet18-*.pth`); MODNet, from the MobileNetV2 that its authors trained on human
            segmentation (`mobilenetv2_human_seg.ckpt`); AEMatter, from Swin's (`swin_tiny_patch4_window7_224.pth`).
        path: the file.

    Raises:
        UserError: the network takes no such file, or it is of another encoder; the network is then unchanged.
    """
    if not hasattr(network, "BACKBONE"):
        raise UserError(f"{path}: {network.name} starts without an encoder's file")
    encoder: object = attrgetter(network.BACKBONE)(network)
    own = state_dict(encoder)
    found, _ = find_state_dict(path, lambda tensors: not own.keys().isdisjoint(tensors), any_prefix=False)
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


def state_dict(network: object) -> StateDict:
    """Returns the network's tensors in PyTorch's layout under PyTorch's keys, in PyTorch's order."""
    tensors = {}
    for key, layer, name, variable in named_variables(network):
        array = np.asarray(variable[...])
        axes = _torch_axes(layer, name)
        if axes is not None:
            array = array.transpose(np.argsort(axes))
        tensors[key] = array.astype(np.int64) if array.dtype == np.int32 else array
    return {key: tensors[key] for key in _torch_order(network)}


def set_state_dict(network: object, tensors: Mapping[str, np.ndarray], source: str) -> None:
    """Sets every tensor of the network from a state dict.

    Args:
        network: any of the project, or a part of one.
        tensors: by PyTorch's keys, in PyTorch's layout.
        source: names them in errors.

    Raises:
        UserError: says all missing, unexpected and misshapen keys at once; the network is then unchanged.
    """
    prepared: dict[str, np.ndarray] = {}
    misshapen = []
    variables = {key: (layer, name, variable) for key, layer, name, variable in named_variables(network)}
    tensors = _with_shared(variables, tensors)
    for key, (layer, name, variable) in variables.items():
        if key not in tensors:
            continue
        tensor, axes = tensors[key], _torch_axes(layer, name)
        if axes is not None and tensor.ndim == len(axes):
            tensor = tensor.transpose(axes)
        if tensor.shape == variable.shape and tensor.dtype.kind in "iu" and np.dtype(variable.dtype).kind not in "iu":
            misshapen.append(f"{key} (holds whole numbers, as quantised weights do)")
        elif tensor.shape == variable.shape:
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
        variable.set_value(on_device(tensor, variable.dtype))


def _with_shared(variables: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Adds what a file leaves out because it has it under the other key of a layer that is registered twice."""
    present = {id(variable): key for key, (_, _, variable) in variables.items() if key in tensors}
    left_out = {key: present[id(entry[2])] for key, entry in variables.items() if id(entry[2]) in present}
    return {**{key: tensors[other] for key, other in left_out.items()}, **tensors}


def _check_shared(variables: Mapping[str, Any], tensors: StateDict, source: str) -> None:
    """Refuses two values for one tensor: a state dict has it under two keys if a layer is registered twice."""
    first_keys: dict[int, str] = {}
    for key, (_, _, variable) in variables.items():
        first = first_keys.setdefault(id(variable), key)
        if first != key and not np.array_equal(tensors[first], tensors[key]):
            raise UserError(f"{source}: {first} and {key} are one tensor of the network, but differ here")


def named_variables(module: object, prefix: str = "") -> Iterator[tuple[str, object, str, nnx.Variable[Any]]]:
    """Yields (key, layer, name, variable) for all tensors: a layer's own first, then its children's, as in PyTorch."""
    attributes = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    for name, value in attributes.items():
        if isinstance(value, nnx.Variable):
            yield prefix + name, module, name, value
    for name, value in attributes.items():
        if isinstance(value, nnx.Module):
            yield from named_variables(value, f"{prefix}{name}.")


def _torch_axes(layer: object, name: str) -> tuple[int, ...] | None:
    axes: Mapping[str, tuple[int, ...]] = getattr(layer, "TORCH_AXES", {})
    return axes.get(name)


def _torch_order(network: object) -> list[str]:
    """Returns the keys in the order in which the constructor made them (`nnx.merge` and `nnx.view` sort attributes)."""
    fresh = create(**network.config, rngs=None) if hasattr(network, "config") else network
    return [key for key, *_ in named_variables(fresh)]
