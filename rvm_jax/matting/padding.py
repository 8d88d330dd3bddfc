"""How pictures of any size become what a network takes, and its alpha one of theirs; NumPy alone.

The paddings are those of `rvm_jax.networks.api.Preprocessing`, from the projects that the networks come from.
"""

from dataclasses import dataclass

import numpy as np

from rvm_jax.networks.api import Preprocessing

_BORDER = 32  # what the published test script adds on every side


@dataclass(frozen=True)
class Placement:
    """Says where a picture of (height, width) lies within a network's input.

    Attributes:
        size: of the picture.
        inner: of what the picture is resized to; `size` where it is not.
        before, after: rows and columns added on either side.
        mode: how NumPy's pad fills them.
    """

    size: tuple[int, int]
    inner: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]
    mode: str

    def put(self, values: np.ndarray) -> np.ndarray:
        """Brings (H, W, C) to the network's sides, float32 where it is resized, else of the dtype that it has."""
        if self.inner != self.size:
            values = resize_area(values, self.inner)
        edges = [*zip(self.before, self.after, strict=True), (0, 0)]
        padded: np.ndarray = np.pad(values, edges, mode=self.mode)  # type: ignore[call-overload]
        return padded

    def take(self, alpha: np.ndarray) -> np.ndarray:
        """Undoes what `put` did: (h, w, 1) of the network's sides to (H, W, 1)."""
        rows, columns = (slice(before, before + n) for before, n in zip(self.before, self.inner, strict=True))
        alpha = alpha[rows, columns]
        return alpha if self.inner == self.size else resize_area(alpha, self.size)


def place(preprocessing: Preprocessing, size_multiple: int, size: tuple[int, int]) -> Placement:
    """Returns where a picture of `size`, (height, width), goes."""
    if preprocessing.padding == "resize":
        return Placement(size, _resized(size, preprocessing.short_side, size_multiple), (0, 0), (0, 0), "edge")
    height, width = size
    missing = (-height % size_multiple, -width % size_multiple)
    if preprocessing.padding == "reflect_border":
        after = (_BORDER + missing[0], _BORDER + missing[1])
        return Placement(size, size, (_BORDER, _BORDER), after, "reflect")
    if preprocessing.padding == "symmetric_centred":
        before = (missing[0] // 2, missing[1] // 2)
        return Placement(size, size, before, (missing[0] - before[0], missing[1] - before[1]), "symmetric")
    return Placement(size, size, (0, 0), missing, "edge")


def _resized(size: tuple[int, int], short_side: int | None, multiple: int) -> tuple[int, int]:
    height, width = size
    if short_side is not None and (max(size) < short_side or min(size) > short_side):
        if width >= height:
            height, width = short_side, int(width / height * short_side)
        else:
            height, width = int(height / width * short_side), short_side
    return max(height - height % multiple, multiple), max(width - width % multiple, multiple)


def resize_area(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Computes interpolate(mode="area") of (H, W, C): the plain mean of all pixels that an output pixel touches."""
    values = np.asarray(values, np.float32)
    rows, columns = (area_means(n, to) for n, to in zip(values.shape[:2], size, strict=True))
    resized: np.ndarray = np.einsum("ih,hwc,jw->ijc", rows, values, columns, optimize=True).astype(np.float32)
    return resized


def area_means(length: int, count: int) -> np.ndarray:
    """Returns the matrix (count, length) that shrinks or enlarges one axis of a picture so."""
    weights: np.ndarray = np.zeros((count, length), np.float32)
    for i in range(count):
        first, last = i * length // count, -(-(i + 1) * length // count)
        weights[i, first:last] = 1 / (last - first)
    return weights


def to_uint8(alpha: np.ndarray, preprocessing: Preprocessing | None = None) -> np.ndarray:
    """Converts an alpha to 0..255: clipped and rounded, or as its project did it (see `Preprocessing`)."""
    if preprocessing is not None and preprocessing.overflow == "wrap":
        return (np.asarray(alpha, np.float32) * np.float32(255)).astype(np.int32).astype(np.uint8)
    values = np.clip(np.asarray(alpha, np.float32), 0, 1) * np.float32(255)
    if preprocessing is not None and preprocessing.rounding == "truncate":
        return values.astype(np.uint8)
    rounded: np.ndarray = np.rint(values).astype(np.uint8)
    return rounded


def to_uint16(alpha: np.ndarray) -> np.ndarray:
    """Converts an alpha to 0..65535, clipped and rounded."""
    rounded: np.ndarray = np.rint(np.clip(np.asarray(alpha, np.float32), 0, 1) * np.float32(65535)).astype(np.uint16)
    return rounded
