"""MGMatting's progressive refinement (section 3.2 of the paper): finer alphas where coarse ones are undecided."""

import jax
import jax.numpy as jnp
import numpy as np

from rvm_jax.guidance.jax_ops import dilate

# How far, in pixels, undecided regions are widened before the alphas at 1/4 and at full size come in.
WIDTHS = {"os4": 15, "os1": 7}
_DECIDED = np.float32(1 / 255)


def merge_scales(os1: jax.Array, os4: jax.Array, os8: jax.Array) -> jax.Array:
    """Returns the alpha at 1/8, replaced by finer ones in the unknown regions; all are (B, H, W, 1)."""
    alpha = jnp.where(unknown_region(os8, WIDTHS["os4"]), os4, os8)
    return jnp.where(unknown_region(alpha, WIDTHS["os1"]), os1, alpha)


def unknown_region(alpha: jax.Array, width: int) -> jax.Array:
    """Returns where an alpha (B, H, W, 1) is neither 0 nor 1 to 8 bits, or near such a place, by an ellipse."""
    undecided = (alpha >= _DECIDED) & (alpha <= np.float32(1) - _DECIDED)
    return dilate(undecided, width)
