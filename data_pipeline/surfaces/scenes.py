"""What is behind people in photographs: studios, walls, rooms, shelves, streets, parks; sharp or out of focus."""

from collections.abc import Callable

import cv2
import numpy as np

from data_pipeline.surfaces.colours import hsv, mixed, natural, near, ramp, skin_like, strong
from data_pipeline.surfaces.indoors import room, shelves, wall
from data_pipeline.surfaces.light import falling
from data_pipeline.surfaces.noise import fractal, places, step, unit
from data_pipeline.surfaces.outdoors import bokeh, landscape, leaves, street
from data_pipeline.surfaces.painting import painted

_WORK = 256  # the side that scenes are drawn at


def background(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draws a scene as a photograph shows it behind its subject.

    Args:
        rng: the generator; the same one gives the same scene at every size.
        height, width: in pixels. A scene is square and is cut to the frame, it is not stretched.

    Returns:
        uint8 (height, width, 3), RGB.
    """
    scene = np.clip(drawn(rng), 0, 1)
    side = max(height, width)
    shrinks = side < len(scene)
    scene = cv2.resize(scene, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    top, left = (side - height) // 2, (side - width) // 2
    cut = np.clip(scene[top : top + height, left : left + width], 0, 1)
    return np.asarray(cv2.convertScaleAbs(cut, alpha=255))


def drawn(rng: np.random.Generator, n: int = _WORK) -> np.ndarray:
    """Draws a scene as float32 (n, n, 3), mostly in [0, 1]."""
    painter = _SCENES[int(np.searchsorted(_SHARES, rng.random()))]
    picture = painter(rng, n)
    kind = rng.random()
    if kind > 0.35:
        picture = defocused(picture, n * rng.uniform(0.003, 0.012) if kind < 0.65 else n * rng.uniform(0.012, 0.05))
    if painter is studio:
        return picture
    return np.asarray(picture * falling(rng, n, rng.uniform(0, 0.4)) * np.float32(rng.uniform(0.6, 1.15)), np.float32)


def defocused(picture: np.ndarray, radius: float) -> np.ndarray:
    """Blurs as a lens does: a disc of `radius` pixels, in which lights stay bright."""
    size = 2 * int(np.ceil(radius)) + 1
    if size < 3:
        return picture
    y, x = np.mgrid[:size, :size] - size // 2
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    bright = np.clip(picture, 0, 1.5) ** 2  # near enough to linear light
    return np.asarray(np.sqrt(cv2.filter2D(bright, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT_101)))


def studio(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws a studio's backdrop: white, grey or coloured, a spot of light on it, a vignette, mottled canvas."""
    level = float(rng.choice([0.97, 0.9, 0.8, 0.65, 0.5, 0.35, 0.15, 0.04])) * rng.uniform(0.92, 1.03)
    grey = np.full(3, level, np.float32)
    colour = near(rng, grey, 0.02) if rng.random() < 0.7 else natural(rng)
    x, y = places(n)
    cx, cy = rng.uniform(0.1, 0.9), rng.uniform(0, 0.9)
    spot = np.exp(-(np.hypot((x - cx) * rng.uniform(0.7, 1.3), y - cy) ** 2) / rng.uniform(0.1, 1.0))
    slope = rng.normal(0, 0.12) * (x - 0.5) + rng.normal(0, 0.15) * (y - 0.5)
    light = 1 + rng.uniform(-0.1, 0.7) * (spot - 0.5) + slope
    if rng.random() < 0.25:  # painted canvas
        light = light * (1 + rng.uniform(0.03, 0.15) * fractal(rng, n, 3, 0.55))
    if rng.random() < 0.15:  # the edge of the paper, or a table
        line = y + np.float32(rng.normal(0, 0.05)) * x
        light = light * (1 - rng.uniform(0.05, 0.4) * step(line, rng.uniform(0.6, 0.95), rng.uniform(0.005, 0.1)))
    return np.asarray(colour * light[..., None], np.float32)


def textured(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws one surface that fills the frame."""
    return painted(rng, n)


def clutter(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws many things over each other: boxes, discs and blobs with surfaces, each with a shadow."""
    picture = painted(rng, n, str(rng.choice(["plaster", "wood", "fabric", "ground"])))
    t = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    for _ in range(int(rng.integers(5, 14))):
        centre, reach = rng.uniform(-0.05, 1.05, 2) * n, rng.uniform(0.05, 0.25) * n
        kind = rng.integers(3)
        if kind == 0:
            shape = cv2.boxPoints(((0, 0), (2 * rng.uniform(0.4, 1.2), 2.0), float(rng.uniform(0, 90))))
        else:
            bumps = 1 + (0.25 * np.cos(t * int(rng.integers(2, 5)) + rng.uniform(0, 6)) if kind == 2 else 0)
            shape = np.stack([np.cos(t), np.sin(t)], 1) * np.broadcast_to(bumps, t.shape)[:, None]
        points = np.asarray(shape) * reach + centre
        shadow = np.zeros((n, n), np.uint8)
        cv2.fillPoly(shadow, [np.rint((points + reach * 0.12) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        soft = cv2.GaussianBlur(shadow, (0, 0), max(reach * 0.08, 0.5))
        picture *= (1 - soft * np.float32(0.5 / 255))[..., None]
        _project_shape(picture, painted(rng, 64), points)
    return picture


def _project_shape(picture: np.ndarray, what: np.ndarray, points: np.ndarray) -> None:
    """Fills an outline (k, 2), in pixels, with a surface (m, m, 3) that spans its bounding box."""
    n = len(picture)
    low, high = points.min(0), points.max(0)
    first = np.maximum(np.floor(low).astype(int), 0)
    last = np.minimum(np.ceil(high).astype(int) + 1, n)
    if (last <= first).any():
        return
    size = last - first
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(mask, [np.rint((points - first) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    part = picture[first[1] : last[1], first[0] : last[0]]
    laid = cv2.resize(what, (int(size[0]), int(size[1])), interpolation=cv2.INTER_LINEAR)
    part += (laid - part) * (mask[..., None] * np.float32(1 / 255))


def haze(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws nothing in particular, far out of focus: patches of colours that go into each other."""
    colours = [skin_like(rng) if rng.random() < 0.2 else natural(rng) for _ in range(4)]
    picture = ramp(unit(fractal(rng, n, rng.uniform(1.5, 4), 0.4), 0.3), *colours)
    return mixed(picture, strong(rng) if rng.random() < 0.5 else hsv(0.1, 0.1, 0.9), unit(fractal(rng, n, 2, 0.4), 0.2))


_WEIGHTED: dict[Callable[[np.random.Generator, int], np.ndarray], float] = {
    studio: 3.5,
    wall: 3.0,
    room: 3.0,
    shelves: 1.2,
    landscape: 1.5,
    street: 1.5,
    leaves: 1.2,
    bokeh: 1.2,
    textured: 1.2,
    clutter: 2.0,
    haze: 1.5,
}
_SCENES = tuple(_WEIGHTED)
_SHARES = np.cumsum(np.array(list(_WEIGHTED.values())) / sum(_WEIGHTED.values()))
