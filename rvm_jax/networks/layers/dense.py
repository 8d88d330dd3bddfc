"""Layers on vectors, (…, C): PyTorch's Linear, LayerNorm and GroupNorm."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.layers.arithmetic import at_least_float32
from rvm_jax.networks.layers.initializers import Initializer, initial_value, on_device, torch_uniform
from rvm_jax.networks.layers.kernels import XLA, Kernels


class Linear(nnx.Module):
    """torch.nn.Linear; `weight` is (inputs, outputs)."""

    TORCH_AXES: ClassVar[dict[str, tuple[int, ...]]] = {"weight": (1, 0)}
    kernels: Kernels = XLA

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool = True,
        init: Initializer = torch_uniform,
        bias_init: Initializer | None = None,
        rngs: nnx.Rngs | None,
    ):
        bound = 1.0 / math.sqrt(inputs)
        bias_init = bias_init or (lambda rng, n: rng.uniform(-bound, bound, n))
        self.weight = nnx.Param(initial_value(init, rngs, (inputs, outputs)))
        self.bias = nnx.Param(initial_value(bias_init, rngs, (outputs,))) if bias else None

    def __call__(self, x: jax.Array) -> jax.Array:
        weight = self.weight[...]
        y = self.kernels.einsum("...i,io->...o", x.astype(weight.dtype), weight)
        return y if self.bias is None else y + self.bias[...]


class LayerNorm(nnx.Module):
    """torch.nn.LayerNorm over the last axis (eps 1e-5), in float32."""

    def __init__(self, channels: int):
        self.weight = nnx.Param(on_device(np.ones(channels, np.float32)))
        self.bias = nnx.Param(on_device(np.zeros(channels, np.float32)))

    def __call__(self, x: jax.Array) -> jax.Array:
        y = normalise(at_least_float32(x), (-1,))
        return (y * self.weight[...] + self.bias[...]).astype(x.dtype)


class GroupNorm(nnx.Module):
    """torch.nn.GroupNorm on (B, H, W, C) (eps 1e-5), in float32."""

    def __init__(self, groups: int, channels: int):
        self.groups = groups
        self.weight = nnx.Param(on_device(np.ones(channels, np.float32)))
        self.bias = nnx.Param(on_device(np.zeros(channels, np.float32)))

    def __call__(self, x: jax.Array) -> jax.Array:
        batch, height, width, channels = x.shape
        groups = at_least_float32(x).reshape(batch, height * width, self.groups, channels // self.groups)
        y = normalise(groups, (1, 3)).reshape(x.shape)
        return (y * self.weight[...] + self.bias[...]).astype(x.dtype)


def instance_norm(x: jax.Array) -> jax.Array:
    """Computes torch.nn.InstanceNorm2d(affine=False) on (B, H, W, C) (eps 1e-5), in float32; the same in training."""
    return normalise(at_least_float32(x), (1, 2)).astype(x.dtype)


def normalise(x: jax.Array, axes: tuple[int, ...], eps: float = 1e-5) -> jax.Array:
    """Computes (x - mean) / sqrt(biased variance + eps) over `axes`."""
    centred = x - x.mean(axes, keepdims=True)
    return centred * jax.lax.rsqrt(jnp.square(centred).mean(axes, keepdims=True) + eps)
