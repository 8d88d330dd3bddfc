"""Sums, means and bounds in PyTorch's rounding."""

import jax
import jax.numpy as jnp
import numpy as np

from rvm_jax.networks.layers.shown import shown_mean


def global_mean(x: jax.Array) -> jax.Array:
    """Computes torch.nn.AdaptiveAvgPool2d(1): the mean over height and width, kept as (B, 1, 1, C)."""
    mean = shown_mean(x)
    return x.mean((1, 2), keepdims=True) if mean is None else mean


def at_least_float32(x: jax.Array | np.ndarray) -> jax.Array:
    """Returns `x` in float32, or in float64 where it is that: for sums and differences that bfloat16 would lose."""
    return jnp.asarray(x, jnp.promote_types(x.dtype, jnp.float32))


def channel_mean(x: jax.Array) -> jax.Array:
    """Returns the mean over channels, kept as (…, 1): a sum divided by the count, as PyTorch rounds it."""
    total = jnp.zeros((), x.dtype)
    for channel in range(x.shape[-1]):
        total = total + x[..., channel : channel + 1]
    # Always the count, but not a constant that XLA would turn into a multiplication by its reciprocal.
    return total / jnp.maximum(jnp.asarray(x.shape[-1], x.dtype), -jnp.abs(total))


def clamp(x: jax.Array, low: float, high: float) -> jax.Array:
    """Computes torch.clamp, whose gradient at its bounds is 1.

    That of `jnp.clip` is ½, and matted pixels often lie on the bounds.
    """
    return jnp.where(x < low, low, jnp.where(x > high, high, x))
