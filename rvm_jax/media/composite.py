"""Composing frames with an alpha (numpy and Pillow)."""

import numpy as np
from PIL import ImageColor

from rvm_jax.errors import UserError

Color = tuple[int, int, int]

# The background of RVM's own green-screen output.
GREEN: Color = (120, 255, 155)


def parse_color(text: str) -> Color:
    """Returns (red, green, blue), 0..255, for a name ("white"), "#rrggbb" or any other form that CSS knows.

    Raises UserError if it is none.
    """
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError as error:
        raise UserError(f"'{text}' is no colour; give a name such as green, or #rrggbb") from error
    return red, green, blue


def composite(fgr: np.ndarray, pha: np.ndarray, bgr: np.ndarray | Color) -> np.ndarray:
    """Lays the foreground over a background: `fgr · pha + bgr · (1 − pha)`.

    Args:
      fgr: RGB (..., H, W, 3) uint8; the input frame where no foreground was predicted.
      pha: alpha (..., H, W, 1) uint8, 0..255.
      bgr: a colour, or RGB that broadcasts to `fgr`, uint8.

    Returns RGB of the shape of `fgr`, uint8, rounded to the nearest.
    """
    # Integer arithmetic: exact, and without the float copies that would be four times as large.
    alpha = pha.astype(np.uint16)
    blend = fgr * alpha + np.asarray(bgr, np.uint8) * (255 - alpha)  # at most 255², which 16 bits hold
    return ((blend + np.uint16(127)) // 255).astype(np.uint8)


def comparison(src: np.ndarray, pha: np.ndarray, cutout: np.ndarray) -> np.ndarray:
    """Sets input, alpha and cut-out side by side: three (..., H, W, C) uint8 become (..., H, 3·W, 3)."""
    return np.concatenate([src, np.broadcast_to(pha, src.shape), cutout], axis=-2)
