"""State dicts as files, and their comparison bit by bit."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file


def save_safetensors(path: Path, tensors: Mapping[str, np.ndarray]) -> Path:
    """Writes a safetensors file and returns its path."""
    save_file({key: np.array(tensor, order="C") for key, tensor in tensors.items()}, path)
    return path


def assert_same_bits(actual: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> None:
    """Asserts the same keys in the same order, of the same types, shapes and bits."""
    assert list(actual) == list(expected)
    for key, tensor in expected.items():
        assert (actual[key].dtype, actual[key].shape) == (tensor.dtype, tensor.shape), key
        assert actual[key].tobytes() == tensor.tobytes(), key
