"""Small drawn things that prints, glazes and cloth repeat: flowers, leaves, dots, stars, hearts, paisley."""

import cv2
import numpy as np

from data_pipeline.surfaces.colours import flat, near, scheme

_BITS = 4


def outline(rng: np.random.Generator, kind: int) -> np.ndarray:
    """Draws the outline (k, 2) of a motif about the origin, of radius 1: disc, flower, star, leaf, heart, square."""
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    if kind == 0:
        radius = np.ones_like(t)
    elif kind == 1:
        radius = 0.65 + 0.35 * np.cos(t * int(rng.integers(4, 9)))
    elif kind == 2:
        radius = 0.45 + 0.55 * np.abs(np.cos(t * int(rng.integers(3, 8)) / 2)) ** 3
    elif kind == 3:
        return np.stack([np.cos(t), rng.uniform(0.25, 0.5) * np.sin(t) * (0.6 + 0.4 * np.cos(t))], 1)
    elif kind == 4:
        heart = np.stack([16 * np.sin(t) ** 3, -13 * np.cos(t) + 5 * np.cos(2 * t) + 2 * np.cos(3 * t)], 1)
        return heart / 17
    else:
        radius = 1 / np.maximum(np.abs(np.cos(t)), np.abs(np.sin(t))) * 0.8
    return np.stack([radius * np.cos(t), radius * np.sin(t)], 1)


def stamp(
    picture: np.ndarray, shape: np.ndarray, x: float, y: float, scale: float, angle: float, colour: np.ndarray
) -> None:
    """Fills a motif into a picture (n, n, 3) at x, y with the radius `scale`, in pixels."""
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    points = shape @ np.array([[c, s], [-s, c]]) + (x, y)
    fill(picture, points, colour)


def fill(picture: np.ndarray, points: np.ndarray, colour: np.ndarray) -> None:
    """Fills an outline (k, 2) in pixels with a colour, antialiased."""
    # OpenCV antialiases bytes alone.
    low = np.maximum(np.floor(points.min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(points.max(0)).astype(int) + 2, picture.shape[1::-1])
    if (high <= low).any():
        return
    mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    cv2.fillPoly(mask, [np.rint((points - low) * (1 << _BITS)).astype(np.int32)], 255, cv2.LINE_AA, _BITS)
    part = picture[low[1] : high[1], low[0] : high[0]]
    part += (np.asarray(colour, np.float32) - part) * (mask[..., None] * np.float32(1 / 255))


def scatter(rng: np.random.Generator, picture: np.ndarray, colours: list[np.ndarray], per_side: int) -> None:
    """Stamps flowers with hearts and leaves, or plain motifs, about `per_side`² of them, in rows or at random."""
    n = len(picture)
    kind = int(rng.integers(6))
    shapes = [outline(rng, kind)] if rng.random() < 0.6 else [outline(rng, k) for k in (1, 3, kind)]
    scale, regular, turned = n / per_side * rng.uniform(0.2, 0.5), rng.random() < 0.5, rng.random() < 0.6
    rows, cols = np.mgrid[0:per_side, 0:per_side]
    x, y = (cols.ravel() + 0.5 * (rows.ravel() % 2) + 0.25), rows.ravel() + 0.5
    centres = np.stack([x, y], 1) / per_side * n
    if not regular:
        centres = centres + rng.normal(0, 0.3 * n / per_side, centres.shape)
    for cx, cy in centres:
        shape = shapes[int(rng.integers(len(shapes)))]
        angle = rng.uniform(0, 2 * np.pi) if turned else 0.0
        size = scale * (1 if regular else rng.uniform(0.5, 1.3))
        colour = colours[int(rng.integers(len(colours)))]
        stamp(picture, shape, cx, cy, size, angle, colour)
        if kind in (1, 2):
            stamp(picture, outline(rng, 0), cx, cy, 0.3 * size, 0.0, np.clip(colour * 0.5 + 0.3, 0, 1))


def stamped(rng: np.random.Generator, n: int, ground: np.ndarray | None = None) -> np.ndarray:
    """Draws a ground with motifs on it, float32 (n, n, 3)."""
    first, *colours = scheme(rng, int(rng.integers(2, 5)))
    picture = flat(first if ground is None else ground, n)
    scatter(rng, picture, [near(rng, c, 0.05) for c in colours], int(rng.integers(3, 9)))
    return picture
