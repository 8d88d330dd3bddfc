"""A person in a pose: every mesh of the scene where it is in one frame."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from data_pipeline.people.assets import load_assets
from data_pipeline.people.atlas import Atlas
from data_pipeline.people.contact import contact_shade, sky
from data_pipeline.people.eyes import eyeball
from data_pipeline.people.geometry import (
    Floats,
    Ints,
    floats,
    mesh_normals,
    rotation_x,
    rotation_y,
    smoothstep,
    transform,
)
from data_pipeline.people.hands import hand_mesh
from data_pipeline.people.lashes import lash_ribbons
from data_pipeline.people.person import Person, part_name
from data_pipeline.people.rig import HeadTurn, bone_matrices, skinned
from data_pipeline.people.things import Thing

_CONTACT_SKY = sky(3, 0.1)
_CONTACT_REACH = 2.6  # decimetres from the head within which a hand darkens it


class Holder(Protocol):
    """Is whose things are seen: a `Person`, or an `Arm`."""

    atlas: Atlas
    things: tuple[Thing, ...]


@dataclass(frozen=True)
class PosedHand:
    """Places a hand in a scene: vertices and normals (n, 3) in hand coordinates, where it is, and what it holds.

    Attributes:
        vertices, normals: see `hands.Hand.bent`.
        matrix: (4, 4), from hand coordinates to the body's at rest.
        follows: whether it moves with the head.
        things: numbers of the person's things in it.
        openness: float32 (n,), how much of the sky its vertices see past its own fingers.
        texture: its name in the person's atlas: "hand", or "other hand" for that of another person.
        loose: whether only the things in it are seen.
    """

    vertices: Floats
    normals: Floats
    matrix: Floats
    follows: bool
    things: tuple[int, ...] = ()
    openness: Floats | float = 1.0
    texture: str = "hand"
    loose: bool = False


@dataclass(frozen=True)
class Pose:
    """Says what changes from frame to frame.

    Attributes:
        turn: of the head.
        gaze: radians to the person's left, and down.
        expression: weights of face units.
        hands: in the scene.
    """

    turn: HeadTurn = field(default_factory=HeadTurn)
    gaze: tuple[float, float] = (0.0, 0.0)
    expression: Mapping[str, float] = field(default_factory=dict)
    hands: tuple[PosedHand, ...] = ()


@dataclass(frozen=True)
class Solids:
    """Holds a scene's opaque meshes in one: vertices, normals (n, 3), atlas pixels (n, 2), openness (n,), triangles.

    Of the triangles, the first `closed` are of meshes that are never seen from behind, and the first `bare` are
    those of a person without hair and hands.
    """

    vertices: Floats
    normals: Floats
    pixels: Floats
    openness: Floats
    triangles: Ints
    closed: int
    bare: int


@dataclass(frozen=True)
class Posed:
    """Holds a person in a pose.

    Attributes:
        solids: head, clothes, eyes, hands, things.
        head: matrix (4, 4) of the head.
        strands: float32 (n, 3), where the points of hair, beard and brows are.
        lashes: ribbons: vertices and triangles.
        positions: float32 (V, 3), of the mesh vertices.
        panes: clear glass: vertices and triangles of each.
    """

    solids: Solids
    head: Floats
    strands: Floats
    lashes: tuple[Floats, Ints]
    positions: Floats
    panes: list[tuple[Floats, Ints]]


class _Collector:
    """Gathers meshes into one."""

    def __init__(self) -> None:
        self._arrays: list[list[np.ndarray]] = [[], [], [], [], []]
        self._count = 0
        self._closed = self._bare = 0

    def end_bare(self) -> None:
        """Says that what was added up to here is a person without hair and hands."""
        self._bare = sum(len(triangles) for triangles in self._arrays[-1])

    def end_closed(self) -> None:
        """Says that what was added up to here is never seen from behind."""
        self._closed = sum(len(triangles) for triangles in self._arrays[-1])

    def add(self, vertices: Floats, normals: Floats, pixels: Floats, openness: Floats | float, triangles: Ints) -> None:
        shade = np.broadcast_to(np.float32(openness), len(vertices))
        for array, values in zip(
            self._arrays, (vertices, normals, pixels, shade, triangles + np.int32(self._count)), strict=True
        ):
            array.append(values)
        self._count += len(vertices)

    def solids(self) -> Solids:
        vertices, normals, pixels, openness, triangles = (np.concatenate(arrays) for arrays in self._arrays)
        return Solids(vertices, normals, pixels, openness, triangles, self._closed, self._bare)


def posed(person: Person, pose: Pose) -> Posed:
    """Puts a person into a pose."""
    assets, body = load_assets(), person.body
    shaped = assets.morph(body.positions.copy(), {f"unit/{unit}": weight for unit, weight in pose.expression.items()})
    matrices = bone_matrices(body, pose.turn)
    head = matrices[-1]
    positions = skinned(shaped, matrices)
    normals = assets.normals(positions)
    positions += normals * person.cloth[:, None]

    hands: list[tuple[PosedHand, Floats]] = [
        (hand, (head if hand.follows else np.eye(4, dtype=np.float32)) @ hand.matrix) for hand in pose.hands
    ]
    points, directions = positions[assets.mesh_vertex], normals[assets.mesh_vertex]
    shade = person.openness
    near = [
        (transform(hand.vertices, matrix), hand_mesh().triangles)
        for hand, matrix in hands
        if not hand.loose and np.linalg.norm(matrix[:3, 3] - head[:3, :3] @ body.head - head[:3, 3]) < _CONTACT_REACH
    ]
    if near:
        centre = transform(body.head[None], head)[0] + floats([0, 0.1, 0.3])
        shade = shade * contact_shade(points, directions, near, centre, _CONTACT_SKY)

    scene = _Collector()
    scene.add(points, directions, person.pixels, shade, person.triangles)
    _add_eyes(scene, person, pose, head)
    scene.end_bare()
    _add_cap(scene, person, points, directions)
    for hand, matrix in hands:
        if not hand.loose:
            _add_hand(scene, person.atlas, hand, matrix)
    scene.end_closed()
    panes = _add_things(scene, person, hands, head, points)
    if person.curtain is not None:
        sheet = person.curtain
        vertices = _move_hair(person, sheet.vertices, matrices)
        scene.add(
            vertices, sheet.normals @ head[:3, :3].T, person.atlas.pixels("cap", sheet.places), 0.5, sheet.triangles
        )
    strands = _move_hair(person, person.strands.points, matrices)
    return Posed(scene.solids(), head, strands, lash_ribbons(person.lashes, positions, 1.0), positions, panes)


def posed_alone(owner: Holder, hand: PosedHand) -> Posed:
    """Puts a hand with its things, or if it is loose these alone, where its matrix says, and nothing else."""
    scene, head = _Collector(), np.eye(4, dtype=np.float32)
    nothing = np.zeros((0, 3), np.float32)
    if not hand.loose:
        _add_hand(scene, owner.atlas, hand, hand.matrix)
    scene.end_closed()
    panes = _add_things(scene, owner, [(hand, hand.matrix)], head, nothing)
    return Posed(scene.solids(), head, nothing, (nothing, np.zeros((0, 3), np.int32)), nothing, panes)


def _add_hand(scene: _Collector, atlas: Atlas, hand: PosedHand, matrix: Floats) -> None:
    pixels = atlas.pixels(hand.texture, hand_mesh().places)
    rotation = np.ascontiguousarray(matrix[:3, :3].T)
    triangles = hand_mesh().triangles
    if np.linalg.det(rotation) < 0:  # mirrored, so that its triangles would face inwards
        triangles = triangles[:, ::-1]
    scene.add(transform(hand.vertices, matrix), hand.normals @ rotation, pixels, hand.openness, triangles)


def _add_cap(scene: _Collector, person: Person, points: Floats, normals: Floats) -> None:
    cap = person.cap
    if len(cap.triangles):
        corners = cap.corners
        vertices = points[corners] + normals[corners] * cap.thickness[:, None]
        pixels = person.atlas.pixels("cap", cap.places)
        scene.add(vertices, normals[corners], pixels, person.cap_openness, cap.triangles)


def _add_eyes(scene: _Collector, person: Person, pose: Pose, head: Floats) -> None:
    x, y = pose.gaze
    turns = (rotation_y(x - 0.03) @ rotation_x(y), rotation_y(x + 0.03) @ rotation_x(y))
    centres = transform(person.eyes.centres, head)
    _, places, triangles = eyeball()
    pixels = person.atlas.pixels("eye", places)
    for vertices, normals in person.eyes.placed(centres, head[:3, :3], turns):
        # The upper lid and its lashes shade the ball.
        shade = 0.9 - 0.35 * smoothstep(0.2, 0.9, normals @ head[:3, 1])
        scene.add(vertices, normals, pixels, shade, triangles)


def _add_things(
    scene: _Collector, owner: Holder, hands: list[tuple[PosedHand, Floats]], head: Floats, points: Floats
) -> list[tuple[Floats, Ints]]:
    """Adds what is held and worn; returns the panes of glass, which are not solid."""
    held = {number: matrix for hand, matrix in hands for number in hand.things}
    panes: list[tuple[Floats, Ints]] = []
    number = 0
    for index, thing in enumerate(owner.things):
        fixed: dict[str, Floats] = {"head": head, "skin": head, "body": np.eye(4, dtype=np.float32)}
        matrix = fixed.get(thing.attachment, held.get(index))
        for part in thing.parts:
            number += 1
            if matrix is None:
                continue
            rotation = np.ascontiguousarray(matrix[:3, :3].T)
            if part.corners is not None:
                vertices: Floats = points[part.corners] + part.vertices @ rotation
                normals: Floats = mesh_normals(vertices, part.triangles)
            else:
                vertices, normals = transform(part.vertices, matrix), part.shading_normals @ rotation
            if part.pane:
                panes.append((vertices, part.triangles))
            else:
                pixels = owner.atlas.pixels(part_name(number - 1), part.places)
                scene.add(vertices, normals, pixels, 0.9, part.triangles)
    return panes


def _move_hair(person: Person, points: Floats, matrices: list[Floats]) -> Floats:
    """Hair turns with the head; what lies on the shoulders follows less."""
    body = person.body
    turned = transform(points, matrices[-1])
    if points[:, 1].min() > body.head[1] - 0.4:
        return turned
    share = smoothstep(body.head[1] - 1.3, body.head[1] - 0.2, points[:, 1])[:, None]
    return turned * share + transform(points, matrices[0]) * (1 - share)
