"""Which part of a network's input is picture: what is padded beyond its own needs must not enter global averages."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import jax
import jax.numpy as jnp

from rvm_jax.networks.layers.kernels.precision import EXACT

_shown: ContextVar[jax.Array | None] = ContextVar("shown", default=None)


@contextmanager
def only_shown(part: jax.Array | None) -> Iterator[None]:
    """Lets global averages inside be taken over a part of the input.

    Args:
        part: (4,), first and last row, first and last column, as shares of the sides, 0 to 1; None for all.
    """
    token = _shown.set(part)
    try:
        yield
    finally:
        _shown.reset(token)


def shown_mean(x: jax.Array) -> jax.Array | None:
    """Returns the mean (N, 1, 1, C) of the part of (N, H, W, C) that is shown; None where all is."""
    part = _shown.get()
    if part is None:
        return None
    rows, columns = _weights(part[:2], x.shape[1]), _weights(part[2:], x.shape[2])
    mean = jnp.einsum("h,nhwc,w->nc", rows.astype(x.dtype), x, columns.astype(x.dtype), precision=EXACT)
    return mean[:, None, None]


def _weights(ends: jax.Array, length: int) -> jax.Array:
    first, last = ends * length
    pixel = jnp.arange(length)
    inside = jnp.clip(jnp.minimum(pixel + 1, last) - jnp.maximum(pixel, first), 0, 1)
    return inside / inside.sum()
