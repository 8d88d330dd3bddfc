"""Scenes under the sky, and lights at night."""

import cv2
import numpy as np

from data_pipeline.surfaces.colours import flat, hsv, mixed, natural, near, ramp
from data_pipeline.surfaces.noise import fractal, places, step, unit
from data_pipeline.surfaces.painting import painted


def _sky(rng: np.random.Generator, n: int) -> np.ndarray:
    _, y = places(n)
    hue = rng.normal(0.58, 0.03) if rng.random() < 0.8 else rng.uniform(0.0, 0.12)
    high, low = hsv(hue, rng.uniform(0.05, 0.65), rng.uniform(0.55, 0.95)), hsv(hue, rng.uniform(0, 0.25), 0.97)
    picture = ramp(np.clip(y + np.zeros((n, n), np.float32), 0, 1), high, low)
    clouds = step(fractal(rng, n, 2, 0.6, 2), rng.uniform(-0.5, 1.5), 1.5)
    return mixed(picture, near(rng, np.full(3, 0.95, np.float32), 0.04), clouds * np.float32(rng.uniform(0, 1)))


def landscape(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws sky, hills, trees, a meadow, water or a road."""
    picture = _sky(rng, n)
    _, y = places(n)
    horizon = rng.uniform(0.3, 0.75)
    for k in range(int(rng.integers(1, 4))):
        edge = y + np.float32(0.07) * fractal(rng, n, 3, 0.6, 0.4)[:1] - np.float32(horizon - 0.1 + 0.07 * k)
        tone = hsv(rng.normal(0.3, 0.06), rng.uniform(0.1, 0.5), 0.65 - 0.17 * k)
        rough = ramp(unit(fractal(rng, n, 8, 0.9)), tone * 0.6, np.clip(tone * 1.3, 0, 1))
        picture = mixed(picture, rough, step(edge, 0, 0.01))
    ground = painted(rng, max(n // 2, 32), str(rng.choice(["ground", "ground", "gravel", "stone"])))
    ground = cv2.resize(ground, (n, n), interpolation=cv2.INTER_LINEAR)
    picture = mixed(picture, ground, step(y + np.zeros((n, n), np.float32), horizon + 0.1, 0.03))
    for _ in range(int(rng.integers(0, 5))):
        _tree(rng, picture)
    return picture


def _tree(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Adds a tree: a trunk and a ragged crown that lets light through."""
    n = len(picture)
    x, y = places(n)
    cx, cy, size = rng.uniform(-0.1, 1.1), rng.uniform(0.1, 0.6), rng.uniform(0.1, 0.4)
    trunk = step(-np.abs(x - cx), -size * 0.06, 0.01) * step(y, cy, 0.02) * step(-y, -(cy + size * 1.6), 0.02)
    picture += (hsv(0.08, 0.4, 0.2) - picture) * trunk[..., None]
    rough = fractal(rng, n, 10, 0.9)
    crown = step(1 - np.hypot((x - cx) / size, (y - cy) / size) + np.float32(0.2) * rough, 0, 0.12)
    hue = rng.normal(0.28, 0.05) if rng.random() < 0.8 else rng.uniform(0.02, 0.12)
    leaves_ = ramp(unit(-rough), hsv(hue, 0.6, 0.08), hsv(hue, 0.6, 0.35), hsv(hue - 0.03, 0.55, 0.7))
    picture += (leaves_ - picture) * crown[..., None]


def street(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws houses with rows of windows under a piece of sky, cars and signs as blocks below."""
    picture = _sky(rng, n)
    left = -0.1
    while left < 1:
        width, top = rng.uniform(0.15, 0.5), rng.uniform(-0.3, 0.45)
        kind = str(rng.choice(["brick", "plaster", "plaster", "stone", "metal"]))
        front = painted(rng, 96, kind) * np.float32(rng.uniform(0.5, 1.1))
        panes = int(rng.integers(2, 6))
        dark, lit = np.array([0.15, 0.18, 0.22], np.float32), np.array([0.95, 0.8, 0.5], np.float32)
        step_ = 96 // panes
        for i in range(panes):
            for j in range(panes):
                tone = lit if rng.random() < 0.15 else dark * np.float32(rng.uniform(0.5, 3))
                front[j * step_ + step_ // 4 : (j + 1) * step_, i * step_ + step_ // 4 : (i + 1) * step_] = tone
        rows = slice(max(int(top * n), 0), int(0.85 * n))
        cols = slice(max(int(left * n), 0), min(int((left + width) * n), n))
        if rows.stop > rows.start and cols.stop > cols.start:
            shape = cols.stop - cols.start, rows.stop - rows.start
            picture[rows, cols] = cv2.resize(front, shape, interpolation=cv2.INTER_AREA)
        left += width
    picture[int(0.8 * n) :] = flat(near(rng, np.full(3, 0.35, np.float32), 0.2), n)[int(0.8 * n) :]
    for _ in range(int(rng.integers(0, 9))):
        x, y, w, h = rng.uniform(-0.1, 1), rng.uniform(0.5, 0.8), rng.uniform(0.03, 0.35), rng.uniform(0.05, 0.2)
        box = slice(int(y * n), int((y + h) * n)), slice(max(int(x * n), 0), max(int((x + w) * n), 0))
        picture[box] = natural(rng) * np.float32(rng.uniform(0.5, 1.2))
    return np.asarray(picture * (1 + 0.06 * fractal(rng, n, 6, 0.95))[..., None], np.float32)


def leaves(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws a hedge or branches near by, with sky or depth behind."""
    picture = painted(rng, n, "foliage")
    if rng.random() < 0.6:
        gaps = step(fractal(rng, n, rng.uniform(3, 8), 0.7), rng.uniform(0.3, 1.5), 0.3)
        picture = mixed(picture, _sky(rng, n), gaps)
    return picture


def bokeh(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws lights far out of focus before a dark or a bright scene."""
    base = hsv(rng.random(), rng.uniform(0.1, 0.6), rng.uniform(0.05, 0.5))
    picture = ramp(unit(fractal(rng, n, 2, 0.5)), base * 0.5, base, np.clip(base * 1.6, 0, 1))
    warm, size = rng.random(), rng.uniform(0.015, 0.07)
    for _ in range(int(rng.integers(10, 45))):
        radius = n * size * rng.uniform(0.6, 1.4)
        colour = hsv(warm + rng.normal(0, 0.1), rng.uniform(0, 0.8), rng.uniform(0.5, 1.0))
        x, y = rng.uniform(0, n, 2)
        low = max(int(y - radius), 0), max(int(x - radius), 0)
        part = picture[low[0] : int(y + radius) + 2, low[1] : int(x + radius) + 2]
        rows, cols = np.ogrid[low[0] : low[0] + part.shape[0], low[1] : low[1] + part.shape[1]]
        disc = np.clip(radius + 0.5 - np.hypot(rows - y, cols - x), 0, 1).astype(np.float32)
        part += colour * (disc[..., None] * np.float32(rng.uniform(0.1, 0.7)))
    return picture
