"""Eyebrows: fine strands on the face, and the brow's shade that is painted under them."""

import cv2
import numpy as np

from data_pipeline.people.body import SkinSampler
from data_pipeline.people.geometry import Floats, floats, normalised
from data_pipeline.people.identity import Traits
from data_pipeline.people.regions import Region
from data_pipeline.people.strands import Tuft

PAINT_SCALE = 480.0  # pixels a decimetre of what is painted on the plane before the face
PAINT_SHAPE = (1180, 960)


def to_paint(x: np.ndarray | float, y: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Maps base positions to pixels of the plane before the face."""
    return (np.asarray(x) + 1) * PAINT_SCALE, (8.4 - np.asarray(y)) * PAINT_SCALE


class BrowHairs:
    """Holds a brow's hairs on the plane before the face: roots (n, 2), directions (n,) in radians, lengths (n,)."""

    def __init__(self, rng: np.random.Generator, traits: Traits, count: int):
        t = rng.uniform(0, 1, count) ** 0.9
        middle = 7.480 + traits.brow_arch * 0.065 * np.sin(np.clip(t * 1.15, 0, 1) * np.pi * 0.8)
        middle += 0.012 * t - 0.065 * np.maximum(0, t - 0.66)
        thickness = traits.brow_thickness * (0.052 * (1 - t**3) + 0.007)
        y = middle + np.clip(rng.normal(0, 0.42, count), -0.9, 0.9) * thickness
        self.along = t
        self.roots = np.stack([0.105 + 0.48 * t, y], 1)
        self.angles = np.deg2rad(np.interp(t, [0, 0.2, 0.55, 1], [78, 42, 14, -24])) + rng.normal(0, 0.18, count)
        self.angles -= (y - middle) / thickness * 0.25
        self.lengths = (0.055 + 0.03 * rng.random(count)) * (1.05 - 0.35 * t)


def paint_brows(rng: np.random.Generator, traits: Traits) -> Floats:
    """Paints both brows on the plane before the face: their density, 0 to 1."""
    picture = np.zeros(PAINT_SHAPE, np.uint8)
    for side in (-1, 1):
        hairs = BrowHairs(rng, traits, int(300 * traits.brow_density))
        ends = hairs.roots + hairs.lengths[:, None] * np.stack([np.cos(hairs.angles), np.sin(hairs.angles)], 1)
        for (x0, y0), (x1, y1) in zip(hairs.roots, ends, strict=True):
            start, end = to_paint(side * x0, y0), to_paint(side * x1, y1)
            cv2.line(
                picture,
                (int(start[0] * 8), int(start[1] * 8)),
                (int(end[0] * 8), int(end[1] * 8)),
                int(150 + 90 * rng.random()),
                int(1 + (rng.random() < 0.5)),
                cv2.LINE_AA,
                3,
            )
    hairs_only = picture.astype(np.float32) / 255
    soft = cv2.GaussianBlur(hairs_only, (0, 0), 6)
    return np.clip(cv2.GaussianBlur(hairs_only, (0, 0), 0.8) * 0.7 + 0.65 * soft, 0, 1)


def grow_brows(rng: np.random.Generator, sampler: SkinSampler, traits: Traits, colour: Floats) -> Tuft:
    """Grows both brows; `colour` (3,) is linear."""
    count = int(240 * traits.brow_density)
    middles = sampler.base.mean(1)
    near = np.flatnonzero((middles[:, 2] > 0.7) & (middles[:, 1] > 7.3) & (middles[:, 1] < 7.75))
    flat = sampler.base[near][..., :2]
    parts = [_grow_brow(rng, sampler, traits, count, side, near, flat) for side in (-1, 1)]
    points, normals = (floats(np.concatenate(arrays)) for arrays in zip(*parts, strict=True))
    shape = points.shape[:2]
    tones = 0.8 + 0.4 * rng.random((shape[0], 1, 1))
    return Tuft(
        points,
        np.broadcast_to(floats([0.0060, 0.0048, 0.0012]), shape),
        np.full(shape, 0.75, np.float32),
        (np.ones((*shape, 3)) * colour * tones).astype(np.float32),
        Region.SKIN,
        normals,
        casts=0.01,
    )


def _grow_brow(
    rng: np.random.Generator,
    sampler: SkinSampler,
    traits: Traits,
    count: int,
    side: int,
    near: np.ndarray,
    flat: Floats,
) -> tuple[Floats, Floats]:
    hairs = BrowHairs(rng, traits, count)
    roots = hairs.roots * [side, 1]
    low, high = flat.min(1) - 0.004, flat.max(1) + 0.004
    inside = ((roots[:, None] > low) & (roots[:, None] < high)).all(-1)
    distance = ((flat.mean(1) - roots[:, None]) ** 2).sum(-1)
    chosen = (distance + 9 * ~inside).argmin(1)
    points, normals, _ = sampler.at(near[chosen], _shares(flat[chosen], roots))
    direction = np.stack([side * np.cos(hairs.angles), np.sin(hairs.angles), 0 * hairs.angles], 1)
    direction = normalised(direction - normals * (direction * normals).sum(1, keepdims=True))
    length = hairs.lengths[:, None]
    points = points + normals * 0.002
    middle = points + (direction * 0.55 + normals * 0.16) * length
    tip = points + (direction + normals * 0.12 + [0, -0.12, 0]) * length
    return np.stack([points, middle, tip], 1), normals


def _shares(corners: np.ndarray, points: np.ndarray) -> Floats:
    """Barycentric coordinates (n, 3) of points (n, 2) in triangles (n, 3, 2), clipped into them."""
    a, b, p = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], points - corners[:, 0]
    area = a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1] + 1e-9
    u = (p[:, 0] * b[:, 1] - b[:, 0] * p[:, 1]) / area
    v = (a[:, 0] * p[:, 1] - p[:, 0] * a[:, 1]) / area
    shares = np.clip(np.stack([1 - u - v, u, v], 1), 0, 1)
    return floats(shares / shares.sum(1, keepdims=True))


def brow_colour(skin: Floats, hair: Floats) -> Floats:
    """Returns the brows' linear colour (3,): that of the hair, darker where this is light or dyed."""
    bright = float(hair.mean())
    return np.asarray((0.75 if bright < 0.12 else 0.45) * hair + 0.06 * skin, np.float32)
