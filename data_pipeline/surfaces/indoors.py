"""Scenes indoors: walls with what hangs on them, rooms in perspective, shelves."""

import cv2
import numpy as np

from data_pipeline.surfaces.colours import flat, natural, near
from data_pipeline.surfaces.motifs import fill
from data_pipeline.surfaces.noise import fractal, places, smooth, step
from data_pipeline.surfaces.outdoors import landscape
from data_pipeline.surfaces.painting import painted


def wall(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws a wall near by: paint, paper, brick or wood, a shadow on it, a corner, a picture, a door, a switch."""
    kind = str(rng.choice(["plain", "plaster", "plaster", "brick", "wood", "tiles", "stone", "fabric"]))
    if kind == "plain":
        paint = near(rng, np.full(3, 0.85, np.float32), 0.08) if rng.random() < 0.5 else natural(rng)
        picture = flat(paint, n) * (1 + 0.015 * fractal(rng, n, 3, 0.8))[..., None]
    else:
        picture = painted(rng, n, kind)
    x, y = places(n)
    for _ in range(int(rng.integers(0, 3))):
        _hang(rng, picture)
    if rng.random() < 0.3:
        side = step(x + np.float32(rng.normal(0, 0.03)) * y, rng.uniform(0.1, 0.9), 0.01)
        picture = picture * (1 - np.float32(rng.uniform(-0.3, 0.4)) * side)[..., None]
    if rng.random() < 0.6:
        picture = picture * _shadow(rng, n)[..., None]
    return np.asarray(picture, np.float32)


def _shadow(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws the light that shadows of a person, a blind, a window or leaves leave, in [0, 1], (n, n)."""
    kind = rng.integers(4)
    x, y = places(n)
    if kind == 0:
        dark = np.zeros((n, n, 3), np.float32)
        t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        centre, reach = rng.uniform(0.2, 0.8, 2) * n, rng.uniform(0.12, 0.3) * n
        fill(dark, np.stack([np.cos(t), 1.3 * np.sin(t)], 1) * reach + centre, np.ones(3, np.float32))
        body = np.array([[-1.6, 6], [-1.6, 2.2], [-0.5, 1.2], [0.5, 1.2], [1.6, 2.2], [1.6, 6]])
        fill(dark, body * reach + centre, np.ones(3, np.float32))
        shade = dark[..., 0]
    elif kind == 1:
        lean = np.float32(rng.normal(0, 0.4))
        shade = step(np.sin(2 * np.pi * (y + lean * x) * rng.uniform(3, 12)), rng.uniform(-0.5, 0.5), 0.2)
    elif kind == 2:
        lean = np.float32(rng.normal(0, 0.3))
        u, v = x + lean * y, y + lean * x
        left, top = rng.uniform(0, 0.6, 2)
        inside = (u > left) & (u < left + 0.4) & (v > top) & (v < top + 0.5) & (np.abs(u - left - 0.2) > 0.02)
        shade = 1 - inside.astype(np.float32)
    else:
        shade = step(fractal(rng, n, 5, 0.7), 0, 0.3)
    return 1 - np.float32(rng.uniform(0.15, 0.7)) * smooth(shade + 0 * x + 0 * y, n * rng.uniform(0.004, 0.06))


def _hang(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Hangs something on a wall: a framed picture, a door, a switch, a shelf."""
    n = len(picture)
    width, height = rng.uniform(0.1, 0.5, 2)
    left, top = rng.uniform(-0.15, 1.0 - width / 2), rng.uniform(-0.2, 1.0 - height / 2)
    frame = natural(rng)
    _quad(picture, left + 0.015, top + 0.02, width, height, frame * 0.25, 0.6)
    _quad(picture, left, top, width, height, frame)
    rim = rng.uniform(0.01, 0.03)
    _paste(picture, left + rim, top + rim, width - 2 * rim, height - 2 * rim, painted(rng, 64, _shown(rng)))
    if n and rng.random() < 0.3:
        _quad(picture, rng.random(), rng.random(), 0.04, 0.05, np.full(3, 0.92, np.float32))


def _shown(rng: np.random.Generator) -> str:
    return str(rng.choice(["print", "print", "wood", "fabric", "metal", "foliage", "text"]))


def _quad(
    picture: np.ndarray, left: float, top: float, width: float, height: float, colour: np.ndarray, share: float = 1.0
) -> None:
    n = len(picture)
    rows, cols = _span(top, height, n), _span(left, width, n)
    part = picture[rows, cols]
    part += (np.asarray(colour, np.float32) - part) * np.float32(share)


def _paste(picture: np.ndarray, left: float, top: float, width: float, height: float, what: np.ndarray) -> None:
    n = len(picture)
    rows, cols = _span(top, height, n), _span(left, width, n)
    part = picture[rows, cols]
    if part.size:
        part[:] = cv2.resize(what, part.shape[1::-1], interpolation=cv2.INTER_AREA)


def _span(start: float, length: float, n: int) -> slice:
    return slice(min(max(int(start * n), 0), n), min(max(int((start + length) * n), 0), n))


def room(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws a room in perspective: three walls, floor and ceiling, a window, lamps, furniture."""
    walls = natural(rng) if rng.random() < 0.4 else near(rng, np.full(3, rng.uniform(0.5, 0.95), np.float32), 0.05)
    picture = flat(walls * 1.05, n)
    cx, cy, deep = rng.uniform(0.2, 0.8), rng.uniform(0.3, 0.6), rng.uniform(0.25, 0.8)
    far = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * deep + np.array([cx, cy]) * (1 - deep)
    near_corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    floor = painted(rng, 96, str(rng.choice(["wood", "tiles", "fabric", "stone"])))
    for k, light in ((3, 0.7), (1, 0.85)):
        side = np.array([far[k], far[(k + 1) % 4], near_corners[(k + 1) % 4], near_corners[k]])
        fill(picture, side * n, walls * light)
    _project(picture, floor, np.array([far[3], far[2], near_corners[2], near_corners[3]]) * n)
    back = painted(rng, 96, "plaster") if rng.random() < 0.4 else flat(walls * rng.uniform(0.7, 1.1), 96)
    _project(picture, back, far * n)
    if rng.random() < 0.6:
        _window(rng, picture)
    for _ in range(int(rng.integers(1, 6))):
        width, height = rng.uniform(0.08, 0.4), rng.uniform(0.1, 0.5)
        left, top = rng.uniform(-0.1, 0.9), rng.uniform(0.9, 1.2) - height * rng.uniform(0.8, 1.6)
        _quad(picture, left + 0.02, top + height * 0.6, width, height * 0.5, np.zeros(3, np.float32), 0.35)
        _paste(picture, left, top, width, height, painted(rng, 64) * np.float32(rng.uniform(0.4, 1)))
    for _ in range(int(rng.integers(0, 4))):
        _lamp(rng, picture)
    return picture


def _project(picture: np.ndarray, what: np.ndarray, corners: np.ndarray) -> None:
    """Lays a surface (m, m, 3) over the quadrangle of `corners` (4, 2), clockwise from the upper left, in pixels."""
    m, n = len(what), len(picture)
    source = np.array([[0, 0], [m, 0], [m, m], [0, m]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    seen = np.zeros((n, n), np.uint8)
    cv2.fillPoly(seen, [np.rint(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    laid = cv2.warpPerspective(what, matrix, (n, n), borderMode=cv2.BORDER_REFLECT_101)
    picture += (laid - picture) * (seen[..., None] * np.float32(1 / 255))


def _window(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Cuts a window into a wall: bright outside, bars, a curtain."""
    width, height = rng.uniform(0.2, 0.55), rng.uniform(0.3, 0.8)
    left, top = rng.uniform(-0.15, 0.75), rng.uniform(-0.2, 0.25)
    outside = landscape(rng, 64) if rng.random() < 0.6 else flat(near(rng, np.array([0.95, 0.98, 1.0]), 0.04), 64)
    outside = np.asarray(outside + np.float32(rng.uniform(0.1, 0.5)), np.float32)
    frame = near(rng, np.full(3, float(rng.choice([0.15, 0.9, 0.9])), np.float32), 0.1)
    _quad(picture, left - 0.02, top - 0.02, width + 0.04, height + 0.04, frame)
    _paste(picture, left, top, width, height, outside)
    for k in range(1, int(rng.integers(1, 4))):
        _quad(picture, left + width * k / 3, top, 0.015, height, frame)
    _quad(picture, left, top + height * rng.uniform(0.3, 0.6), width, 0.015, frame)
    if rng.random() < 0.4:
        _paste(picture, left - 0.05, top - 0.05, width * 0.35, height + 0.15, painted(rng, 48, "fabric"))


def _lamp(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Adds a lamp and its glow."""
    n = len(picture)
    x, y = places(n)
    cx, cy, size = rng.random(), rng.uniform(0, 0.7), rng.uniform(0.01, 0.05)
    away = np.hypot(x - cx, y - cy)
    glow = step(-away, -size, 0.01) + np.float32(0.35) * np.exp(-away / (size * 4))
    picture += glow[..., None] * np.array([1.0, rng.uniform(0.7, 0.95), rng.uniform(0.4, 0.9)], np.float32)


def shelves(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws shelves with books, boxes, jars, plants."""
    picture = painted(rng, n, "wood") * np.float32(0.3)
    board = painted(rng, 64, "wood") * np.float32(rng.uniform(0.6, 1.1))
    store = [painted(rng, 48, kind) for kind in ("print", "print", "leather", "ceramic", "text", "plastic")]
    rows = int(rng.integers(2, 6))
    for row in range(rows):
        floor, x = (row + 0.93) / rows, -0.05
        while x < 1:
            book = rng.random() < 0.75
            width = rng.uniform(0.15, 0.3) / rows if book else rng.uniform(0.25, 0.8) / rows
            height = rng.uniform(0.5, 0.85) / rows if book else rng.uniform(0.2, 0.7) / rows
            if rng.random() < 0.85:
                what = (
                    store[int(rng.integers(len(store)))] * natural(rng) * np.float32(1.4)
                    if book
                    else store[int(rng.integers(len(store)))]
                )
                round_ = 1 - np.linspace(-1, 1, 48, dtype=np.float32)[None, :, None] ** 2 * np.float32(0.5)
                _paste(picture, x, floor - height, width, height, np.asarray(what * round_, np.float32))
            x += width + 0.004
        _paste(picture, 0, floor, 1, 0.06 / rows + 0.01, board)
    return picture
