"""Contact sheets: many pictures on one (OpenCV)."""

from fractions import Fraction

import cv2
import numpy as np

_TITLE_HEIGHT = 18


def grid(
    rows: list[list[np.ndarray]], pad: int = 4, background: int = 255, titles: list[str] | None = None
) -> np.ndarray:
    """Tiles pictures, row by row from the left, into one RGB picture (H, W, 3) uint8.

    Args:
        rows: pictures uint8 of any sizes: (h, w), (h, w, 1) or RGB (h, w, 3). A row is as high as its highest.
        pad: pixels around every picture.
        background: grey level between the pictures.
        titles: one line of text above each row; an empty one takes no space.
    """
    if titles is not None and len(titles) != len(rows):
        raise ValueError(f"{len(titles)} titles for {len(rows)} rows")
    width = max((sum(picture.shape[1] + pad for picture in row) + pad for row in rows), default=pad)
    parts = []
    for row, title in zip(rows, titles or [""] * len(rows), strict=True):
        if title:
            parts.append(_title(title, width, pad, background))
        strip = np.full((max((picture.shape[0] for picture in row), default=0) + pad, width, 3), background, np.uint8)
        left = pad
        for picture in row:
            height, right = picture.shape[0], left + picture.shape[1]
            strip[pad : pad + height, left:right] = picture if picture.ndim == 3 else picture[..., None]
            left = right + pad
        parts.append(strip)
    parts.append(np.full((pad, width, 3), background, np.uint8))
    return np.concatenate(parts)


def _title(text: str, width: int, pad: int, background: int) -> np.ndarray:
    strip = np.full((_TITLE_HEIGHT, width, 3), background, np.uint8)
    ink = 0 if background > 127 else 255
    cv2.putText(strip, text, (pad, _TITLE_HEIGHT - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (ink, ink, ink), 1, cv2.LINE_AA)
    return strip


def as_rgb(picture: np.ndarray) -> np.ndarray:
    """Returns (H, W, 1) or (H, W, 3) as (H, W, 3)."""
    return np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture


def shrunk(picture: np.ndarray, side: int, pixel_aspect: Fraction = Fraction(1)) -> np.ndarray:
    """Returns the picture with square pixels and a longer side of at most `side` of them, averaged."""
    width = picture.shape[1] * float(pixel_aspect)
    scale = min(1.0, side / max(picture.shape[0], width))
    size = max(1, round(width * scale)), max(1, round(picture.shape[0] * scale))
    if size == (picture.shape[1], picture.shape[0]):
        return picture
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
