"""Files of PyTorch weights, read and written as {key: array}: of torch.save (.pth), for which PyTorch is needed, and
.safetensors, for which it is not."""

import io
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes
from rvm_jax.networks.api import StateDict

# What a file of PyTorch weights is written as.
SUFFIXES = (".pth", ".pt", ".safetensors")
# What torch.save begins a file with: a zip archive, and before PyTorch 1.6 a pickle.
_TORCH_MAGIC = (b"PK\x03\x04", b"\x80")


def read_state_dict(path: str | os.PathLike[str]) -> StateDict:
    """Reads a state dict, bare or wrapped in `state_dict` or `model`, with or without `module.` before its keys.

    What `torch.save` wrote, whatever it is called, is read with `weights_only=True`: it cannot run code.

    Args:
        path: a file of `torch.save`, or .safetensors.

    Returns:
        Its tensors by PyTorch's keys, in PyTorch's layout; floats as float32, integers as int64.

    Raises:
        UserError: no such file, a damaged one, one that would run code, or one that holds no state dict.
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


def write_state_dict(tensors: StateDict, path: str | os.PathLike[str]) -> None:
    """Writes a state dict in PyTorch's layout; `path` ends in one of SUFFIXES, which says the format.

    Raises:
        UserError: another suffix, or PyTorch is not installed (.pth and .pt).
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise UserError(f"{path}: PyTorch weights end in .pth, .pt or .safetensors")
    contiguous = {key: np.array(tensor, order="C") for key, tensor in tensors.items()}
    if path.suffix == ".safetensors":
        write_bytes(path, save(contiguous))
    else:
        torch = _torch(path)
        buffer = io.BytesIO()
        torch.save({key: torch.from_numpy(tensor) for key, tensor in contiguous.items()}, buffer)
        write_bytes(path, buffer.getvalue())


def _is_torch(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(_TORCH_MAGIC)


def _read_safetensors(path: Path) -> StateDict:
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


def _torch(path: Path) -> Any:
    try:
        import torch
    except ImportError as error:
        raise UserError(
            f"{path}: .pth files need PyTorch; install it with pip install 'rvm-jax[torch]', or use .safetensors"
        ) from error
    return torch
