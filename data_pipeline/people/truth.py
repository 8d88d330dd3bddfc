"""What is known of a frame besides its picture: the face that nothing hides, landmarks, and the pose of the head."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from data_pipeline.people.assets import load_assets
from data_pipeline.people.camera import Camera
from data_pipeline.people.geometry import Floats, floats
from data_pipeline.people.person import Person
from data_pipeline.people.posing import Pose, posed
from data_pipeline.people.rasterise import Canvas
from data_pipeline.people.regions import Region

# Base points; "left" is the person's. Those with x are mirrored for the right side.
_LANDMARKS: dict[str, tuple[float, float, float]] = {
    "eye_outer": (0.46, 7.28, 1.32),
    "eye_inner": (0.175, 7.25, 1.36),
    "eye_top": (0.31, 7.36, 1.44),
    "eye_bottom": (0.31, 7.20, 1.40),
    "brow_inner": (0.11, 7.48, 1.52),
    "brow_middle": (0.36, 7.56, 1.45),
    "brow_outer": (0.58, 7.44, 1.18),
    "nose_wing": (0.20, 6.95, 1.48),
    "mouth_corner": (0.26, 6.66, 1.38),
    "cheek": (0.62, 6.95, 1.05),
    "jaw": (0.6, 6.45, 0.6),
    "ear": (0.80, 7.12, 0.50),
    "temple": (0.70, 7.6, 0.85),
}
_MIDDLE: dict[str, tuple[float, float, float]] = {
    "nose_bridge": (0.0, 7.30, 1.52),
    "nose_tip": (0.0, 6.98, 1.75),
    "nose_base": (0.0, 6.86, 1.60),
    "upper_lip": (0.0, 6.72, 1.62),
    "lower_lip": (0.0, 6.57, 1.58),
    "chin": (0.0, 6.22, 1.45),
    "forehead": (0.0, 7.9, 1.45),
}
LANDMARKS: tuple[str, ...] = (*_MIDDLE, *(f"{side}_{name}" for side in ("left", "right") for name in _LANDMARKS))


@dataclass(frozen=True)
class Truth:
    """Holds what is known of a frame.

    Attributes:
        face: float32 (size, size), the face as if neither hair, hands nor things were there.
        landmarks: float32 (n, 2), x and y in pixels of each of `LANDMARKS`, hidden or not.
        yaw, pitch, roll: of the head towards the camera, in radians: to the person's left, down, to their right.
    """

    face: Floats
    landmarks: Floats
    yaw: float
    pitch: float
    roll: float


def find_truth(
    person: Person, pose: Pose, camera: Camera, regions: tuple[Region, ...], size: int, samples: int
) -> Truth:
    """Returns the truth of a sharp frame; `regions` are those of the face."""
    moved = posed(person, pose)
    matrix = camera.matrix(person.body.head)
    canvas = Canvas(size * samples, matrix, camera.half, camera.distance)
    solids = moved.solids
    bare = solids.triangles[: solids.bare]
    attributes = np.column_stack([solids.pixels, solids.openness]).astype(np.float32)
    canvas.draw(solids.vertices, canvas.in_view(solids.vertices, bare, len(bare)), attributes)
    u, v = (canvas.values[..., axis] - np.float32(0.5) for axis in range(2))
    seen = cv2.remap(person.atlas.regions, u, v, cv2.INTER_NEAREST)
    face = canvas.shrink((np.isin(seen, regions) & canvas.covered).astype(np.float32), size)

    local = moved.positions[_landmark_vertices()] @ matrix[:3, :3].T + matrix[:3, 3]
    scale = size / 2 / (camera.half / camera.distance) / -local[:, 2]
    points = size / 2 + np.stack([local[:, 0] * scale, -local[:, 1] * scale], 1)
    turn = matrix[:3, :3] @ moved.head[:3, :3]
    ahead, up = turn[:, 2], turn[:, 1]
    return Truth(
        face,
        floats(points),
        yaw=float(np.arctan2(ahead[0], ahead[2])),
        pitch=float(-np.arcsin(np.clip(ahead[1], -1, 1))),
        roll=float(-np.arctan2(up[0], up[1])),
    )


@cache
def _landmark_vertices() -> list[int]:
    assets = load_assets()
    vertices = assets.vertices_of("head")
    base = [*_MIDDLE.values()]
    for side in (1, -1):
        base += [(side * x, y, z) for x, y, z in _LANDMARKS.values()]
    return [int(vertices[np.argmin(((assets.positions[vertices] - floats(p)) ** 2).sum(1))]) for p in base]
