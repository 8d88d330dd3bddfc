"""Convolutions whose weight is divided by its largest singular value (Miyato et al. 2018), as GCA-Matting has them.

The singular value is estimated as u·W v. In training each pass first does one power iteration, which u and v keep; in
evaluation they are used as they are. Gradients reach `weight_bar` through W and through the estimate, not through u, v.
"""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.layers.initializers import Initializer, initial_value, on_device, xavier_uniform
from rvm_jax.networks.layers.kernels import XLA, Kernels
from rvm_jax.networks.layers.kernels.precision import EXACT

_EPS = 1e-12


class SpectralConv2d(nnx.Module):
    """A convolution without a bias, (B, H, W, I) to (B, H / stride, W / stride, O)."""

    kernels: Kernels = XLA

    def __init__(self, inputs: int, outputs: int, size: int, *, stride: int = 1, rngs: nnx.Rngs | None):
        self.stride = stride
        self.module = SpectralWeight((size, size, inputs, outputs), xavier_uniform, rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.kernels.conv(x, self.module(), stride=self.stride)


class SpectralConvTranspose2d(nnx.Module):
    """torch.nn.ConvTranspose2d(kernel 4, stride 2, padding 1, no bias): (B, H, W, C) to (B, 2H, 2W, C)."""

    kernels: Kernels = XLA

    def __init__(self, channels: int, *, rngs: nnx.Rngs | None):
        self.module = SpectralWeight((4, 4, channels, channels), _transposed_uniform, rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.kernels.transposed(x, self.module())


class SpectralWeight(nnx.Module):
    """`weight_bar` with its estimate's vectors; called, it gives the weight.

    The last axis is PyTorch's first, the rows of W: outputs of a convolution, inputs of a transposed one. The columns
    `v` lists in PyTorch's order.
    """

    TORCH_AXES: ClassVar[dict[str, tuple[int, ...]]] = {"weight_bar": (2, 3, 1, 0)}

    def __init__(self, shape: tuple[int, int, int, int], init: Initializer, rngs: nnx.Rngs | None):
        height, width, columns, rows = shape
        self.iterates = False
        weight = np.asarray(initial_value(init, rngs, shape))
        # One power iteration at once, for a network that is used before it has trained.
        u = np.asarray(initial_value(lambda rng, n: rng.normal(size=n), rngs, (rows,)))
        v = _unit(np.einsum("hwcr,r->chw", weight, u).ravel())
        u = _unit(np.einsum("hwcr,chw->r", weight, np.reshape(v, (columns, height, width))))
        self.weight_u = nnx.BatchStat(on_device(u, np.float32))
        self.weight_v = nnx.BatchStat(on_device(v, np.float32))
        self.weight_bar = nnx.Param(on_device(weight))

    def set_view(self, use_running_average: bool | None = None, **others: Any) -> dict[str, Any]:
        """Makes the view for training: `nnx.view(network, use_running_average=False)` calls this."""
        if use_running_average is not None:
            self.iterates = not use_running_average
        return others

    def __call__(self) -> jax.Array:
        weight, u, v = self.weight_bar[...], self.weight_u[...], self.weight_v[...]
        height, width, columns, rows = weight.shape
        matrix = weight.reshape(-1, rows)  # in the order of our axes, so that no copy is made
        if self.iterates:
            constant = jax.lax.stop_gradient(matrix)
            v = _unit(_product(constant, u).reshape(height, width, columns).transpose(2, 0, 1).ravel())
            u = _unit(_product(v.reshape(columns, height, width).transpose(1, 2, 0).ravel(), constant))
            self.weight_u.set_value(u)
            self.weight_v.set_value(v)
        sigma = _product(_product(v.reshape(columns, height, width).transpose(1, 2, 0).ravel(), matrix), u)
        return weight / sigma

    def divided(self) -> np.ndarray:
        """Returns what calling it gives in evaluation, by NumPy: step by step, JAX would compile for every shape."""
        weight, u, v = (np.asarray(x[...]) for x in (self.weight_bar, self.weight_u, self.weight_v))
        height, width, columns, rows = weight.shape
        along_rows = weight.reshape(-1, rows) @ u
        sigma = np.dot(v.reshape(columns, height, width).transpose(1, 2, 0).ravel(), along_rows)
        with np.errstate(invalid="ignore"):  # zeros, of a network whose weights are still to come
            return np.asarray(weight / sigma, weight.dtype)


def _product(a: jax.Array, b: jax.Array) -> jax.Array:
    """Multiplies in float32, whatever the network's precision: a norm divides all weights."""
    return jnp.matmul(a, b, precision=EXACT)


def _unit(x: Any) -> Any:
    return x / ((x * x).sum() ** 0.5 + _EPS)


def _transposed_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """PyTorch's default for a transposed convolution, whose fan in it takes from the outputs."""
    bound = 1.0 / np.sqrt(np.prod(shape[:-1]))
    return rng.uniform(-bound, bound, shape)
