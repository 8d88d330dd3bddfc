"""Wrinkles, painted on the plane before the face: forehead, crow's feet, and the folds beside the nose."""

import cv2
import numpy as np

from data_pipeline.people.brows import PAINT_SHAPE, to_paint
from data_pipeline.people.geometry import Floats, floats


def paint_wrinkles(rng: np.random.Generator, strength: float) -> Floats:
    """Paints wrinkles; `strength` 0 is young skin with the faint folds that everyone has, 1 is old."""
    picture: Floats = np.zeros(PAINT_SHAPE, np.float32)
    if strength > 0.15:
        _forehead(rng, picture, strength)
        _eyes(rng, picture, strength)
        picture = floats(cv2.GaussianBlur(picture, (0, 0), 1.5))
    for side in (-1, 1):
        t = np.linspace(0, 1, 14)
        fold = np.zeros_like(picture)
        _draw(fold, side * (0.22 + 0.14 * t + 0.02 * np.sin(t * 3)), 6.93 - 0.32 * t, 1.0, 3)
        picture += cv2.GaussianBlur(fold, (0, 0), 5) * (0.25 + 0.9 * strength) * 0.6
    return picture


def _forehead(rng: np.random.Generator, picture: Floats, strength: float) -> None:
    x = np.linspace(-0.62, 0.62, 30)
    for _ in range(int(4 + 8 * strength)):
        y = rng.uniform(7.68, 8.1) + 0.05 * np.cos(x * 3) + 0.012 * np.cumsum(rng.normal(0, 0.3, 30))
        first, end = sorted(rng.integers(0, 30, 2))
        if end - first > 6:
            _draw(picture, x[first:end], y[first:end], strength * rng.uniform(0.3, 1), 2)


def _eyes(rng: np.random.Generator, picture: Floats, strength: float) -> None:
    for side in (-1, 1):
        for _ in range(int(3 + 7 * strength)):
            angle, length = rng.uniform(-0.7, 0.6), rng.uniform(0.08, 0.2)
            radii, angles = np.array([0.19, 0.19 + length]), np.array([angle, angle * 1.1])
            x, y = side * (0.34 + radii * np.cos(angles)), 7.26 + radii * np.sin(angles)
            _draw(picture, x, y, 0.7 * strength, 1)


def _draw(picture: Floats, x: np.ndarray, y: np.ndarray, value: float, thickness: int) -> None:
    points = np.stack(to_paint(x, y), -1).astype(np.int32)
    cv2.polylines(picture, [points], False, float(value), thickness, cv2.LINE_AA)
