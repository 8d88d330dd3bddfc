"""Files of PyTorch weights, read and written as {key: array}: of torch.save (.pth), for which PyTorch is needed, and
.safetensors, for which it is not."""

import io
import os
import pickle
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from rvm_jax.atomic_files import write_bytes
from rvm_jax.errors import UserError
from rvm_jax.file_kinds import describe, is_torchscript
from rvm_jax.networks.api import StateDict
from rvm_jax.weights.inert_pickle import InertPickle
from rvm_jax.weights.safetensors_files import index_of, is_safetensors, read_index, read_safetensors
from rvm_jax.weights.state_dicts import Found, choose, find_state_dicts

# What a file of PyTorch weights is written as.
SUFFIXES = (".pth", ".pt", ".safetensors")
# What torch.save begins a file with: a zip archive, and before PyTorch 1.6 a pickle.
_TORCH_MAGIC = (b"PK\x03\x04", b"\x80")
_INSTEAD = "give the .pth or .safetensors of the same release"


def read_state_dict(path: str | os.PathLike[str]) -> StateDict:
    """Reads the state dict of a file; see `find_state_dict`."""
    return find_state_dict(path).tensors


def find_state_dict(
    path: str | os.PathLike[str],
    is_wanted: Callable[[Mapping[str, np.ndarray]], bool] | None = None,
    *,
    any_prefix: bool = True,
) -> Found:
    """Reads the state dict of a file, whatever wraps it: dictionaries, and prefixes of its keys.

    What `torch.save` wrote, whatever it is called, is read without running code that it may hold: of a whole pickled
    module its tensors are taken, and nothing else.

    Args:
        path: a file of `torch.save`; .safetensors; or one of several .safetensors, or their index (.json).
        is_wanted: whether tensors by key are what is looked for; by default whatever there is.
        any_prefix: whether it may be a part of something larger, below any prefix, or only below those of wrappers.

    Returns:
        Its tensors by PyTorch's keys, in PyTorch's layout, floats as float32, integers as int64; and where they were.

    Raises:
        UserError: no such file, a damaged one, one that holds no state dict, or several of which none is the plain one.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such weights file")
    index = index_of(path)
    if index is not None:
        tensors = read_index(index, path, lambda shard: _only(_read_pickle(shard), shard))
        found = [Found(tensors, "")]
    elif is_safetensors(path):
        _refuse_others(path)
        found = [Found(read_safetensors(path), "")]
    elif _is_torch(path) or path.suffix in SUFFIXES:
        found = _read_pickle(path)
    else:
        _refuse_others(path)
        raise UserError(f"{path}: holds no PyTorch weights; give a file of torch.save or a .safetensors")
    return choose(found, str(path), is_wanted, any_prefix=any_prefix)


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


def _refuse_others(path: Path) -> None:
    """Raises UserError if a file is something known that is no file of weights."""
    what = describe(path)
    if what is not None:
        raise UserError(f"{path}: is {what}; {_INSTEAD}")


def _only(found: list[Found], path: Path) -> StateDict:
    return choose(found, str(path), None, any_prefix=True).tensors


def _read_pickle(path: Path) -> list[Found]:
    if is_torchscript(path):
        raise UserError(
            f"{path}: is a TorchScript archive, a program with its weights; {_INSTEAD}, or save "
            "torch.jit.load(path).state_dict() by torch.save"
        )
    if not _is_torch(path):
        _refuse_others(path)
    torch = _torch(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of forms that it reads nevertheless
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = _read_inert(torch, path)
        if not found:
            raise UserError(
                f"{path}: refused, because it holds more than tensors or is damaged, and unpickling it could run code; "
                "save the bare state dict with torch.save(network.state_dict(), path)"
            ) from error
        return found
    except Exception as error:  # reading a damaged file fails in any way at all
        _refuse_others(path)
        raise UserError(f"{path}: not a readable PyTorch file; download or copy it again") from error
    found = find_state_dicts(content, torch.Tensor)
    if not found:
        raise UserError(f"{path}: holds no state dict; save one with torch.save(network.state_dict(), path)")
    return found


def _read_inert(torch: Any, path: Path) -> list[Found]:
    """The state dicts of a file that holds other things too, which are read as things that do nothing."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=False, pickle_module=InertPickle(torch))
    except Exception:  # it has been refused already
        return []
    return find_state_dicts(content, torch.Tensor)


def _torch(path: Path) -> Any:
    try:
        import torch
    except ImportError as error:
        raise UserError(
            f"{path}: .pth files need PyTorch; install it with pip install 'rvm-jax[torch]', or use .safetensors"
        ) from error
    return torch
