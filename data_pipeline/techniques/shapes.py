"""Random closed Bézier shapes, RandOcc's occluders, cut out of textures."""

import cv2
import numpy as np

_TRIES = 200
_SAMPLES = 24  # points of a segment
_OVERSAMPLING = 2


def draw_shape(rng: np.random.Generator, side: int) -> np.ndarray:
    """Returns the coverage of a random shape on a square of `side` pixels, uint8 (side, side), antialiased.

    3 to 15 corners, sorted about their middle, are joined by cubic Bézier curves whose tangents lie between those of
    the neighbouring sides and whose handles are a share of them: from polygons to blots (Voo et al. 2022).
    """
    corners = _draw_corners(rng, int(rng.integers(3, 16)))
    radius, edgy = rng.random(2)
    outline = _closed_curve(corners, radius, edgy)
    low, high = outline.min(axis=0), outline.max(axis=0)
    outline = (outline - low) / max((high - low).max(), 1e-6)
    fine = np.zeros((side * _OVERSAMPLING, side * _OVERSAMPLING), np.uint8)
    cv2.fillPoly(fine, [np.rint(outline * (side * _OVERSAMPLING - 1) * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    return cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA)


def draw_texture(rng: np.random.Generator, side: int) -> np.ndarray:
    """Returns a rendered texture (side, side, 3) uint8, for where there are no pictures of any."""
    from data_pipeline.drawn import textures  # the renderer loads slowly

    field = np.clip(textures.draw(rng), 0, 1).transpose(1, 2, 0)
    picture = cv2.resize(np.ascontiguousarray(field), (side, side), interpolation=cv2.INTER_CUBIC)
    return cv2.convertScaleAbs(picture, alpha=255)


def cut_texture(rng: np.random.Generator, texture: np.ndarray, side: int) -> np.ndarray:
    """Returns a random square of a texture (h, w, 3), half its shorter side or more, brought to `side` pixels."""
    height, width = texture.shape[:2]
    length = int(min(height, width) * rng.uniform(0.5, 1))
    length = max(length, 1)
    top, left = int(rng.integers(height - length + 1)), int(rng.integers(width - length + 1))
    part = np.ascontiguousarray(texture[top : top + length, left : left + length])
    shrinks = length > side
    return cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _draw_corners(rng: np.random.Generator, count: int) -> np.ndarray:
    """Points of the unit square in the order of their angle about the middle, neighbours not too close if possible."""
    for _ in range(_TRIES):
        points = rng.random((count, 2))
        offsets = points - points.mean(axis=0)
        points = points[np.argsort(np.arctan2(offsets[:, 1], offsets[:, 0]))]
        steps = np.roll(points, -1, axis=0) - points
        if np.hypot(steps[:, 0], steps[:, 1]).min() >= 0.7 / count:
            break
    return points


def _closed_curve(corners: np.ndarray, radius: float, edgy: float) -> np.ndarray:
    steps = np.roll(corners, -1, axis=0) - corners
    leaving = np.arctan2(steps[:, 1], steps[:, 0]) % (2 * np.pi)
    arriving = np.roll(leaving, 1)
    share = np.arctan(edgy) / np.pi + 0.5
    tangent = share * leaving + (1 - share) * arriving + np.where(np.abs(leaving - arriving) > np.pi, np.pi, 0)
    handles = radius * np.hypot(steps[:, 0], steps[:, 1])[:, None]
    along = np.stack([np.cos(tangent), np.sin(tangent)], axis=1)
    ends = np.roll(corners, -1, axis=0)
    points = corners, corners + handles * along, ends - handles * np.roll(along, -1, axis=0), ends
    u = np.linspace(0, 1, _SAMPLES, endpoint=False)[:, None]
    weights = (1 - u) ** 3, 3 * u * (1 - u) ** 2, 3 * u * u * (1 - u), u**3
    curves = sum(w[None] * p[:, None] for w, p in zip(weights, points, strict=True))
    return np.asarray(curves).reshape(-1, 2)
