"""Masks and trimaps as pictures, (H, W) uint8: read, derived from an alpha, encoded for a network; by NumPy and OpenCV.

`jax_ops` has the same for batches on the device. This module imports no JAX.
"""

import os

import cv2
import numpy as np

from rvm_jax.guidance.values import (
    BACKGROUND,
    FOREGROUND,
    IN_FRONT,
    UNKNOWN,
    Guidance,
    band_kernel,
    check_guidance,
)
from rvm_jax.media.masks import read_mask


def read_guidance(path: str | os.PathLike[str], kind: Guidance, size: tuple[int, int]) -> np.ndarray:
    """Reads a mask or trimap, (H, W) uint8, for a picture of `size`, (height, width).

    Raises:
        UserError: naming the file, if it is missing, of another size, or has values that it must not have.
    """
    values = read_mask(path)
    check_guidance(values, kind, size, str(path))
    return values


def derive(kind: Guidance, alpha: np.ndarray) -> np.ndarray:
    """Derives a mask or trimap (H, W) from an alpha, (H, W) or (H, W, 1) uint8.

    A mask is in front where the alpha is one half or more. A trimap keeps as foreground and background what is farther
    from any other alpha than 7 pixels of 640.
    """
    alpha = alpha[..., 0] if alpha.ndim == 3 else alpha
    if kind == "mask":
        return np.where(alpha >= IN_FRONT, FOREGROUND, BACKGROUND).astype(np.uint8)
    height, width = alpha.shape
    kernel = band_kernel(height, width)
    return trimap(alpha == FOREGROUND, alpha == BACKGROUND, (kernel, kernel))


def trimap(foreground: np.ndarray, background: np.ndarray, kernels: tuple[int, int]) -> np.ndarray:
    """Makes a trimap (H, W) uint8 of what is certain, (H, W) bool each: both are eroded, the rest is unknown.

    Args:
        foreground: where the alpha is 1.
        background: where the alpha is 0.
        kernels: the widths in pixels of the elliptical kernels that erode the foreground and the background.
    """
    values = np.full(foreground.shape, UNKNOWN, np.uint8)
    for region, value, kernel in ((foreground, FOREGROUND, kernels[0]), (background, BACKGROUND, kernels[1])):
        ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(kernel), int(kernel)))
        values[cv2.erode(region.astype(np.uint8), ellipse) == 1] = value
    return values


def encode(values: np.ndarray, kind: Guidance) -> np.ndarray:
    """Encodes (H, W) uint8 for a network: a mask (H, W, 1) of 0 and 1, a trimap (H, W, 3) one-hot; float32."""
    if kind == "mask":
        return (values >= IN_FRONT).astype(np.float32)[..., None]
    return one_hot(values[..., None]).astype(np.float32)


def one_hot(values: np.ndarray) -> np.ndarray:
    """Splits a trimap (..., 1) into (..., 3) bool: background, unknown, foreground."""
    return np.concatenate([values == value for value in (BACKGROUND, UNKNOWN, FOREGROUND)], -1)
