"""Masks and trimaps at test time: from a file, or derived from an alpha (the truth's, or another network's).

They are pictures here, (H, W) uint8: a mask is in front where it is 128 or more; a trimap is 0 (background), 128
(unknown) or 255 (foreground). `encode` makes of them what a network takes.
"""

import os

import cv2
import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.media.pictures import read_mask
from rvm_jax.networks.api import Guidance

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
# The unknown band's half width, in pixels of a longer side of 640: the middle of what training draws (1 to 29).
_BAND, _REFERENCE_SIDE = 15, 640


def read_guidance(path: str | os.PathLike, kind: Guidance, size: tuple[int, int]) -> np.ndarray:
    """Reads a mask or trimap for a picture of `size`, (height, width).

    Raises UserError, naming the file, where it is missing, of another size, or has values that it must not have.
    """
    values = read_mask(path)
    check(values, kind, size, str(path))
    return values


def derive(kind: Guidance, alpha: np.ndarray) -> np.ndarray:
    """A mask or trimap (H, W) of an alpha, (H, W) or (H, W, 1) uint8.

    A mask is the alpha of one half or more. A trimap keeps as foreground and background what is farther from any other
    alpha than 15 pixels of 640.
    """
    alpha = alpha[..., 0] if alpha.ndim == 3 else alpha
    if kind == "mask":
        return np.where(alpha >= 128, FOREGROUND, BACKGROUND).astype(np.uint8)
    width = max(1, round(_BAND * max(alpha.shape) / _REFERENCE_SIDE))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    trimap = np.full(alpha.shape, UNKNOWN, np.uint8)
    for value in (BACKGROUND, FOREGROUND):
        trimap[cv2.erode((alpha == value).astype(np.uint8), kernel) == 1] = value
    return trimap


def check(values: np.ndarray | None, kind: Guidance, size: tuple[int, int], what: str) -> None:
    """Raises UserError, beginning with `what`, where this is no mask or trimap of a picture of `size`."""
    if values is None:
        raise UserError(f"{what}: needs a {kind} beside the picture; give one, or derive it from an alpha")
    if values.shape != size:
        raise UserError(
            f"{what}: the {kind} is {_times(values.shape)}, but its picture is {_times(size)} (height×width); "
            "make it of the picture's size, without smoothing"
        )
    if values.dtype != np.uint8:
        raise UserError(f"{what}: the {kind} is {values.dtype}; pass uint8, 0 to 255")
    found = np.unique(values)
    if kind == "trimap" and not np.isin(found, (BACKGROUND, UNKNOWN, FOREGROUND)).all():
        odd = next(int(value) for value in found if value not in (BACKGROUND, UNKNOWN, FOREGROUND))
        raise UserError(
            f"{what}: the trimap has the value {odd}; only 0, 128 and 255 mean something. Write it without smoothing, "
            "as PNG, or derive it from an alpha"
        )
    if kind == "mask" and found[-1] == 1:
        raise UserError(f"{what}: the mask has no value above 1, so nothing would be in front; masks are 0 to 255")


def encode(values: np.ndarray, kind: Guidance) -> np.ndarray:
    """(H, W) uint8 to what a network takes: a mask (H, W, 1) of 0 and 1, a trimap (H, W, 3) one-hot; float32."""
    if kind == "mask":
        return (values >= 128).astype(np.float32)[..., None]
    return np.stack([values == value for value in (BACKGROUND, UNKNOWN, FOREGROUND)], -1).astype(np.float32)


def _times(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))
