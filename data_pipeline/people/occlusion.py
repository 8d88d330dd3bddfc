"""Ambient occlusion: how much of the surroundings the points of a person see."""

import math
from functools import cache

import numpy as np

from data_pipeline.people.assets import load_assets
from data_pipeline.people.geometry import Floats, Ints, floats, look_at, triangles_of
from data_pipeline.people.rasterise import depth_map, sample_depth


def openness(
    points: Floats,
    normals: Floats,
    vertices: Floats,
    triangles: Ints,
    centre: Floats,
    directions: Floats,
    *,
    half: float = 2.3,
    side: int = 160,
    offset: float = 0.012,
    soft: float = 0.05,
) -> Floats:
    """Returns the share of the sky (n,) that points see, by cosine.

    Args:
        points: (n, 3).
        normals: (n, 3).
        vertices: of what hides the sky.
        triangles: of it.
        centre: (3,), what the depth maps look at.
        directions: (d, 3), the sky.
        half: half the side of the maps, in decimetres.
        side: of the maps, in pixels.
        offset: how far above its point each look starts.
        soft: the depth difference over which points become hidden.
    """
    start = points + normals * np.float32(offset)
    seen, total = np.zeros(len(points), np.float32), np.full(len(points), 1e-3, np.float32)
    for direction in directions:
        camera = look_at(direction, centre, 30.0)
        depth, nearest = sample_depth(
            depth_map(vertices, triangles, camera, half, 30.0, side, 6.0), start, camera, half, 30.0
        )
        weight = np.maximum(normals @ direction, 0)
        seen += weight * np.clip((nearest - depth + soft) / soft, 0, 1)
        total += weight
    return np.asarray(seen / total, np.float32)


@cache
def cavities() -> Floats:
    """Returns the openness (R,) of the texture vertices of an average head, in detail: nostrils, ears, lids, lips."""
    assets = load_assets()
    mean = {
        f"macro/{race}-{sex}-young": 1 / 6 for race in ("caucasian", "asian", "african") for sex in ("female", "male")
    }
    positions = assets.morph(assets.positions.copy(), mean)
    points, normals = positions[assets.mesh_vertex], assets.normals(positions)[assets.mesh_vertex]
    parts = ("head", "upper_teeth", "lower_teeth", "tongue", "left_eye", "right_eye")
    eyes = positions[assets.vertices_of("left_eye")].mean(0)
    centre = floats([0, eyes[1] - 0.1, eyes[2] - 0.5])
    fine = openness(
        points,
        normals,
        points,
        triangles_of(assets.quads_of(*parts)),
        centre,
        _sphere(24),
        half=1.5,
        side=768,
        offset=0.004,
        soft=0.008,
    )
    return floats(np.clip(0.15 + 0.95 * np.minimum(1, fine * 1.45), 0, 1))


def _sphere(count: int) -> Floats:
    index = np.arange(count) + 0.5
    z, angle = 1 - 2 * index / count, index * math.pi * (3 - math.sqrt(5))
    radius = np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], 1).astype(np.float32)
