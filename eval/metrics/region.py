"""The unknown region of an alpha, where a matting error is counted: jitted, for batches of pictures of any size.

Two forms exist, and both are made by OpenCV's erosion with elliptical kernels of random size:

- `described`, the form in the published text: foreground is what remains of alpha == 1, background what remains of
  alpha == 0, and the rest is unknown.
- `published`, what the published script computes (it erodes labels of 0..255 as if they were 0..1, in wrapped bytes);
  the published table rests on it.

`band` is the described form with a kernel of 21 for both: all that lies within 10 pixels of the alpha's edge.

The erosions are those of `packed_bits`.
"""

import zlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from eval.metrics.packed_bits import LARGEST_KERNEL, kernels_of_all_sizes, pack, runs_of, union, unpack
from rvm_jax.guidance import numpy_ops
from rvm_jax.guidance.values import BACKGROUND, FOREGROUND, UNKNOWN

BAND_KERNEL = 21  # reaches 10 pixels

Array = jax.Array | np.ndarray
_Sets = tuple[jax.Array, jax.Array]  # of foreground and background pixels, packed, each (B, N, W)


def draw_kernel_sizes(key: str) -> tuple[int, int]:
    """Returns the (foreground, background) kernel sizes, 1..29, of the picture `<category>/[<clip>/]<stem>`.

    They come from a generator that the CRC-32 of `key` seeds: the same in every run, for every folder and file format.
    """
    generator = np.random.default_rng(zlib.crc32(key.encode()))
    foreground = generator.integers(1, LARGEST_KERNEL + 1)
    background = generator.integers(1, LARGEST_KERNEL + 1)
    return int(foreground), int(background)


def trimap_described(label: Array, sizes: Array, kernel_sizes: Array) -> np.ndarray:
    """Returns the trimap of the described form, (B, H, W) uint8: 0 background, 128 unknown, 255 foreground.

    Args:
      label: true alpha (B, H, W) uint8, each picture in the upper left corner of its H × W.
      sizes: (B, 2) the pictures' heights and widths. What lies beyond them never erodes, and its trimap means nothing.
      kernel_sizes: (B, 2) integers 1..29, the foreground's and the background's kernel.
    """
    trimaps = np.full(label.shape, UNKNOWN, np.uint8)
    for alpha, values, size, kernels in zip(np.asarray(label), trimaps, sizes, kernel_sizes, strict=True):
        inner = (slice(int(size[0])), slice(int(size[1])))
        of_picture = alpha[inner]
        kernel = int(kernels[0]), int(kernels[1])
        values[inner] = numpy_ops.trimap(of_picture == FOREGROUND, of_picture == BACKGROUND, kernel)
    return trimaps


def trimap_published(label: Array, sizes: Array, kernel_sizes: Array) -> jax.Array:
    """Returns the trimap that the published script computes; arguments and result as in `trimap_described`."""
    trimap: jax.Array = _trimap(*_published(label, sizes, kernel_sizes), label.shape[1])
    return trimap


@jax.jit
def inside(label: Array, sizes: Array, kernel_sizes: Array | None = None) -> jax.Array:
    """Returns (B, H, W) bool: the pixels of the pictures, without padding; it knows no kernel."""
    _, height, width = label.shape
    return (jnp.arange(height)[:, None] < sizes[:, :1, None]) & (jnp.arange(width) < sizes[:, 1:, None])


@jax.jit
def face(label: Array, sizes: Array, kernel_sizes: Array | None = None) -> jax.Array:
    """Returns (B, H, W) bool: where the true alpha is above 0."""
    members: jax.Array = (label > 0) & inside(label, sizes)
    return members


def unknown_described(label: Array, sizes: Array, kernel_sizes: Array) -> jax.Array:
    """Returns (B, H, W) bool: the unknown region in the described form; arguments as in `trimap_described`."""
    members: jax.Array = _unknown(*_described(label, sizes, kernel_sizes), label, sizes)
    return members


def unknown_published(label: Array, sizes: Array, kernel_sizes: Array) -> jax.Array:
    """Returns (B, H, W) bool: the unknown region in the published form; arguments as in `trimap_described`."""
    members: jax.Array = _unknown(*_published(label, sizes, kernel_sizes), label, sizes)
    return members


def band(label: Array, sizes: Array, kernel_sizes: Array | None = None) -> jax.Array:
    """Returns (B, H, W) bool: all within 10 pixels of the alpha's edge, and all that is neither 0 nor 1."""
    return unknown_described(label, sizes, jnp.full((len(label), 2), BAND_KERNEL, jnp.int32))


class Region(NamedTuple):
    """A set of pixels that errors are counted over.

    `mask` gives it, (B, H, W) bool, for label, sizes and kernel sizes as in `trimap_described`; `is_unknown` says that
    it is a form of the unknown region, which the published table states; `has_all`, that it has every pixel: no other
    has any that is farther from the alpha than a window's margin.
    """

    mask: Callable[[Array, Array, Array], jax.Array]
    legend: str
    is_unknown: bool = False
    has_all: bool = False


# In the order of their columns.
REGIONS = {
    "described": Region(unknown_described, "the unknown region by the published text", is_unknown=True),
    "published": Region(unknown_published, "the unknown region by the published script", is_unknown=True),
    "all": Region(inside, "every pixel", has_all=True),
    "face": Region(face, "true alpha above 0"),
    "band": Region(band, "within 10 pixels of the alpha's edge"),
}

# Each step is a program of its own: in one, XLA's CPU backend would fuse them, and compute the tables many times over.


def _described(label: Array, sizes: Array, kernel_sizes: Array) -> _Sets:
    """Returns the sets of foreground and background pixels, packed, each (B, N, W)."""
    runs, kernels = runs_of(_described_members(label, sizes)), kernels_of_all_sizes()[np.asarray(kernel_sizes)]
    sets: _Sets = _described_sets(runs, kernels)
    return sets


@jax.jit
def _described_sets(runs: jax.Array, kernels: jax.Array) -> _Sets:
    def of_picture(picture: tuple[jax.Array, jax.Array]) -> _Sets:
        place, (foreground, background) = picture
        not_opaque, not_clear = place, place + len(kernels)
        return ~union(runs, not_opaque, foreground), ~union(runs, not_clear, background)

    sets: _Sets = jax.lax.map(of_picture, (jnp.arange(len(kernels)), kernels))
    return sets


@jax.jit
def _described_members(label: Array, sizes: Array) -> jax.Array:
    within = inside(label, sizes)
    return jnp.concatenate([pack((label < 255) & within), pack((label > 0) & within)])


def _published(label: Array, sizes: Array, kernel_sizes: Array) -> _Sets:
    """Returns the sets of foreground and background pixels, packed, each (B, N, W); the background wins.

    The script's foreground bytes are the label itself; eroded (a minimum) they are 1 where the kernel holds a label 1
    and no 0. Its background bytes are 1 - label, wrapped: 1 for label 0, 0 for labels 1 and 2, 3 or more for the rest;
    eroded they are 1 where the kernel holds a label 0 and neither 1 nor 2.
    """
    runs, kernels = runs_of(_published_members(label, sizes)), kernels_of_all_sizes()[np.asarray(kernel_sizes)]
    sets: _Sets = _published_sets(runs, kernels)
    return sets


@jax.jit
def _published_sets(runs: jax.Array, kernels: jax.Array) -> _Sets:
    def of_picture(picture: tuple[jax.Array, jax.Array]) -> _Sets:
        place, (foreground, background) = picture
        zeros, ones, ones_and_twos = (place + number * len(kernels) for number in range(3))
        return (
            union(runs, ones, foreground) & ~union(runs, zeros, foreground),
            union(runs, zeros, background) & ~union(runs, ones_and_twos, background),
        )

    sets: _Sets = jax.lax.map(of_picture, (jnp.arange(len(kernels)), kernels))
    return sets


@jax.jit
def _published_members(label: Array, sizes: Array) -> jax.Array:
    within = inside(label, sizes)
    members = (label == 0) & within, (label == 1) & within, (label > 0) & (label < 3) & within
    return jnp.concatenate([pack(of_set) for of_set in members])


@partial(jax.jit, static_argnums=2)
def _trimap(foreground: jax.Array, background: jax.Array, height: int) -> jax.Array:
    is_foreground, is_background = unpack(foreground, height), unpack(background, height)
    return jnp.where(is_background, BACKGROUND, jnp.where(is_foreground, FOREGROUND, UNKNOWN)).astype(jnp.uint8)


@jax.jit
def _unknown(foreground: jax.Array, background: jax.Array, label: Array, sizes: Array) -> jax.Array:
    members: jax.Array = unpack(~(foreground | background), label.shape[1]) & inside(label, sizes)
    return members
