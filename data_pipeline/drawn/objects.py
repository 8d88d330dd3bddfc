"""Things of all sorts with surfaces like photographs: parts shaded by the relief that their outlines suggest."""

from collections.abc import Sequence

import cv2
import numpy as np

from data_pipeline.drawn import animals, containers
from data_pipeline.drawn.canvas import Canvas, Surface
from data_pipeline.drawn.curves import Fit, Points
from data_pipeline.drawn.fields import Light
from data_pipeline.drawn.materials import Materials, N
from data_pipeline.drawn.part import Part
from data_pipeline.drawn.silhouettes import SILHOUETTES
from data_pipeline.surfaces.light import windows

_SHARES = np.cumsum([weight for _, weight in SILHOUETTES]) / sum(weight for _, weight in SILHOUETTES)


def thing(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a thing of random shape and surface, its edge sharp, soft or out of focus."""
    _paint(rng, canvas, SILHOUETTES[int(np.searchsorted(_SHARES, rng.random()))][0](rng))


def dish(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a cup or a bowl of random surface, mostly with something in it."""
    _paint(rng, canvas, containers.dish(rng))


def animal(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws the head of an animal, more seldom all of it, of random surface."""
    _paint(rng, canvas, (animals.animal_head if rng.random() < 0.75 else animals.animal)(rng))


def _paint(rng: np.random.Generator, canvas: Canvas, parts: Sequence[Part]) -> None:
    materials = canvas.materials or Materials()
    upright = rng.random() < 0.5
    fit = Fit(np.concatenate([p.outline for p in parts]), rng.normal(0, 0.25) if upright else rng.uniform(0, 6.3), 0.05)
    light = Light.draw(rng)
    mirror = np.array([float(rng.choice([-1, 1])), 1.0])
    fit = Fit(np.concatenate([p.outline * mirror for p in parts]), fit.angle, 0.05)
    gloss, soft = rng.uniform(0, 0.7), rng.uniform(0.002, 0.012) if rng.random() < 0.4 else 0.0
    surfaces: dict[int, np.ndarray] = {}
    for part in parts:
        if part.material not in surfaces:
            surfaces[part.material] = materials.draw(rng, part.kinds)
        outline = fit(part.outline * mirror)
        if len(parts) > 1:
            canvas.shade(canvas.cover(outline + 0.01, blur=0.015), 0.55, 0.6)
        field, matrix = _lit(rng, outline, surfaces[part.material], part, light, gloss)
        canvas.paint(canvas.cover(outline, blur=soft), Surface(field, matrix), 1)
    if rng.random() < 0.2:  # out of focus
        sigma = canvas.size * rng.uniform(0.004, 0.014)
        for plane in canvas.planes:
            cv2.GaussianBlur(plane, (0, 0), sigma, dst=plane, borderType=cv2.BORDER_CONSTANT)


def _lit(
    rng: np.random.Generator, outline: Points, surface: np.ndarray, part: Part, light: Light, gloss: float
) -> tuple[np.ndarray, np.ndarray]:
    """A surface over the bounding square of an outline, lit as if it bulged, and the matrix that puts it there."""
    low, high = outline.min(0), outline.max(0)
    side = max(float((high - low).max()), 1e-3) * 1.04
    corner = (low + high - side) / 2
    matrix = np.array([[side, 0, corner[0]], [0, side, corner[1]]])
    field = surface * np.float32(part.tone)
    if part.bulge <= 0:
        sheen = np.linspace(rng.uniform(0.8, 1.2), rng.uniform(0.8, 1.2), N, dtype=np.float32)
        return field * sheen * light.flat().astype(np.float32)[:, None, None], matrix
    inside = np.zeros((N, N), np.uint8)
    cv2.fillPoly(inside, [np.rint((outline - corner) / side * N * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    framed = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    reach = max(float(depth.max()) * part.bulge, 2.0)
    share = np.minimum(depth / reach, 1)
    height: np.ndarray = np.sqrt(np.maximum(1 - (1 - share) ** 2, 0)) * np.float32(reach * 0.75)
    height = cv2.GaussianBlur(height, (0, 0), max(reach * 0.12, 1.0))
    lit, shine = light.on(height, 1.0)
    field = _wrapped(field, height, reach) * lit * (0.7 + 0.3 * share)
    if gloss > 0.15:
        room = windows(rng, N) if rng.random() < 0.5 else np.float32(0)
        field = field + (shine + 0.5 * room) * np.float32(gloss) * light.key.astype(np.float32)[:, None, None]
    return np.ascontiguousarray(field, np.float32), matrix


def _wrapped(field: np.ndarray, height: np.ndarray, reach: float) -> np.ndarray:
    """The surface as it goes around a bulge: drawn together towards the edges."""
    dx = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=-reach / 16)
    dy = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=-reach / 16)
    limit = np.float32(reach)
    i = np.arange(N, dtype=np.float32)
    x, y = i[None] + np.clip(dx, -limit, limit), i[:, None] + np.clip(dy, -limit, limit)
    turned = cv2.remap(cv2.merge(list(field)), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.ascontiguousarray(turned.transpose(2, 0, 1))
