"""MGMatting's progressive refinement (section 3.2 of the paper): finer alphas where coarse ones are undecided."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np

# How far, in pixels, undecided regions are widened before the alphas at 1/4 and at full size come in.
WIDTHS = {"os4": 15, "os1": 7}
_DECIDED = np.float32(1 / 255)


def merge_scales(os1: jax.Array, os4: jax.Array, os8: jax.Array) -> jax.Array:
    """Returns the alpha at 1/8, replaced by finer ones in the unknown regions; all are (B, H, W, 1)."""
    alpha = jnp.where(unknown_region(os8, WIDTHS["os4"]), os4, os8)
    return jnp.where(unknown_region(alpha, WIDTHS["os1"]), os1, alpha)


def unknown_region(alpha: jax.Array, width: int) -> jax.Array:
    """True where an alpha (B, H, W, 1) is neither 0 nor 1 to 8 bits, or near such a place: an ellipse of `width`."""
    undecided = (alpha >= _DECIDED) & (alpha <= np.float32(1) - _DECIDED)
    return dilate_by_ellipse(undecided, width)


def dilate_by_ellipse(region: jax.Array, width: int) -> jax.Array:
    """cv2.dilate of a boolean (B, H, W, 1) by cv2's MORPH_ELLIPSE of width × width."""
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    anchor = width // 2
    height, row_length = region.shape[1:3]
    spans = {}  # rows of the ellipse are spans, and many have the same one
    result = jnp.zeros_like(region)
    for row in range(width):
        columns = np.flatnonzero(ellipse[row])
        reach = (int(columns[0]) - anchor, int(columns[-1]) - anchor)
        if reach not in spans:
            spans[reach] = _any_of_span(region, *reach, row_length)
        # Row `row` of the kernel looks `row - anchor` rows down.
        offset = row - anchor
        rows = jnp.pad(spans[reach], ((0, 0), (max(-offset, 0), max(offset, 0)), (0, 0), (0, 0)))
        result |= jax.lax.slice_in_dim(rows, max(offset, 0), max(offset, 0) + height, axis=1)
    return result


def _any_of_span(region: jax.Array, first: int, last: int, length: int) -> jax.Array:
    """True where any of the pixels at offsets `first` to `last` in the row is."""
    padded = jnp.pad(region, ((0, 0), (0, 0), (max(-first, 0), max(last, 0)), (0, 0)))
    pieces = [jax.lax.slice_in_dim(padded, i, i + length, axis=2) for i in range(last - first + 1)]
    result = pieces[0]
    for piece in pieces[1:]:
        result |= piece
    return result
