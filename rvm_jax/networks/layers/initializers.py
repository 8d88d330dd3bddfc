"""Starting values by PyTorch's names, drawn by NumPy. Shapes are ours: HWIO, and (I, O)."""

import math
from collections.abc import Callable

import jax
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

Initializer = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def torch_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draws PyTorch's default of a convolution (kaiming_uniform_, a = sqrt(5)): U(-b, b), b = 1 / sqrt(fan in)."""
    bound = 1.0 / math.sqrt(math.prod(shape[:-1]))
    return rng.uniform(-bound, bound, shape)


def kaiming_fan_out(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draws what torchvision's encoders start from (kaiming_normal_, fan_out): N(0, 2 / fan out); shape is HWIO."""
    # PyTorch's fan out is outputs · k · k also for grouped convolutions.
    return rng.normal(0.0, math.sqrt(2.0 / (shape[0] * shape[1] * shape[3])), shape)


def initial_value(init: Initializer, rngs: nnx.Rngs | None, shape: tuple[int, ...]) -> jax.Array:
    """Draws starting values from the next key of `rngs`; zeros without it, for a network whose weights will be set.

    NumPy draws them: jax.random would compile a program for every shape, most of a minute for one network.
    """
    if rngs is None:
        return on_device(np.zeros(shape, np.float32))
    rng = np.random.default_rng(np.asarray(jax.random.key_data(rngs.params())))
    return on_device(init(rng, shape), np.float32)


def on_device(values: np.ndarray, dtype: DTypeLike | None = None) -> jax.Array:
    """Copies NumPy's values to JAX's device, in another dtype if one is given.

    `jnp.asarray` would compile a program for every shape: a second and more for one network.
    """
    return jax.device_put(np.array(values, dtype))


def kaiming_fan_in(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draws kaiming_uniform_ with mode fan_in for ReLU: U(-b, b), b = sqrt(6 / fan in); shape is HWIO."""
    bound = math.sqrt(6.0 / math.prod(shape[:-1]))
    return rng.uniform(-bound, bound, shape)


def xavier_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draws xavier_uniform_: U(-b, b), b = sqrt(6 / (fan in + fan out)); shape is HWIO."""
    bound = math.sqrt(6.0 / (math.prod(shape[:-2]) * (shape[-2] + shape[-1])))
    return rng.uniform(-bound, bound, shape)


def zeros(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Zeros."""
    return np.zeros(shape)


def normal(deviation: float) -> Initializer:
    """Returns N(0, deviation²)."""
    return lambda rng, shape: rng.normal(0.0, deviation, shape)
