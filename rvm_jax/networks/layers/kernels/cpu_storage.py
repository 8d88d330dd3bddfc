"""Maps that are computed once on a CPU, however often they are read."""

import jax
import jax.numpy as jnp

from rvm_jax.networks.layers.kernels.cpu_convolution import rows_at_once


def store(x: jax.Array, strip_bytes: int) -> jax.Array:
    """Copies (B, H, W, C), bit for bit, in a loop over strips of rows.

    XLA computes what is cheap again wherever it is read, such as once for every frame of a clip, and its CPU backend
    drops optimization barriers. What enters a loop is in memory, and what leaves it never becomes part of another.
    """
    height = x.shape[1]
    # At least two strips: a loop of one is none.
    rows = rows_at_once(height, x[:, 0].size * x.dtype.itemsize, strip_bytes, most=height // 2)

    def copy(index: jax.Array, copied: jax.Array) -> jax.Array:
        strip = jax.lax.dynamic_slice_in_dim(x, index * rows, rows, axis=1)
        return jax.lax.dynamic_update_slice_in_dim(copied, strip, index * rows, axis=1)

    copied: jax.Array = jax.lax.fori_loop(0, height // rows, copy, jnp.zeros_like(x))
    return copied
