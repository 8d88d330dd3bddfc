"""Colour jitter of one layer: brightness, contrast, saturation and hue that differ by clip and drift a little.

The four changes are linear in RGB, so a frame takes one 3×3 matrix and one grey offset. They are torchvision's, but
for two things that a matrix cannot do: values are clipped once, at the end, and hue turns the chroma plane (YIQ).
"""

import cv2
import numpy as np

from data_pipeline.easing import draw_easing

_LUMA = np.array([0.299, 0.587, 0.114])
_TO_YIQ = np.array([_LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)


def draw_jitter(rng: np.random.Generator, clock: np.ndarray, saturation_bug: bool = False) -> np.ndarray:
    """Draws the changes (T, 4) of brightness, contrast, saturation (factors, around 1) and hue (turns, around 0).

    They go from one draw N(0, 0.1) towards another, by at most a fifth of the way. RVM takes the brightness draw for
    the saturation too: `saturation_bug` does the same.
    """
    start, end = rng.normal(0, 0.1, (2, 4))
    strength = rng.uniform(0, 0.2)
    easing = draw_easing(rng)
    way = np.array([easing(u) for u in clock])[:, None] * strength
    change = start * (1 - way) + end * way
    if saturation_bug:
        change[:, 2] = change[:, 0]
    return np.concatenate([np.maximum(1 + change[:, :3], 0.1), np.clip(change[:, 3:] * 0.1, -0.5, 0.5)], axis=1)


def colour_matrix(change: np.ndarray, mean_luma: float) -> tuple[np.ndarray, float]:
    """Returns the 3×3 matrix and the offset, equal for the three channels, of one frame's changes (4,), in that order.

    `mean_luma` (0..255) is the grey that contrast blends with: the layer's mean before the jitter.
    """
    brightness, contrast, saturation, hue = change
    turn = -2 * np.pi * hue  # from red towards yellow, as in HSV
    chroma = np.eye(3)
    chroma[1:, 1:] = saturation * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = contrast * brightness * (_FROM_YIQ @ chroma @ _TO_YIQ)
    return matrix, float((1 - contrast) * brightness * mean_luma)


def mean_luma(rgb: np.ndarray, alpha: np.ndarray | None = None) -> float:
    """Returns the mean grey (0..255) of an RGB picture, or of what is visible of a layer premultiplied by `alpha`."""
    grey = float(np.dot(cv2.mean(rgb)[:3], _LUMA))
    return grey if alpha is None else grey / max(cv2.mean(alpha)[0] / 255, 1e-6)


def apply_jitter(rgb: np.ndarray, matrix: np.ndarray, offset: float, alpha: np.ndarray | None = None) -> np.ndarray:
    """Applies a `colour_matrix` to RGB (H, W, 3) uint8; to colours premultiplied by `alpha` (H, W) where given."""
    if alpha is None:
        return cv2.transform(rgb, np.column_stack([matrix, np.full(3, offset)]))
    alphas = cv2.merge([alpha, alpha, alpha])
    return cv2.min(cv2.addWeighted(cv2.transform(rgb, matrix), 1.0, alphas, offset / 255, 0), alphas)
