"""What is behind a head: walls, windows, shelves, foliage, streets, all somewhat out of focus."""

import cv2
import numpy as np

from data_pipeline.drawn import palette
from data_pipeline.drawn.fields import grid, noise

_N = 96


def draw(rng: np.random.Generator) -> np.ndarray:
    """Returns a background as a small picture (3, n, n) float32 in [0, 1], to be enlarged to any size."""
    painters = (_gradient, _gradient, _bokeh, _window, _shelf, _foliage, _landscape, _pattern, _clutter)
    picture = painters[rng.integers(len(painters))](rng)
    picture *= rng.uniform(0.6, 1.1) + rng.uniform(0, 0.4) * (noise(rng, _N, 2, 1)[..., None] - 0.5)
    blur = rng.choice([0.4, 1.0, 2.5])
    picture = cv2.GaussianBlur(picture, (0, 0), float(blur))
    return np.ascontiguousarray(np.clip(picture, 0, 1).transpose(2, 0, 1))


def _flat(colour: palette.Colour) -> np.ndarray:
    return np.full((_N, _N, 3), colour, np.float32)


def _mix(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(a + (b - a) * t[..., None], np.float32)


def _gradient(rng: np.random.Generator) -> np.ndarray:
    x, y = grid((-0.5, -0.5, 0.5, 0.5), _N)
    angle = rng.uniform(0, 2 * np.pi)
    t = np.clip(0.5 + x * np.cos(angle) + y * np.sin(angle) + 0.3 * (noise(rng, _N, 3) - 0.5), 0, 1)
    colour = palette.muted(rng)
    return _mix(_flat(colour), _flat(palette.near(rng, colour * rng.uniform(0.5, 1.3), 0.1)), t)


def _bokeh(rng: np.random.Generator) -> np.ndarray:
    picture = _flat(palette.hsv(rng.random(), rng.uniform(0.2, 0.6), rng.uniform(0.05, 0.4))).copy()
    warm = rng.random()
    for _ in range(int(rng.integers(12, 40))):
        colour = palette.hsv((warm + rng.normal(0, 0.08)) % 1, rng.uniform(0.1, 0.8), rng.uniform(0.4, 1.0))
        disc = np.zeros((_N, _N), np.uint8)
        centre = [int(v) for v in rng.uniform(0, _N * 16, 2)]
        cv2.circle(disc, centre, int(rng.uniform(2, 10) * 16), 255, -1, cv2.LINE_AA, 4)
        picture += (colour - picture) * (disc[..., None] * np.float32(rng.uniform(0.2, 0.8) / 255))
    return cv2.GaussianBlur(picture, (0, 0), 1.0)


def _box(picture: np.ndarray, left: float, top: float, right: float, bottom: float, colour: palette.Colour) -> None:
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)]) * _N
    cv2.fillPoly(picture, [np.rint(corners * 16).astype(np.int32)], [float(c) for c in colour], cv2.LINE_8, 4)


def _window(rng: np.random.Generator) -> np.ndarray:
    wall = palette.muted(rng) * 0.8
    picture = _mix(_flat(wall), _flat(wall * 0.7), noise(rng, _N, 2)).copy()
    outside = palette.hsv(rng.uniform(0.5, 0.65), rng.uniform(0, 0.3), 0.95)
    left, top = rng.uniform(-0.2, 0.6), rng.uniform(-0.3, 0.15)
    width, height = rng.uniform(0.35, 0.7), rng.uniform(0.5, 0.9)
    _box(picture, left - 0.03, top - 0.03, left + width + 0.03, top + height + 0.03, np.clip(wall * 1.4, 0, 1))
    _box(picture, left, top, left + width, top + height, outside)
    _box(picture, left, top + height * 0.7, left + width, top + height, palette.hsv(0.3, 0.4, rng.uniform(0.3, 0.7)))
    for k in range(1, int(rng.integers(2, 4))):
        bar = left + width * k / 3
        _box(picture, bar - 0.012, top, bar + 0.012, top + height, np.clip(wall * 1.3, 0, 1))
    _box(picture, left, top + height * 0.45, left + width, top + height * 0.45 + 0.024, np.clip(wall * 1.3, 0, 1))
    return picture


def _shelf(rng: np.random.Generator) -> np.ndarray:
    wood = palette.hsv(rng.uniform(0.05, 0.11), rng.uniform(0.2, 0.6), rng.uniform(0.2, 0.8))
    picture = _flat(wood * 0.35).copy()
    rows = int(rng.integers(3, 6))
    for row in range(rows):
        floor, x = (row + 0.95) / rows, -0.05 * rng.random()
        while x < 1:
            width = rng.uniform(0.02, 0.07)
            if rng.random() < 0.88:
                book = palette.hsv(rng.random(), rng.uniform(0.1, 0.8), rng.uniform(0.15, 0.85))
                top = floor - rng.uniform(0.55, 0.85) / rows
                _box(picture, x, top, x + width, floor, book)
                _box(picture, x, top + 0.03, x + width, top + 0.045, np.clip(book * 1.5, 0, 1))
            x += width + 0.003
        _box(picture, 0, floor, 1, floor + 0.06 / rows + 0.012, wood)
    return picture


def _foliage(rng: np.random.Generator) -> np.ndarray:
    hue = rng.uniform(0.17, 0.36) if rng.random() < 0.8 else rng.uniform(0.02, 0.12)
    leaves = np.clip((noise(rng, _N, 9, 4, 0.7) - 0.5) * 2.4 + 0.5, 0, 1)
    picture = _mix(
        _flat(palette.hsv(hue, 0.7, 0.1)), _flat(palette.hsv(hue + 0.03, 0.6, rng.uniform(0.4, 0.8))), leaves
    )
    sky = np.clip((noise(rng, _N, 5, 3) - rng.uniform(0.55, 0.75)) * 6, 0, 1)
    return _mix(picture, _flat(np.array([0.93, 0.97, 1.0])), sky)


def _landscape(rng: np.random.Generator) -> np.ndarray:
    _, y = grid((0, 0, 1, 1), _N)
    sky = palette.hsv(
        rng.uniform(0.52, 0.63) if rng.random() < 0.75 else rng.uniform(0.0, 0.1),
        rng.uniform(0.05, 0.6),
        rng.uniform(0.6, 1.0),
    )
    ground = palette.hsv(rng.uniform(0.05, 0.4), rng.uniform(0.1, 0.6), rng.uniform(0.15, 0.6))
    picture = _mix(_flat(sky), _flat(np.array([0.95, 0.95, 0.95])), np.clip((noise(rng, _N, 4, 4) - 0.5) * 4, 0, 0.8))
    horizon = rng.uniform(0.35, 0.8)
    land = np.clip((y - horizon + 0.08 * (noise(rng, _N, 6, 2) - 0.5)) * 40, 0, 1)
    picture = _mix(picture, _flat(ground) * (0.6 + 0.8 * noise(rng, _N, 10)[..., None]), land)
    for _ in range(int(rng.integers(0, 9))):
        left, width = rng.uniform(-0.1, 1), rng.uniform(0.06, 0.25)
        _box(picture, left, horizon - rng.uniform(0.05, 0.5), left + width, horizon + 0.06, palette.muted(rng) * 0.7)
    return picture


def _pattern(rng: np.random.Generator) -> np.ndarray:
    x, y = grid((0, 0, 1, 1), _N)
    colour = palette.muted(rng)
    other = palette.near(rng, colour * rng.uniform(0.6, 1.4), 0.2)
    rate, kind = rng.uniform(4, 16), rng.integers(3)
    if kind == 0:  # tiles
        t = ((x * rate) % 1 < 0.06) | ((y * rate) % 1 < 0.06)
    elif kind == 1:  # bricks
        row = np.floor(y * rate)
        t = ((x * rate * 0.5 + 0.5 * (row % 2)) % 1 < 0.04) | ((y * rate) % 1 < 0.09)
    else:  # stripes
        t = (x * rate + 0 * y) % 1 < 0.5
    picture = _mix(_flat(colour), _flat(other), t.astype(np.float32))
    return picture * (0.75 + 0.5 * noise(rng, _N, 8, 3)[..., None])


def _clutter(rng: np.random.Generator) -> np.ndarray:
    """A room: boxes of many colours before a wall."""
    picture = _gradient(rng).copy()
    for _ in range(int(rng.integers(6, 22))):
        left, top = rng.uniform(-0.2, 1, 2)
        _box(
            picture,
            left,
            top,
            left + rng.uniform(0.05, 0.5),
            top + rng.uniform(0.05, 0.6),
            palette.muted(rng) * rng.uniform(0.4, 1),
        )
    return picture
