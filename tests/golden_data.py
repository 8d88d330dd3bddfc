"""The golden data as this project lays it out: networks with the stand-in weights, arrays with the channels last."""

from pathlib import Path

import numpy as np
from golden import weights

from rvm_jax import MattingNetwork
from rvm_jax.weights import torch_weights

GOLDEN = Path(__file__).resolve().parent / "golden" / "rvm"


def golden_state_dict(name: str) -> dict[str, np.ndarray]:
    """The stand-in weights of "mobilenetv3", "resnet50" or "face", in PyTorch's layout and order."""
    return weights.state_dict(GOLDEN / f"{name}.json")


def golden_network(name: str, refiner: str = "deep_guided_filter") -> MattingNetwork:
    """The network of a golden manifest with its stand-in weights, in evaluation mode."""
    tensors = golden_state_dict(name)
    if refiner == "fast_guided_filter":  # it owns no tensors
        tensors = {key: tensor for key, tensor in tensors.items() if not key.startswith("refiner.")}
    variant = "resnet50" if name == "resnet50" else "mobilenetv3"
    network = MattingNetwork(variant, refiner=refiner, foreground=name != "face", rngs=None)
    torch_weights.set_state_dict(network, tensors, name)
    return network


def golden_arrays(name: str, prefix: str = "") -> dict[str, np.ndarray]:
    """The arrays of a golden file whose names begin with `prefix`, which is taken off; pictures channels-last."""
    with np.load(GOLDEN / f"{name}.npz") as arrays:
        found = {key.removeprefix(prefix): arrays[key] for key in arrays.files if key.startswith(prefix)}
    assert found, f"no {prefix}* in {name}.npz"
    return {key: np.moveaxis(array, -3, -1) if array.ndim > 3 else array for key, array in found.items()}


def unit(array: np.ndarray) -> np.ndarray:
    """uint8 to float32 in [0, 1]."""
    return array.astype(np.float32) / 255
