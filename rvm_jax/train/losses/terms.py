"""The terms that losses are sums of.

Alphas are (B, T, H, W, 1) and foregrounds (B, T, H, W, 3), float in [0, 1]. Means run over all pixels, also if a mask
leaves some out.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from rvm_jax.errors import UserError
from rvm_jax.guidance.jax_ops import unit as unit
from rvm_jax.networks.api import Array

# The arrays of a batch of clips by name, (B, T, H, W, C).
Batch = Mapping[str, Array]
# The parts of a loss by name, and their sum as `total`.
Components = dict[str, jax.Array]

LEVELS = 5


def with_total(**components: jax.Array) -> Components:
    """Returns the components and their sum, `total`."""
    return {**components, "total": sum(components.values(), start=jnp.zeros(()))}


def l1(pred: Array, true: Array) -> jax.Array:
    """Returns the mean absolute difference."""
    return _abs(jnp.asarray(pred - true)).mean()


def coherence(pred: Array, true: Array) -> jax.Array:
    """Returns 5 times the mean squared error of the frames' changes; 0 for a single frame (the original gives NaN)."""
    if pred.shape[1] == 1:
        return jnp.zeros((), pred.dtype)
    change = (pred[:, 1:] - pred[:, :-1]) - (true[:, 1:] - true[:, :-1])
    return 5 * jnp.square(change).mean()


def laplacian(pred: Array, true: Array, mask: Array | None = None) -> jax.Array:
    """Returns L1 between Laplacian pyramids: level i weighs 2^i, the sum is divided by the number of levels.

    Args:
        pred, true: alphas (B, T, H, W, 1).
        mask: weights of the same shape for the finest level; level i is weighted by it blurred and halved i times.

    Raises:
        UserError: if a side is below 64: the coarsest level's blur would reach beyond its reflection.
    """
    height, width = pred.shape[-3:-1]
    if min(height, width) < 2 ** (LEVELS + 1):
        raise UserError(f"the Laplacian loss needs sides of {2 ** (LEVELS + 1)} or more, not {height}×{width}")
    # A pyramid is linear: one of the difference is the difference of two.
    error = jnp.asarray(pred - true).reshape(-1, height, width)
    weight = None if mask is None else jnp.asarray(mask).reshape(-1, height, width)
    total = jnp.zeros((), pred.dtype)
    for level in range(LEVELS):
        error = _crop_to_even(error)
        small = _shrink(error)
        detail = error - _expand(small)
        if weight is not None:
            weight = _crop_to_even(weight)
            detail = detail * weight
            weight = _shrink(weight)
        total = total + 2**level * _abs(detail).mean()
        error = small
    return total / LEVELS


def _abs(x: jax.Array) -> jax.Array:
    """Returns |x| with PyTorch's gradient 0 at 0 (that of `jnp.abs` is 1): matted pixels often agree exactly."""
    return x * jax.lax.stop_gradient(jnp.sign(x))


def _crop_to_even(x: jax.Array) -> jax.Array:
    return x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]


def _shrink(x: jax.Array) -> jax.Array:
    """Blurs (N, H, W) by the 5×5 binomial kernel, edges reflected, and keeps every second pixel."""
    for axis in (1, 2):
        half = x.shape[axis] // 2
        padded = jnp.pad(x, [(2, 2) if i == axis else (0, 0) for i in range(3)], mode="reflect")
        taps = [jax.lax.slice_in_dim(padded, i, i + 2 * half - 1, 2, axis) for i in range(5)]
        x = (taps[0] + taps[4] + 4 * (taps[1] + taps[3]) + 6 * taps[2]) / 16
    return x


def _expand(x: jax.Array) -> jax.Array:
    """Spreads (N, H, W) over every second pixel of twice the size and blurs by 4 times the same kernel.

    Even pixels see three values of x and odd ones two; the spread zeros' reflection at the ends is x's second and last.
    """
    for axis in (1, 2):
        n = x.shape[axis]
        first, last = (jax.lax.slice_in_dim(x, i, i + 1, axis=axis) for i in (1, n - 1))
        padded = jnp.concatenate([first, x, last], axis)
        before, here, after = (jax.lax.slice_in_dim(padded, i, i + n, axis=axis) for i in range(3))
        pairs = jnp.stack([(before + 6 * here + after) / 8, (here + after) / 2], axis + 1)
        x = pairs.reshape(*x.shape[:axis], 2 * n, *x.shape[axis + 1 :])
    return x
