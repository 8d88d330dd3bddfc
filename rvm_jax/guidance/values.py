"""The values of masks and trimaps, the width of the unknown band, and what a mask or trimap must be.

A band is a share of the longer side, given in pixels of `REFERENCE_SIDE`, for training, validation and test alike.
Training draws the widths of the elliptical kernels that erode foreground and background, 1 to `WIDEST_KERNEL`; where
nothing is drawn, the band has the half width in the middle of theirs, `BAND`. This module imports no JAX.
"""

from typing import Literal

import numpy as np

from rvm_jax.errors import UserError

Guidance = Literal["mask", "trimap"]

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
IN_FRONT = 128  # a mask is in front where it has this value or more
CHANNELS = {"mask": 1, "trimap": 3}  # of what a network takes; a trimap's in the order of the values above

REFERENCE_SIDE = 640
WIDEST_KERNEL = 29
BAND = WIDEST_KERNEL // 4  # kernels of 1 to 29 reach 0 to 14 pixels to either side


def widest_kernel(height: int, width: int) -> int:
    """Returns the widest kernel that training draws for pictures of this size, in pixels (at least 1)."""
    return max(1, round(WIDEST_KERNEL * max(height, width) / REFERENCE_SIDE))


def band_kernel(height: int, width: int) -> int:
    """Returns the kernel of validation and test for pictures of this size, in pixels (odd, at least 3)."""
    return 2 * max(1, round(BAND * max(height, width) / REFERENCE_SIDE)) + 1


def check_guidance(values: np.ndarray | None, kind: Guidance, size: tuple[int, int], what: str) -> None:
    """Checks the mask or trimap of a picture.

    Args:
        values: what should be (H, W) uint8; None where there is none.
        kind: what it should be.
        size: the picture's height and width.
        what: its name, for messages.

    Raises:
        UserError: if it is missing, of another size or dtype, or has values that it must not have.
    """
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


def check_encoded(values: np.ndarray, kind: Guidance, name: str) -> None:
    """Checks what a network is given, outside of `jit`: a mask of 0 and 1, or a one-hot trimap (..., 3).

    Raises:
        UserError: naming the network, if there are other values.
    """
    binary = bool(np.isin(values, (0, 1)).all())
    if kind == "mask" and not binary:
        raise UserError(f"{name}: the mask has values other than 0 and 1; pass mask >= 128 for one of 0 to 255")
    if kind == "trimap" and not (binary and (values.sum(-1) == 1).all()):
        raise UserError(
            f"{name}: the trimap is not one-hot; its channels are trimap == 0, trimap == 128 and trimap == 255"
        )


def _times(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))
