"""Outlines as (n, 2) arrays of x, y: all geometry is made here in unit coordinates and rasterised by `Canvas`."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

Points = np.ndarray


@lru_cache(maxsize=256)
def _spline(count: int, steps: int, loop: bool) -> np.ndarray:
    """The matrix that takes `count` points to the samples of a Catmull-Rom spline through them."""
    t = np.arange(steps)[:, None] / steps
    weights = 0.5 * np.concatenate(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2], 1
    )
    # An open curve goes through its ends: the points beyond them are mirrored.
    points = np.eye(count)
    if loop:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    samples = np.concatenate([weights @ padded[k : k + 4] for k in range(len(padded) - 3)])
    return samples if loop else np.concatenate([samples, points[-1:]])


def closed(points: Sequence[Any] | Points, steps: int = 8) -> Points:
    """Returns a smooth closed curve (Catmull-Rom) through points (..., n, 2), `steps` samples a segment."""
    points = np.asarray(points, float)
    return np.asarray(_spline(points.shape[-2], steps, True) @ points)


def opened(points: Sequence[Any] | Points, steps: int = 8) -> Points:
    """Returns a smooth open curve through points (..., n, 2), both ends included."""
    points = np.asarray(points, float)
    return np.asarray(_spline(points.shape[-2], steps, False) @ points)


@lru_cache
def _circle(n: int) -> Points:
    t = np.arange(n) * (2 * np.pi / n)
    return np.stack([np.cos(t), np.sin(t)], 1)


_HALF_CIRCLE = _circle(16)[np.arange(-4, 5)]  # around the x axis


def ellipse(centre: Sequence[Any] | Points, rx: float, ry: float, angle: float = 0.0, n: int = 28) -> Points:
    """Returns the outline of an ellipse; `angle` in radians turns its x radius."""
    points = _circle(n) * (rx, ry)
    return np.asarray((rotated(points, angle) if angle else points) + centre)


def rounded_box(width: float, height: float, radius: float, n: int = 5) -> Points:
    """Returns a rectangle around the origin with rounded corners."""
    t = np.linspace(0, np.pi / 2, n)
    corner = radius * np.stack([np.cos(t), np.sin(t)], 1)
    x, y = width / 2 - radius, height / 2 - radius
    return np.concatenate(
        [rotated(corner, k * np.pi / 2) + c for k, c in enumerate([(x, y), (-x, y), (-x, -y), (x, -y)])]
    )


def rotated(points: Points, angle: float) -> Points:
    """Returns the points turned about the origin by `angle` radians (from x towards y, clockwise on the screen)."""
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[c, s], [-s, c]]))


def shifted(points: Points, x: float, y: float) -> Points:
    """Returns the points moved by x and y."""
    return np.asarray(points + np.array([x, y]))


def mirrored(half: Points) -> Points:
    """Returns the right half of an outline, from top to bottom, and back up on the left."""
    return np.concatenate([half, half[::-1] * (-1, 1)])


def both_sides(points: Sequence[tuple[float, float]]) -> Points:
    """Points of the right side as (2, n, 2), the left side first."""
    return np.asarray(np.array(points) * np.array([[(-1, 1)], [(1, 1)]]))


def ribbon(path: Points, width: float | Points) -> Points:
    """Returns the outline of a band along open paths (..., n, 2); `width` is full and may vary from point to point."""
    padded = np.concatenate([path[..., :1, :], path, path[..., -1:, :]], -2)
    along = padded[..., 2:, :] - padded[..., :-2, :]
    along *= (np.asarray(width) / 2 / np.maximum(np.hypot(along[..., 0], along[..., 1]), 1e-9))[..., None]
    side = along[..., ::-1] * (-1, 1)
    return np.concatenate([path + side, (path - side)[..., ::-1, :]], -2)


def capsule(a: Points, b: Points, ra: float, rb: float) -> Points:
    """Returns the outline of a bar from `a` to `b` with round ends of radii `ra` and `rb`, which differ little."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = max(math.hypot(dx, dy), 1e-9)
    end = _HALF_CIRCLE @ (np.array([[dx, dy], [-dy, dx]]) / length)
    return np.concatenate([b + rb * end, a - ra * end])


class Fit:
    """The similarity that brings points into the unit square: turned by `angle`, scaled and centred with a margin.

    Calling it maps points; `scale` is how many units of the canvas one unit of the geometry becomes.
    """

    def __init__(self, points: Points, angle: float = 0.0, margin: float = 0.04):
        turned = rotated(np.asarray(points, float), angle)
        low, high = turned.min(0), turned.max(0)
        self.angle = angle
        self.scale = (1 - 2 * margin) / max(float((high - low).max()), 1e-9)
        self.offset = 0.5 - self.scale * (low + high) / 2

    def __call__(self, points: Points) -> Points:
        return np.asarray(rotated(np.asarray(points, float), self.angle) * self.scale + self.offset)

    def matrix(self, box: tuple[float, float, float, float]) -> np.ndarray:
        """Returns the 2x3 matrix from a field over `box` (x0, y0, x1, y1 of the geometry), as 0..1, to the canvas."""
        x0, y0, x1, y1 = box
        corners = self(np.array([[x0, y0], [x1, y0], [x0, y1]]))
        return np.stack([corners[1] - corners[0], corners[2] - corners[0], corners[0]], 1)
