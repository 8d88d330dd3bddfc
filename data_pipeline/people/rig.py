"""Turning the head: the neck's bones share the rotation, and the skin follows them."""

from functools import cache
from typing import NamedTuple

import numpy as np

from data_pipeline.people.assets import load_assets
from data_pipeline.people.body import Body
from data_pipeline.people.geometry import Floats, about_point, floats, rotation_x, rotation_y, rotation_z

_BONES = ("neck01", "neck02", "neck03", "head")
_SHARES = (0.16, 0.18, 0.21, 0.45)


class HeadTurn(NamedTuple):
    """Turns the head, in radians: yaw to the person's left, pitch downwards, roll to the person's right."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0


def bone_matrices(body: Body, turn: HeadTurn) -> list[Floats]:
    """Returns the matrices (4, 4) of the bones from the lowest of the neck to the head."""
    matrix: Floats = np.eye(4, dtype=np.float32)
    found: list[Floats] = []
    for index, share in enumerate(_SHARES):
        pivot = body.neck + (body.head - body.neck) * np.float32(min(1.0, index / 3))
        rotation = rotation_y(turn.yaw * share) @ rotation_x(turn.pitch * share) @ rotation_z(turn.roll * share)
        matrix = matrix @ about_point(rotation, pivot)
        found.append(matrix)
    return found


def skinned(positions: Floats, matrices: list[Floats]) -> Floats:
    """Moves mesh vertices (V, 3) by the bones."""
    weights = _bone_weights()
    stacked = np.stack([*(m[:3] for m in matrices), np.eye(4, dtype=np.float32)[:3]]).reshape(len(matrices) + 1, 12)
    blended = (weights @ stacked).reshape(-1, 3, 4)
    return floats(np.matmul(blended[:, :, :3], positions[:, :, None])[:, :, 0] + blended[:, :, 3])


@cache
def _bone_weights() -> Floats:
    """The weights (V, 5) of the bones, and of the body that keeps still."""
    assets = load_assets()
    weights = assets.bone_weights[:, [assets.bone_names.index(bone) for bone in _BONES]]
    still = np.clip(1 - weights.sum(1, keepdims=True), 0, 1)
    both = np.concatenate([weights, still], 1)
    return np.asarray(both / both.sum(1, keepdims=True), np.float32)
