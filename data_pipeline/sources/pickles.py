"""Reading an array from a pickle that someone else wrote, without running what else it may hold."""

import codecs
import io
import pickle
from typing import Any

import numpy as np

from rvm_jax.errors import UserError

# Everything that a pickled array, of any protocol and NumPy version, is made of.
_ARRAY_PARTS = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): codecs.encode,
    **{
        (f"numpy.{core}.{module}", name): getattr(getattr(np._core, module), name)  # type: ignore[attr-defined]
        for core in ("core", "_core")
        for module, name in (("multiarray", "_reconstruct"), ("multiarray", "scalar"), ("numeric", "_frombuffer"))
    },
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ARRAY_PARTS:
            raise pickle.UnpicklingError(f"it holds {module}.{name}")
        return _ARRAY_PARTS[module, name]


def load_array(data: bytes, name: str) -> np.ndarray:
    """Returns the array of a pickle; raises UserError, naming `name`, where it holds anything else or is damaged."""
    try:
        array = _ArrayUnpickler(io.BytesIO(data)).load()
    except Exception as error:  # a damaged pickle may raise anything
        raise UserError(f"{name}: not a pickled array ({error})") from error
    if not isinstance(array, np.ndarray):
        raise UserError(f"{name}: not a pickled array, but a {type(array).__name__}")
    return array
