"""Where a head is and how it is built: head coordinates run from -1 (crown) to 1 (chin), x to the viewer's right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from data_pipeline.drawn.curves import Points, closed, rotated


@dataclass(frozen=True)
class Pose:
    """A head on the canvas: angles in radians, `scale` canvas units per head unit, `centre` in canvas units."""

    yaw: float
    pitch: float
    roll: float
    scale: float
    centre: np.ndarray

    @staticmethod
    def draw(rng: np.random.Generator) -> "Pose":
        """Draws an aligned portrait's pose turned, nodded, tilted; the head takes 45 to 85 % of the frame's height."""
        scale = rng.uniform(0.45, 0.85) / 2
        slack = 0.5 - scale
        centre = np.array([0.5 + rng.normal(0, 0.4) * slack * 0.5, 0.5 + rng.uniform(-0.35, 0.25) * slack])
        yaw, pitch, roll = (np.clip(rng.normal(0, s), -2.2 * s, 2.2 * s) for s in (0.22, 0.11, 0.1))
        return Pose(float(yaw), float(pitch), float(roll), float(scale), centre)

    def turn(self, points: Points | Sequence[Any]) -> Points:
        """Points on the front of the head after yaw and pitch, in head coordinates: features foreshorten and shift."""
        points = np.asarray(points, float)
        x, y = points[..., 0], points[..., 1]
        depth = 0.72 * np.sqrt(np.maximum(0.03, 1 - x * x / 0.86**2 - y * y / 1.12**2))
        return np.asarray(np.stack([x, y, depth], -1) @ self._turned)

    @cached_property
    def _turned(self) -> np.ndarray:
        """Yaw, then pitch, of x, y and depth, seen from the front."""
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        nod, rise = math.cos(self.pitch), math.sin(self.pitch)
        return np.array([(cos, -sin * rise), (0, nod), (sin, cos * rise)])

    @cached_property
    def _rolled(self) -> np.ndarray:
        return rotated(np.eye(2), self.roll) * self.scale

    def flat(self, points: Points) -> Points:
        """Takes head coordinates to the canvas without yaw and pitch: for outlines, which a turned ellipsoid keeps."""
        return np.asarray(np.asarray(points, float) @ self._rolled + self.centre)

    def __call__(self, points: Points | Sequence[Any]) -> Points:
        """Points on the front of the head to the canvas."""
        return self.flat(self.turn(points))

    def matrix(self, box: tuple[float, float, float, float]) -> np.ndarray:
        """Returns the 2x3 matrix from a field over `box` of the head, as 0..1, to the canvas."""
        x0, y0, x1, y1 = box
        corners = self.flat(np.array([[x0, y0], [x1, y0], [x0, y1]]))
        return np.stack([corners[1] - corners[0], corners[2] - corners[0], corners[0]], 1)


@dataclass(frozen=True)
class Build:
    """The proportions of a head: half widths at the temples, jaw and chin, and the sizes of what sits in the face."""

    width: float
    jaw: float
    chin: float
    eye_gap: float
    eye_size: float
    eye_slant: float
    nose_width: float
    nose_length: float
    mouth_width: float
    lips: float
    mature: float  # 0 young .. 1 old: lines and folds
    masculine: float  # 0 .. 1: heavier brow and jaw

    @staticmethod
    def draw(rng: np.random.Generator) -> "Build":
        masculine = rng.random()
        return Build(
            width=rng.uniform(0.68, 0.77),
            jaw=rng.uniform(0.8, 0.94) + 0.06 * masculine,
            chin=rng.uniform(0.75, 1.05) + 0.2 * masculine,
            eye_gap=rng.uniform(0.29, 0.335),
            eye_size=rng.uniform(0.125, 0.15) - 0.01 * masculine,
            eye_slant=rng.normal(0, 0.012),
            nose_width=rng.uniform(0.11, 0.17),
            nose_length=rng.uniform(0.36, 0.45),
            mouth_width=rng.uniform(0.23, 0.31),
            lips=rng.uniform(0.7, 1.35) - 0.25 * masculine,
            mature=rng.random() ** 1.5,
            masculine=masculine,
        )

    def outline(self, pose: Pose) -> Points:
        """Returns the head from crown to chin in head coordinates; yaw moves the chin, which lies before the axis."""
        w, jaw, chin = self.width, self.jaw, self.chin
        half = np.array(
            [(0.3 * w, -0.97), (0.68 * w, -0.78), (0.94 * w, -0.45), (w, -0.1), (0.97 * w, 0.2), (0.84 * jaw * w, 0.55),
             (0.58 * jaw * w, 0.82), (0.24 * chin * w, 0.985)]
        )  # fmt: skip
        points = np.concatenate([[(0, -1)], half, [(0, 1)], half[::-1] * (-1, 1)])
        turn = np.sin(pose.yaw)
        points[:, 0] += turn * (0.1 + 0.32 * np.clip((points[:, 1] + 0.2) / 1.2, 0, 1)) - 0.1 * turn * (
            points[:, 1] < -0.6
        )
        points[:, 1] += np.sin(pose.pitch) * 0.3 * np.clip(points[:, 1], 0, 1)
        return closed(points, 8)
