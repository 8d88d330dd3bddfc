"""Starting values by PyTorch's names, beside the two in `layers` that RVM uses. Shapes are ours: HWIO, and (I, O)."""

import math

import numpy as np


def kaiming_fan_in(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """kaiming_uniform_ with mode fan_in for ReLU: U(-b, b), b = sqrt(6 / fan in); shape is HWIO."""
    bound = math.sqrt(6.0 / math.prod(shape[:-1]))
    return rng.uniform(-bound, bound, shape)


def xavier_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """xavier_uniform_: U(-b, b), b = sqrt(6 / (fan in + fan out)); shape is HWIO."""
    bound = math.sqrt(6.0 / (math.prod(shape[:-2]) * (shape[-2] + shape[-1])))
    return rng.uniform(-bound, bound, shape)


def zeros(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Zeros."""
    return np.zeros(shape)


def normal(deviation: float):
    """Returns N(0, deviation²)."""
    return lambda rng, shape: rng.normal(0.0, deviation, shape)
