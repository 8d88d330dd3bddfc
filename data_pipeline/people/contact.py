"""How a hand comes to rest on a head: the whole hand until something touches, then each finger by itself."""

import math

import cv2
import numpy as np

from data_pipeline.people.geometry import Floats, Ints, floats, look_at, transform
from data_pipeline.people.hands import Hand, Thumb, hand_mesh
from data_pipeline.people.rasterise import depth_map, sample_depth

_REACH, _FAR, _SIDE = 1.1, 8.0, 96  # decimetres about the palm that count, the distance of the camera, its pixels
_CLOSING = np.linspace(-0.3, 0.6, 10)  # radians that a finger may open or close
_SHARES = floats([1.0, 0.8, 0.5])  # of the closing, by joint
_SUNK = 0.012  # decimetres that skin gives way


class Surface:
    """Describes the head as the palm of a hand sees it.

    Args:
        points: (n, 3), of the head and what is on it.
        triangles: (m, 3).
        centre: (3,), where the palm is, about.
        palm: (3,), where it faces.
    """

    def __init__(self, points: Floats, triangles: Ints, centre: Floats, palm: Floats):
        self._camera = look_at(-palm, centre, _FAR)
        self._depth = depth_map(points, triangles, self._camera, _REACH, _FAR, _SIDE, 5.0)

    def gaps(self, points: Floats) -> Floats:
        """Returns how far (n,) points may move along the palm's direction before they touch; large beside the head."""
        depth, surface = sample_depth(self._depth, points, self._camera, _REACH, _FAR)
        return np.where(surface > _FAR + 4.5, np.float32(9), surface - depth).astype(np.float32)


def rest_on(
    surface: Surface, hand: Hand, curl: Floats, thumb: Thumb, spread: float, matrix: Floats
) -> tuple[Floats, Floats]:
    """Slides a hand along its palm's direction until it touches, and closes each finger until it does.

    Args:
        surface: what it touches.
        hand: of the person.
        curl: (4, 3), as in `HandPose`.
        thumb: as in `HandPose`.
        spread: as in `HandPose`.
        matrix: (4, 4), from hand coordinates to the head's.

    Returns:
        The vertices in hand coordinates, and the matrix.
    """
    mesh = hand_mesh()
    own = hand.forearm < 0.1  # the arm does not touch
    vertices = hand.bent(curl, thumb, spread)
    gaps = surface.gaps(transform(vertices, matrix)[own])
    touching = gaps[gaps < 5]
    if len(touching) < 20:
        return vertices, matrix
    matrix = matrix.copy()
    matrix[:3, 3] += matrix[:3, 1] * (float(np.percentile(touching, 3)) - _SUNK)

    best = np.zeros(4)
    for closing in _CLOSING:
        bent = transform(hand.bent(curl + closing * _SHARES, thumb, spread), matrix)
        gaps = surface.gaps(bent)
        for finger in range(2, 6):
            if np.percentile(gaps[mesh.fingers == finger], 4) > -_SUNK or closing == _CLOSING[0]:
                best[finger - 2] = closing
    closed = curl + best[:, None] * _SHARES
    return hand.bent(closed, thumb, spread), matrix


def contact_shade(
    points: Floats, normals: Floats, occluders: list[tuple[Floats, Ints]], centre: Floats, directions: Floats
) -> Floats:
    """Returns how much of the sky (n,) points still see past hands and things close to them.

    Args:
        points: (n, 3), of the head.
        normals: (n, 3).
        occluders: the meshes that shade, in the same frame.
        centre: (3,), of the picture.
        directions: (d, 3), the part of the sky that is looked at.
    """
    if not occluders:
        return np.ones(len(points), np.float32)
    counts = np.cumsum([0, *(len(vertices) for vertices, _ in occluders)])
    vertices = np.concatenate([vertices for vertices, _ in occluders])
    triangles = np.concatenate([t + first for (_, t), first in zip(occluders, counts, strict=False)]).astype(np.int32)
    start = points + normals * np.float32(0.02)
    seen, total = np.zeros(len(points), np.float32), np.full(len(points), 1e-3, np.float32)
    for direction in directions:
        camera = look_at(direction, centre, 30.0)
        depth = floats(cv2.blur(depth_map(vertices, triangles, camera, 2.3, 30.0, 96, 5.0), (3, 3)))
        own, nearest = sample_depth(depth, start, camera, 2.3, 30.0)
        weight = np.maximum(normals @ direction, 0)
        # What is far above a point darkens a patch that no eye would call contact.
        near = np.clip(1 - (own - nearest) / 1.6, 0, 1) * (nearest < own)
        seen += weight * (1 - near)
        total += weight
    return floats(0.2 + 0.8 * np.clip((seen + 1e-3) / total, 0, 1))


def sky(count: int, lowest: float = -0.75) -> Floats:
    """Returns `count` directions (count, 3) spread evenly over the sphere from z = 1 down to z = `lowest`."""
    index = np.arange(count) + 0.5
    z = 1 - (1 - lowest) * index / count
    angle = index * math.pi * (3 - math.sqrt(5))
    radius = np.sqrt(np.maximum(0, 1 - z * z))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], 1).astype(np.float32)
