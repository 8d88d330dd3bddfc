"""Reading .safetensors as today's tools write them: of any number type, and in several files with an index."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
from safetensors import SafetensorError, deserialize

from rvm_jax.errors import UserError
from rvm_jax.networks.api import StateDict

_TYPES = {
    "BOOL": np.bool_,
    "U8": np.uint8,
    "I8": np.int8,
    "U16": np.uint16,
    "I16": np.int16,
    "U32": np.uint32,
    "I32": np.int32,
    "U64": np.uint64,
    "I64": np.int64,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "F32": np.float32,
    "F64": np.float64,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
}
_INDEX = ".index.json"
_SHARD = re.compile(r"(.+)-\d{5}-of-(\d{5})\.(safetensors|bin)")


def standard(tensor: np.ndarray) -> np.ndarray:
    """Returns integers as int64 and all else as float32."""
    return tensor.astype(np.int64 if np.issubdtype(tensor.dtype, np.integer) else np.float32)


def is_safetensors(path: Path) -> bool:
    """Whether a file is one, by its suffix or by its header: its length, then JSON."""
    if path.suffix == ".safetensors":
        return True
    with path.open("rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and 2 <= int.from_bytes(start[:8], "little") < path.stat().st_size


def read_safetensors(path: Path) -> StateDict:
    """Reads all tensors of a file. Raises UserError, naming it, if it is damaged or has another number type."""
    try:
        tensors = {}
        for key, found in deserialize(path.read_bytes()):  # type: ignore[no-untyped-call]
            if found["dtype"] not in _TYPES:
                raise UserError(f"{path}: {key} has the number type {found['dtype']}; save it as F32")
            array = np.frombuffer(found["data"], _TYPES[found["dtype"]]).reshape(found["shape"])
            tensors[key] = standard(array)
        return tensors
    except UserError:
        raise
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable safetensors file ({error})") from error


def index_of(path: Path) -> Path | None:
    """Returns the index of weights in several files, of which `path` is one, or which it is itself; else None."""
    if path.name.endswith(_INDEX):
        return path
    shard = _SHARD.fullmatch(path.name)
    return path.with_name(f"{shard[1]}.{shard[3]}{_INDEX}") if shard else None


def read_index(index: Path, given: Path, read_bin: Callable[[Path], StateDict]) -> StateDict:
    """Reads weights in several files.

    Args:
        index: their index; if it is absent, the files of `given`'s numbered name are taken.
        given: what the user named.
        read_bin: reads one that is of torch.save.

    Raises:
        UserError: if the index is none, or a file or a tensor is missing.
    """
    tensors: StateDict = {}
    wanted, files = _files(index, given)
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise UserError(f"{given}: of its {len(files)} files {', '.join(missing)} are missing; copy them beside it")
    for file in files:
        tensors |= read_safetensors(file) if is_safetensors(file) else read_bin(file)
    absent = [key for key in wanted if key not in tensors]
    if absent:
        raise UserError(f"{index}: {len(absent)} tensors are not in the files that it names, such as {absent[0]}")
    return {key: tensor for key, tensor in tensors.items() if not wanted or key in wanted}


def _files(index: Path, given: Path) -> tuple[set[str], list[Path]]:
    """Returns the keys that the index lists, none without one, and the files."""
    if not index.is_file():
        shard = _SHARD.fullmatch(given.name)
        assert shard is not None
        count = int(shard[2])
        names = [f"{shard[1]}-{number:05d}-of-{count:05d}.{shard[3]}" for number in range(1, count + 1)]
        return set(), [given.with_name(name) for name in names]
    try:
        places = json.loads(index.read_text("utf-8-sig"))["weight_map"]
        names = sorted(set(places.values()))
        files = [index.with_name(name) for name in names]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{index}: not an index of weights; it should map their names to files (weight_map)") from error
    return set(places), files
