"""Trimaps of clips, drawn for training: foreground, background, and the unknown band between them.

A matting loss looks closest at the band. Its widths follow the convention of `rvm_jax.guidance.values`.
"""

import cv2
import numpy as np

from rvm_jax.guidance.numpy_ops import trimap
from rvm_jax.guidance.values import BACKGROUND, FOREGROUND, REFERENCE_SIDE, WIDEST_KERNEL, widest_kernel

RESIZE_FILTERS = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


def make_trimap(pha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws a trimap of a clip's alpha: uint8 (T, H, W, 1) to 0, 128 (unknown), 255 of the same shape.

    Pure foreground and pure background are each eroded by an ellipse whose width, 1..29 pixels of 640, is drawn once
    for the clip, so that the band does not flicker; the rest is unknown.
    """
    height, width = pha.shape[1:3]
    foreground, background = rng.integers(1, widest_kernel(height, width) + 1, 2)
    kernels = int(foreground), int(background)
    return np.stack([trimap(frame == FOREGROUND, frame == BACKGROUND, kernels) for frame in pha[..., 0]])[..., None]


def make_trimap_published(pha: np.ndarray, rng: np.random.Generator, scale: float = 1 / 255) -> np.ndarray:
    """Draws the trimap as the face-matting fork does: widths and a filter for every frame, eroded at 640×640.

    `scale` takes the alpha to 0..1. For clips without occluder the fork takes 0..255 for that: a scale of 1 does so,
    and only an alpha of 1 of 255 is then foreground.
    """
    height, width = pha.shape[1:3]
    trimaps = []
    for frame in pha[..., 0]:
        side = (REFERENCE_SIDE, REFERENCE_SIDE)
        alpha = frame.astype(np.float32) * np.float32(scale)
        alpha = cv2.resize(alpha, side, interpolation=int(rng.choice(RESIZE_FILTERS)))
        foreground, background = (alpha + 1e-5).astype(np.int32) == 1, (1 - alpha + 1e-5).astype(np.int32) == 1
        kernels = rng.integers(1, WIDEST_KERNEL + 1, 2)
        values = trimap(foreground, background, (int(kernels[0]), int(kernels[1])))
        trimaps.append(cv2.resize(values, (width, height), interpolation=cv2.INTER_NEAREST))
    return np.stack(trimaps)[..., None]
