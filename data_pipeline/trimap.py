"""Trimaps: foreground, background, and the unknown band between them, where a matting loss looks closest."""

import cv2
import numpy as np

UNKNOWN = 128
_WIDEST = 29  # kernel sizes are 1..29, on frames of 640 pixels
_REFERENCE_SIDE = 640
RESIZE_FILTERS = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


def make_trimap(pha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws a trimap of a clip's alpha: uint8 (T, H, W, 1) to 0, 128 (unknown), 255 of the same shape.

    Pure foreground and pure background are each eroded by an ellipse whose width, 1..29 pixels of 640, is drawn once
    for the clip, so that the band does not flicker; the rest is unknown.
    """
    widest = max(1, round(_WIDEST * max(pha.shape[1:3]) / _REFERENCE_SIDE))
    widths = rng.integers(1, widest + 1, 2)
    return np.stack([_trimap(frame == 255, frame == 0, widths) for frame in pha[..., 0]])[..., None]


def make_trimap_published(pha: np.ndarray, rng: np.random.Generator, scale: float = 1 / 255) -> np.ndarray:
    """The trimap as the face-matting fork draws it: widths and a filter for every frame, eroded at 640×640.

    `scale` takes the alpha to 0..1. For clips without occluder the fork takes 0..255 for that: a scale of 1 does so,
    and only an alpha of 1 of 255 is then foreground.
    """
    height, width = pha.shape[1:3]
    trimaps = []
    for frame in pha[..., 0]:
        side = (_REFERENCE_SIDE, _REFERENCE_SIDE)
        alpha = frame.astype(np.float32) * np.float32(scale)
        alpha = cv2.resize(alpha, side, interpolation=int(rng.choice(RESIZE_FILTERS)))
        foreground, background = (alpha + 1e-5).astype(np.int32) == 1, (1 - alpha + 1e-5).astype(np.int32) == 1
        trimap = _trimap(foreground, background, rng.integers(1, _WIDEST + 1, 2))
        trimaps.append(cv2.resize(trimap, (width, height), interpolation=cv2.INTER_NEAREST))
    return np.stack(trimaps)[..., None]


def _trimap(foreground: np.ndarray, background: np.ndarray, widths: np.ndarray) -> np.ndarray:
    trimap = np.full(foreground.shape, UNKNOWN, np.uint8)
    for region, value, width in ((foreground, 255, widths[0]), (background, 0, widths[1])):
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(width), int(width)))
        trimap[cv2.erode(region.astype(np.uint8), kernel) == 1] = value
    return trimap
