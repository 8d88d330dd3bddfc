"""Multi-head attention as PyTorch computes and names it, and what drops out of it in training."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import nnx

from rvm_jax.networks.layers.arithmetic import at_least_float32
from rvm_jax.networks.layers.dense import Linear
from rvm_jax.networks.layers.initializers import initial_value, xavier_uniform, zeros
from rvm_jax.networks.layers.kernels import XLA, Kernels


class MultiheadAttention(nnx.Module):
    """torch.nn.MultiheadAttention's self-attention on (B, tokens, C); `in_proj_weight` is (C, 3C)."""

    TORCH_AXES: ClassVar[dict[str, tuple[int, ...]]] = {"in_proj_weight": (1, 0)}
    kernels: Kernels = XLA

    def __init__(self, channels: int, heads: int, *, rngs: nnx.Rngs | None):
        self.heads = heads
        self.in_proj_weight = nnx.Param(initial_value(xavier_uniform, rngs, (channels, 3 * channels)))
        self.in_proj_bias = nnx.Param(initial_value(zeros, rngs, (3 * channels,)))
        self.out_proj = Linear(channels, channels, bias_init=zeros, rngs=rngs)

    def __call__(self, x: jax.Array, rate: float = 0.0, key: jax.Array | None = None) -> jax.Array:
        """`rate` is that of the attention weights' dropout, which `key` draws."""
        weight = self.in_proj_weight[...]
        joined = self.kernels.einsum("...i,io->...o", x.astype(weight.dtype), weight) + self.in_proj_bias[...]
        return self.out_proj(attend(*split_heads(joined, self.heads), kernels=self.kernels, rate=rate, key=key))


def split_heads(qkv: jax.Array, heads: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Splits (…, tokens, 3C) into queries, keys and values, each (…, heads, tokens, C / heads)."""
    *leading, tokens, channels = qkv.shape
    parts = qkv.reshape(*leading, tokens, 3, heads, channels // (3 * heads))
    q, k, v = (jnp.moveaxis(parts[..., i, :, :], -2, -3) for i in range(3))
    return q, k, v


def attend(
    q: jax.Array,
    k: jax.Array,
    v: jax.Array,
    bias: jax.Array | None = None,
    *,
    kernels: Kernels,
    rate: float = 0.0,
    key: jax.Array | None = None,
) -> jax.Array:
    """Computes softmax(q k' / sqrt(d) + bias) v, softmax in float32: (…, heads, tokens, d) to (…, tokens, C)."""
    logits = at_least_float32(kernels.einsum("...qd,...kd->...qk", q * (1 / math.sqrt(q.shape[-1])), k))
    weights = jax.nn.softmax(logits if bias is None else logits + bias, axis=-1)
    mixed = kernels.einsum("...qk,...kd->...qd", dropout(weights, rate, key).astype(v.dtype), v)
    mixed = jnp.moveaxis(mixed, -3, -2)
    return mixed.reshape(*mixed.shape[:-2], -1)


def dropout(x: jax.Array, rate: float, key: jax.Array | None) -> jax.Array:
    """Zeroes a share `rate` of the values and scales the others up; nothing without a key."""
    if key is None or rate == 0:
        return x
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), jnp.zeros((), x.dtype))


def drop_path(x: jax.Array, rate: float, key: jax.Array | None) -> jax.Array:
    """Zeroes whole samples of a residual branch (B, …), and scales the others: stochastic depth (Huang et al. 2016)."""
    if key is None or rate == 0:
        return x
    kept = jax.random.bernoulli(key, 1 - rate, (x.shape[0], *[1] * (x.ndim - 1)))
    return jnp.where(kept, x / (1 - rate), jnp.zeros((), x.dtype))


def keys(key: jax.Array | None, count: int) -> tuple[jax.Array | None, ...]:
    """Returns `count` independent keys of one; Nones of None."""
    return tuple(jax.random.split(key, count)) if key is not None else (None,) * count
