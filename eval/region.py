"""The unknown region of an alpha, where a matting error is counted: jitted, for batches of pictures of any size.

Two forms exist, and both are made by OpenCV's erosion with elliptical kernels of random size:

- `described`, the form in the published text: foreground is what remains of alpha == 1, background what remains of
  alpha == 0, and the rest is unknown.
- `published`, what the published script computes (it erodes labels of 0..255 as if they were 0..1, in wrapped bytes);
  the published table rests on it.

Every erosion comes down to one question: does the kernel, laid on this pixel, hold a member of some set of pixels?
Each row of OpenCV's ellipse is one run of pixels that grows about the anchor in the order 0, -1, +1, -2, +2, …; call a
place's number in that order its rank. A run of n pixels then holds a member if the smallest rank of a member is below
n, so one map of smallest ranks answers each of the 29 rows by a comparison of bytes, for all kernel sizes at once.
"""

import zlib
from collections.abc import Callable
from functools import cache

import cv2
import jax
import jax.numpy as jnp
import numpy as np

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
LARGEST_KERNEL = 29

_REACH = LARGEST_KERNEL // 2
_OPAQUE, _OUTSIDE = 4, 5  # codes of `_codes`


def draw_kernel_sizes(key: str) -> tuple[int, int]:
    """Returns the (foreground, background) kernel sizes, 1..29, of the picture `<category>/[<clip>/]<stem>`.

    They come from a generator that the CRC-32 of `key` seeds: the same in every run, for every folder and file format.
    """
    generator = np.random.default_rng(zlib.crc32(key.encode()))
    foreground = generator.integers(1, LARGEST_KERNEL + 1)
    background = generator.integers(1, LARGEST_KERNEL + 1)
    return int(foreground), int(background)


@jax.jit
def trimap_described(label: jax.Array, sizes: jax.Array, kernel_sizes: jax.Array) -> jax.Array:
    """Returns the trimap of the described form, (B, H, W) uint8: 0 background, 128 unknown, 255 foreground.

    Args:
      label: true alpha (B, H, W) uint8, each picture in the upper left corner of its H × W.
      sizes: (B, 2) the pictures' heights and widths. What lies beyond them never erodes, and its trimap means nothing.
      kernel_sizes: (B, 2) integers 1..29, the foreground's and the background's kernel.
    """
    codes = _codes(label, sizes)
    foreground_kernel, background_kernel = _kernel_runs(kernel_sizes)
    foreground = ~_kernel_holds(_ranks(codes < _OPAQUE), foreground_kernel)
    background = ~_kernel_holds(_ranks((codes > 0) & (codes < _OUTSIDE)), background_kernel)
    return _trimap(foreground, background)


@jax.jit
def trimap_published(label: jax.Array, sizes: jax.Array, kernel_sizes: jax.Array) -> jax.Array:
    """Returns the trimap that the published script computes; arguments and result as in `trimap_described`.

    The script's foreground bytes are the label itself; eroded (a minimum) they are 1 where the kernel holds a label 1
    and no 0. Its background bytes are 1 - label, wrapped: 1 for label 0, 0 for labels 1 and 2, 3 or more for the rest;
    eroded they are 1 where the kernel holds a label 0 and neither 1 nor 2.
    """
    codes = _codes(label, sizes)
    foreground_kernel, background_kernel = _kernel_runs(kernel_sizes)
    zeros, ones, ones_and_twos = _ranks(codes == 0), _ranks(codes == 1), _ranks((codes == 1) | (codes == 2))
    foreground = _kernel_holds(ones, foreground_kernel) & ~_kernel_holds(zeros, foreground_kernel)
    background = _kernel_holds(zeros, background_kernel) & ~_kernel_holds(ones_and_twos, background_kernel)
    return _trimap(foreground, background)


@jax.jit
def inside(label: jax.Array, sizes: jax.Array, kernel_sizes: jax.Array | None = None) -> jax.Array:
    """Returns (B, H, W) bool: the pixels of the pictures, without padding; it knows no kernel."""
    _, height, width = label.shape
    return (jnp.arange(height)[:, None] < sizes[:, :1, None]) & (jnp.arange(width) < sizes[:, 1:, None])


@jax.jit
def unknown_described(label: jax.Array, sizes: jax.Array, kernel_sizes: jax.Array) -> jax.Array:
    """Returns (B, H, W) bool: the unknown region in the described form; arguments as in `trimap_described`."""
    return (trimap_described(label, sizes, kernel_sizes) == UNKNOWN) & inside(label, sizes)


@jax.jit
def unknown_published(label: jax.Array, sizes: jax.Array, kernel_sizes: jax.Array) -> jax.Array:
    """Returns (B, H, W) bool: the unknown region in the published form; arguments as in `trimap_described`."""
    return (trimap_published(label, sizes, kernel_sizes) == UNKNOWN) & inside(label, sizes)


REGIONS: dict[str, Callable[[jax.Array, jax.Array, jax.Array], jax.Array]] = {
    "all": inside,
    "described": unknown_described,
    "published": unknown_published,
}


def _trimap(foreground: jax.Array, background: jax.Array) -> jax.Array:
    return jnp.where(background, BACKGROUND, jnp.where(foreground, FOREGROUND, UNKNOWN)).astype(jnp.uint8)


def _codes(label: jax.Array, sizes: jax.Array) -> jax.Array:
    """Returns (B, H + 28, W + 28) uint8: 0, 1, 2 for these labels, 3 for 3..254, 4 for 255, 5 outside the picture.

    The margins are concatenated because XLA's CPU backend copies whole rows then; a pad it decides pixel by pixel.
    """
    batch, height, _ = label.shape
    codes = jnp.where(label == 255, jnp.uint8(_OPAQUE), jnp.minimum(label, jnp.uint8(3)))
    codes = jnp.where(inside(label, sizes), codes, jnp.uint8(_OUTSIDE))
    side = jnp.full((batch, height, _REACH), _OUTSIDE, jnp.uint8)
    codes = jnp.concatenate([side, codes, side], axis=2)
    end = jnp.full((batch, _REACH, codes.shape[2]), _OUTSIDE, jnp.uint8)
    return jnp.concatenate([end, codes, end], axis=1)


def _ranks(members: jax.Array) -> jax.Array:
    """Returns (B, H + 28, W) int8, the smallest rank of a member within reach in the pixel's row, 29 where none is.

    `members` is (B, H + 28, W + 28) bool, with margins as `_codes` puts them.
    """
    width = members.shape[2] - 2 * _REACH
    rows = jnp.where(members, jnp.int8(0), jnp.int8(LARGEST_KERNEL))
    ranks = rows[..., _REACH : _REACH + width]
    for distance in range(1, _REACH + 1):
        left = rows[..., _REACH - distance : _REACH - distance + width] + jnp.int8(2 * distance - 1)
        right = rows[..., _REACH + distance : _REACH + distance + width] + jnp.int8(2 * distance)
        ranks = jnp.minimum(ranks, jnp.minimum(left, right))
    return ranks


def _kernel_holds(ranks: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns (B, H, W) bool: whether the kernel, rows of run lengths (B, 29), laid on a pixel holds a member."""
    height = ranks.shape[1] - 2 * _REACH
    excess = jnp.int8(LARGEST_KERNEL)
    for row in range(LARGEST_KERNEL):
        excess = jnp.minimum(excess, ranks[:, row : row + height] - kernel[:, row, None, None])
    return excess < 0


def _kernel_runs(kernel_sizes: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns the run lengths of the foreground's and the background's kernel, each (B, 29) int8."""
    runs = jnp.asarray(_run_lengths())[kernel_sizes]
    return runs[:, 0], runs[:, 1]


@cache
def _run_lengths() -> np.ndarray:
    """Returns (30, 29) int8: pixels in each row of OpenCV's ellipse of each size, its anchor's row in the middle."""
    lengths = np.zeros((LARGEST_KERNEL + 1, LARGEST_KERNEL), np.int8)
    for size in range(1, LARGEST_KERNEL + 1):
        top = _REACH - size // 2
        lengths[size, top : top + size] = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)).sum(axis=1)
    return lengths
