"""A person's left hand: its own coordinates, and how fingers bend. The right hand is its mirror image.

Hand coordinates have their origin in the middle of the palm: x along the fingers, y out of the palm, z = x × y (for a
left hand, away from its thumb).
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from data_pipeline.people.assets import load_assets
from data_pipeline.people.body import Body
from data_pipeline.people.geometry import Floats, Ints, about_point, floats, normalised, rotation_about, triangles_of
from data_pipeline.people.hand_poses import Curl
from data_pipeline.people.layout import mesh_layout

Thumb = tuple[float, ...]  # the angles of `HandPose.thumb`, and its opposition

_CLOSES = (1.0, 0.8, 0.5)  # of a finger's closing, by joint
# Radians between which a pinch finds: opposition, the thumb's last joints, the closing of the first finger.
_PINCH_RANGES = ((0.0, 1.3), (-0.3, 0.9), (-0.3, 0.9), (-0.5, 0.5))
_STRETCH_FROM, _STRETCH = 0.8, 1.6  # the forearm is made longer beyond this, so that its open end is never seen


class HandMesh(NamedTuple):
    """Holds what all hands share: mesh vertices (n,), places in the texture (n, 2), triangles, bones' weights."""

    vertices: Ints
    places: Floats
    triangles: Ints
    bones: tuple[str, ...]
    weights: Floats  # (n, bones), sums to 1
    fingers: Ints  # (n,), 1 thumb to 5 little finger, 0 elsewhere
    weld: Ints  # (n,), equal for vertices that lie on one point


@cache
def hand_mesh() -> HandMesh:
    """Returns the mesh of the hand."""
    assets = load_assets()
    corners, inverse = np.unique(assets.quads_of("hand"), return_inverse=True)
    vertices = assets.mesh_vertex[corners]
    bones = tuple(bone for bone in assets.bone_names if bone.endswith(".L"))
    weights = assets.bone_weights[vertices][:, [assets.bone_names.index(bone) for bone in bones]]
    weights = weights / (weights.sum(1, keepdims=True) + 1e-6)
    fingers = np.zeros(len(vertices), np.int32)
    for finger in range(1, 6):
        columns = [bone.startswith(f"finger{finger}") for bone in bones]
        fingers[weights[:, columns].sum(1) > 0.5] = finger
    _, weld = np.unique(vertices, return_inverse=True)
    triangles = triangles_of(inverse.reshape(-1, 4))
    return HandMesh(vertices, mesh_layout().place[corners], triangles, bones, weights, fingers, weld.astype(np.int32))


class Hand:
    """Models the hand of one person.

    Attributes:
        frame: float32 (3, 3), the axes of the hand's coordinates as columns, at rest.
        knuckle: float32 (3,), of the middle finger, in hand coordinates.
        forearm: float32 (n,), how far each vertex is up the arm from the wrist, in decimetres.
    """

    def __init__(self, body: Body):
        assets, mesh = load_assets(), hand_mesh()

        def joint(name: str) -> Floats:
            return assets.joint(body.positions, f"l-{name}")

        self._joints = {(f, k): joint(f"finger-{f}-{k}") for f in range(1, 6) for k in range(1, 5)}
        self._wrist, elbow = joint("hand"), joint("elbow")
        knuckles = normalised(self._joints[5, 1] - self._joints[2, 1])
        along = normalised(self._joints[3, 1] - self._wrist)
        palm = normalised(np.cross(knuckles, along))
        if palm @ (self._joints[1, 4] - self._joints[2, 1]) < 0:
            palm = -palm
        palm = normalised(palm - along * (along @ palm))
        self.frame: Floats = np.stack([along, palm, np.cross(along, palm)], 1)
        self._centre = (self._wrist + self._joints[3, 1] * 1.6) / 2.6
        self._arm = normalised(elbow - self._wrist)
        self._rest = body.positions[mesh.vertices]
        self.forearm: Floats = (self._rest - self._wrist) @ self._arm
        self.knuckle: Floats = (self._joints[3, 1] - self._centre) @ self.frame

    def bent(self, curl: Curl | Floats, thumb: Thumb, spread: float) -> Floats:
        """Returns the vertices (n, 3) in hand coordinates with bent fingers; see `HandPose` for the angles."""
        mesh = hand_mesh()
        matrices: dict[str, Floats] = {bone: np.eye(4, dtype=np.float32) for bone in mesh.bones}
        for finger in range(1, 6):
            for k, matrix in enumerate(self._finger(finger, curl, thumb, spread), 1):
                matrices[f"finger{finger}-{k}.L"] = matrix
        stacked = np.stack([matrices[bone][:3] for bone in mesh.bones]).reshape(len(mesh.bones), 12)
        blended = (mesh.weights @ stacked).reshape(-1, 3, 4)
        stretch = np.maximum(self.forearm - _STRETCH_FROM, 0) * _STRETCH
        points = self._rest + self._arm * stretch[:, None]
        moved = np.einsum("nij,nj->ni", blended[:, :, :3], points) + blended[:, :, 3]
        return np.asarray((moved - self._centre) @ self.frame, np.float32)

    def tip(self, finger: int, curl: Curl | Floats, thumb: Thumb, spread: float) -> Floats:
        """Returns where the bone of a finger ends (3,), 1 the thumb, in hand coordinates; see `bent`."""
        matrix = self._finger(finger, curl, thumb, spread)[-1]
        return floats((matrix[:3, :3] @ self._joints[finger, 4] + matrix[:3, 3] - self._centre) @ self.frame)

    def pinched(self, curl: Floats, thumb: Thumb, spread: float, gap: float) -> tuple[Floats, Thumb]:
        """Bends thumb and first finger until their tips are `gap` decimetres apart; returns the angles, changed."""
        found = np.array([0.5, thumb[1], thumb[2], 0.0])  # opposition, two joints of the thumb, closing of the finger

        def angles(values: np.ndarray) -> tuple[Floats, Thumb]:
            bent = curl.copy()
            bent[0] += floats(_CLOSES) * np.float32(values[3])
            return bent, (thumb[0], float(values[1]), float(values[2]), float(values[0]))

        def miss(values: np.ndarray) -> float:
            changed = angles(values)
            apart = self.tip(1, *changed, spread) - self.tip(2, *changed, spread)
            # Tips that meet pad to pad, without more bending than that takes.
            return float((np.linalg.norm(apart) - gap) ** 2 + 0.004 * ((values - [0.5, 0.3, 0.3, 0.0]) ** 2).sum())

        least = miss(found)
        for step in (0.3, 0.15, 0.08, 0.04):
            for index in [*range(4)] * 2:
                for sign in (-1, 1):
                    tried = found.copy()
                    tried[index] = np.clip(tried[index] + sign * step, *_PINCH_RANGES[index])
                    if (value := miss(tried)) < least:
                        found, least = tried, value
        return angles(found)

    def _finger(self, finger: int, curl: Curl | Floats, thumb: Thumb, spread: float) -> list[Floats]:
        """Returns the matrices of a finger's three bones."""
        palm, across = self.frame[:, 1], self.frame[:, 2]
        matrix: Floats = np.eye(4, dtype=np.float32)
        matrices: list[Floats] = []
        for k in range(1, 4):
            start, end = self._joints[finger, k], self._joints[finger, k + 1]
            if finger == 1:  # the thumb bends towards the fingers' roots
                side = -across * np.sign(across @ (self._joints[5, 1] - self._joints[2, 1])) * -1
                axis, angle = np.cross(normalised(end - start), normalised(side + 0.3 * palm)), thumb[k - 1]
            else:
                axis, angle = np.cross(normalised(end - start), palm), float(curl[finger - 2][k - 1])
            turn = rotation_about(axis, angle)
            if k == 1 and finger > 1 and spread:
                turn = rotation_about(palm, -spread * (3.4 - finger)) @ turn
            if k == 1 and finger == 1 and len(thumb) > 3:  # opposition: it comes before the palm
                turn = rotation_about(np.cross(normalised(end - start), palm), thumb[3]) @ turn
            matrix = matrix @ about_point(turn, start)
            matrices.append(matrix)
        return matrices


def hand_normals(vertices: Floats) -> Floats:
    """Returns the normals (n, 3) of a hand's vertices in hand coordinates, smooth over the seams of the texture."""
    mesh = hand_mesh()
    a, b, c = (vertices[mesh.triangles[:, corner]] for corner in range(3))
    faces, corners = np.cross(b - a, c - a), mesh.weld[mesh.triangles].ravel()
    total = [np.bincount(corners, np.repeat(faces[:, axis], 3)) for axis in range(3)]
    return normalised(np.stack(total, 1))[mesh.weld]


def hand_matrix(fingers: Floats, palm: Floats, place: Floats, right: bool) -> Floats:
    """Returns the matrix (4, 4) from hand coordinates to those of the directions given; a right hand is mirrored.

    Args:
        fingers: (3,), where the fingers point.
        palm: (3,), where the palm faces, about.
        place: (3,), of the middle of the palm.
        right: whether it is the right hand.
    """
    along = normalised(fingers)
    out = normalised(palm - along * (along @ palm))
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = np.stack([along, out, np.cross(along, out) * (-1 if right else 1)], 1)
    matrix[:3, 3] = place
    return matrix
