"""The unknown region of an alpha, where a matting error is counted: jitted, for batches of pictures of any size.

Two forms exist, and both are made by OpenCV's erosion with elliptical kernels of random size:

- `described`, the form in the published text: foreground is what remains of alpha == 1, background what remains of
  alpha == 0, and the rest is unknown.
- `published`, what the published script computes (it erodes labels of 0..255 as if they were 0..1, in wrapped bytes);
  the published table rests on it.

`band` is the described form with a kernel of 21 for both: all that lies within 10 pixels of the alpha's edge.

Every erosion comes down to one question: does the kernel, laid on this pixel, hold a member of some set of pixels? A
set is packed eight pixels to a byte (`_pack`), so that a logical "or" of two bytes treats eight rows at once. Each
column of OpenCV's ellipse is one run of pixels about the anchor, and a run of n pixels is the union of two runs of a
power of two, which a table holds for all pixels (`_runs`). The kernel is then the union of at most 58 slices of that
table, whose places are data: one compilation serves all kernel sizes.
"""

import zlib
from collections.abc import Callable
from functools import cache, partial

import cv2
import jax
import jax.numpy as jnp
import numpy as np

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
LARGEST_KERNEL = 29
BAND_KERNEL = 21  # reaches 10 pixels

Array = jax.Array | np.ndarray

_REACH = LARGEST_KERNEL // 2
_BITS = 8
_LEVELS = 5  # of the table: runs of 1, 2, 4, 8 and 16 pixels


def draw_kernel_sizes(key: str) -> tuple[int, int]:
    """Returns the (foreground, background) kernel sizes, 1..29, of the picture `<category>/[<clip>/]<stem>`.

    They come from a generator that the CRC-32 of `key` seeds: the same in every run, for every folder and file format.
    """
    generator = np.random.default_rng(zlib.crc32(key.encode()))
    foreground = generator.integers(1, LARGEST_KERNEL + 1)
    background = generator.integers(1, LARGEST_KERNEL + 1)
    return int(foreground), int(background)


def trimap_described(label: Array, sizes: Array, kernel_sizes: Array) -> jax.Array:
    """Returns the trimap of the described form, (B, H, W) uint8: 0 background, 128 unknown, 255 foreground.

    Args:
      label: true alpha (B, H, W) uint8, each picture in the upper left corner of its H × W.
      sizes: (B, 2) the pictures' heights and widths. What lies beyond them never erodes, and its trimap means nothing.
      kernel_sizes: (B, 2) integers 1..29, the foreground's and the background's kernel.
    """
    return _trimap(*_described(label, sizes, kernel_sizes), label.shape[1])


def trimap_published(label: Array, sizes: Array, kernel_sizes: Array) -> jax.Array:
    """Returns the trimap that the published script computes; arguments and result as in `trimap_described`."""
    return _trimap(*_published(label, sizes, kernel_sizes), label.shape[1])


@jax.jit
def inside(label: Array, sizes: Array, kernel_sizes: Array | None = None) -> jax.Array:
    """Returns (B, H, W) bool: the pixels of the pictures, without padding; it knows no kernel."""
    _, height, width = label.shape
    return (jnp.arange(height)[:, None] < sizes[:, :1, None]) & (jnp.arange(width) < sizes[:, 1:, None])


@jax.jit
def face(label: Array, sizes: Array, kernel_sizes: Array | None = None) -> jax.Array:
    """Returns (B, H, W) bool: where the true alpha is above 0."""
    return (label > 0) & inside(label, sizes)


def unknown_described(label: Array, sizes: Array, kernel_sizes: Array) -> jax.Array:
    """Returns (B, H, W) bool: the unknown region in the described form; arguments as in `trimap_described`."""
    return _unknown(*_described(label, sizes, kernel_sizes), label, sizes)


def unknown_published(label: Array, sizes: Array, kernel_sizes: Array) -> jax.Array:
    """Returns (B, H, W) bool: the unknown region in the published form; arguments as in `trimap_described`."""
    return _unknown(*_published(label, sizes, kernel_sizes), label, sizes)


def band(label: Array, sizes: Array, kernel_sizes: Array | None = None) -> jax.Array:
    """Returns (B, H, W) bool: all within 10 pixels of the alpha's edge, and all that is neither 0 nor 1."""
    return unknown_described(label, sizes, jnp.full((len(label), 2), BAND_KERNEL, jnp.int32))


REGIONS: dict[str, Callable[[Array, Array, Array], jax.Array]] = {
    "all": inside,
    "face": face,
    "band": band,
    "described": unknown_described,
    "published": unknown_published,
}

# Each step is a program of its own: in one, XLA's CPU backend would fuse them, and compute the tables many times over.


def _described(label: Array, sizes: Array, kernel_sizes: Array) -> tuple[jax.Array, jax.Array]:
    """Returns the sets of foreground and background pixels, packed, each (B, N, W)."""
    return _described_sets(_runs(_described_members(label, sizes)), _kernels()[np.asarray(kernel_sizes)])


@jax.jit
def _described_sets(runs: jax.Array, kernels: jax.Array) -> tuple[jax.Array, jax.Array]:
    def of_picture(picture: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        place, (foreground, background) = picture
        not_opaque, not_clear = place, place + len(kernels)
        return ~_union(runs, not_opaque, foreground), ~_union(runs, not_clear, background)

    return jax.lax.map(of_picture, (jnp.arange(len(kernels)), kernels))


@jax.jit
def _described_members(label: Array, sizes: Array) -> jax.Array:
    within = inside(label, sizes)
    return jnp.concatenate([_pack((label < 255) & within), _pack((label > 0) & within)])


def _published(label: Array, sizes: Array, kernel_sizes: Array) -> tuple[jax.Array, jax.Array]:
    """Returns the sets of foreground and background pixels, packed, each (B, N, W); the background wins.

    The script's foreground bytes are the label itself; eroded (a minimum) they are 1 where the kernel holds a label 1
    and no 0. Its background bytes are 1 - label, wrapped: 1 for label 0, 0 for labels 1 and 2, 3 or more for the rest;
    eroded they are 1 where the kernel holds a label 0 and neither 1 nor 2.
    """
    return _published_sets(_runs(_published_members(label, sizes)), _kernels()[np.asarray(kernel_sizes)])


@jax.jit
def _published_sets(runs: jax.Array, kernels: jax.Array) -> tuple[jax.Array, jax.Array]:
    def of_picture(picture: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        place, (foreground, background) = picture
        zeros, ones, ones_and_twos = (place + number * len(kernels) for number in range(3))
        return (
            _union(runs, ones, foreground) & ~_union(runs, zeros, foreground),
            _union(runs, zeros, background) & ~_union(runs, ones_and_twos, background),
        )

    return jax.lax.map(of_picture, (jnp.arange(len(kernels)), kernels))


@jax.jit
def _published_members(label: Array, sizes: Array) -> jax.Array:
    within = inside(label, sizes)
    members = (label == 0) & within, (label == 1) & within, (label > 0) & (label < 3) & within
    return jnp.concatenate([_pack(of_set) for of_set in members])


@partial(jax.jit, static_argnums=2)
def _trimap(foreground: jax.Array, background: jax.Array, height: int) -> jax.Array:
    is_foreground, is_background = _unpack(foreground, height), _unpack(background, height)
    return jnp.where(is_background, BACKGROUND, jnp.where(is_foreground, FOREGROUND, UNKNOWN)).astype(jnp.uint8)


@jax.jit
def _unknown(foreground: jax.Array, background: jax.Array, label: Array, sizes: Array) -> jax.Array:
    return _unpack(~(foreground | background), label.shape[1]) & inside(label, sizes)


def _pack(members: jax.Array) -> jax.Array:
    """Returns (B, N, W) uint8 for (B, H, W) bool: bit j of byte row i is row j · N + i, so that rows stay whole.

    N is at least the kernels' reach: a row's neighbours are then no further than the next bit.
    """
    rows = max(-(-members.shape[1] // _BITS), _REACH)
    members = jnp.pad(members, ((0, 0), (0, _BITS * rows - members.shape[1]), (0, 0)))
    packed = members[:, :rows].astype(jnp.uint8)
    for bit in range(1, _BITS):
        packed |= members[:, bit * rows : (bit + 1) * rows].astype(jnp.uint8) << jnp.uint8(bit)
    return packed


def _unpack(packed: jax.Array, height: int) -> jax.Array:
    """Returns (B, height, W) bool, the inverse of `_pack`."""
    batch, rows, width = packed.shape
    bits = jnp.arange(_BITS, dtype=jnp.uint8)[:, None, None]
    return (((packed[:, None] >> bits) & 1) > 0).reshape(batch, _BITS * rows, width)[:, :height]


@jax.jit
def _runs(packed: jax.Array) -> jax.Array:
    """Returns the table (S · B, 5, N + 28, W + 28) uint8 of S packed sets of B pictures: at level k the union of the
    2**k rows from each row downwards, with margins of the kernels' reach all around.
    """
    packed = jnp.pad(packed, ((0, 0), (0, 0), (_REACH, _REACH)))
    above, below = packed[:, -_REACH:] << 1, packed[:, :_REACH] >> 1
    runs = [jnp.concatenate([above, packed, below], axis=1)]
    for level in range(_LEVELS - 1):
        distance = 1 << level
        last = runs[-1]
        runs.append(jnp.concatenate([last[:, :-distance] | last[:, distance:], last[:, -distance:]], axis=1))
    return jnp.stack(runs, axis=1)


def _union(runs: jax.Array, place: jax.Array, kernel: jax.Array) -> jax.Array:
    """Returns (N, W) uint8, packed: whether the kernel, laid on a pixel, holds a member of the set at that place of the
    table: the union of the slices that the kernel, (29, 4) of `_kernels`, consists of.
    """
    rows, columns = runs.shape[2] - 2 * _REACH, runs.shape[3] - 2 * _REACH
    held = jnp.zeros((rows, columns), jnp.uint8)
    for level, column, *starts in kernel:
        for start in starts:
            held |= jax.lax.dynamic_slice(runs, (place, level, start, column), (1, 1, rows, columns))[0, 0]
    return held


@cache
def _kernels() -> np.ndarray:
    """Returns (30, 29, 4) int32: of each column of OpenCV's ellipse of each size, its anchor in the middle, the level
    of the table, the place of the column, and the rows at which two runs begin that together are the column's.

    Smaller ellipses, of fewer columns, repeat theirs.
    """
    kernels = np.zeros((LARGEST_KERNEL + 1, LARGEST_KERNEL, 4), np.int32)
    for size in range(1, LARGEST_KERNEL + 1):
        corner = _REACH - size // 2
        columns = []
        for column, pixels in enumerate(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)).T):
            length = int(pixels.sum())
            if length:
                level, first = length.bit_length() - 1, corner + int(pixels.argmax())
                columns.append((level, corner + column, first, first + length - (1 << level)))
        kernels[size] = (columns * LARGEST_KERNEL)[:LARGEST_KERNEL]
    return kernels
