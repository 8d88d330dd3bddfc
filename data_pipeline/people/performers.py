"""Hands that play a part in a clip: which pose, when they come and leave, and where they are meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from data_pipeline.people.assets import load_assets
from data_pipeline.people.body import Body
from data_pipeline.people.clothing import THICKNESS, Garment
from data_pipeline.people.contact import Surface, rest_on
from data_pipeline.people.geometry import Floats, floats, smoothstep, triangles_of, vector
from data_pipeline.people.hand_poses import HAND_POSES, LANDMARKS, PAIRS, HandPose
from data_pipeline.people.hands import Hand, Thumb, hand_matrix, hand_mesh, hand_normals
from data_pipeline.people.held import end_of, make_held
from data_pipeline.people.motion import Sway, Visit
from data_pipeline.people.occlusion import openness
from data_pipeline.people.posing import PosedHand
from data_pipeline.people.things import Thing

_LOOSE = 0.12  # of the things that a hand would hold
_SKY = 8  # directions in which fingers shade each other


class HandOwner(Protocol):
    """Is whose hand plays a part: a `Person`, or an `Arm`."""

    body: Body
    hand: Hand
    garment: Garment
    things: tuple[Thing, ...]


@dataclass(frozen=True)
class HandPart:
    """Says what a hand does in a clip.

    Attributes:
        pose: of `HAND_POSES`.
        right: whether it is the right hand.
        visit: when it comes.
        other: whether it is another person's.
        seed: of what is left to draw once the person is known.
        loose: whether only what it holds is seen, as if it hung there or were thrown.
        thing: of `held.THINGS`, in the place of what the pose holds.
    """

    pose: str
    right: bool
    visit: Visit
    other: bool
    seed: tuple[int, ...]
    loose: bool = False
    thing: str = ""

    def make(self, hand: Hand) -> Thing | None:
        """Makes what it holds, if anything."""
        pose = HAND_POSES[self.pose]
        rng = np.random.default_rng([*self.seed, 1])
        name = self.thing or pose.holds
        return make_held(name, rng, hand, _pinch(pose, hand)) if name else None


def _pinch(pose: HandPose, hand: Hand) -> Floats | None:
    """Where thumb and first finger meet in a pose, in hand coordinates, or None where they need not."""
    if pose.pinch is None:
        return None
    curl, thumb = hand.pinched(floats(pose.curl), pose.thumb, pose.spread, pose.pinch)
    return floats(hand.tip(1, curl, thumb, pose.spread) + hand.tip(2, curl, thumb, pose.spread)) / 2


def _offset(pose: HandPose, hand: Hand, thing: Thing | None) -> Floats:
    """Where the palm is, from the pose's landmark: as the table says, or so that what is pinched ends there."""
    pinch = _pinch(pose, hand)
    if pinch is None or thing is None:
        return floats(pose.offset)
    axes = hand_matrix(floats(pose.fingers), floats(pose.palm), vector(0, 0, 0), right=False)[:3, :3]
    return floats(-axes @ end_of(thing, pinch))


def draw_hands(rng: np.random.Generator, duration: float, share: float, things: bool) -> list[HandPart]:
    """Draws the hands of a clip: none, one, or both; `share` of the clips have any."""
    if rng.random() >= share:
        return []
    if rng.random() < 0.15:
        names: Sequence[str] = PAIRS[int(rng.integers(len(PAIRS)))]
        sides = [False, True]
    else:
        known = [name for name, pose in HAND_POSES.items() if things or not pose.holds]
        weights = np.array([HAND_POSES[name].weight for name in known])
        names, sides = [known[int(rng.choice(len(known), p=weights / weights.sum()))]], [bool(rng.random() < 0.6)]
    start = float(rng.uniform(-1.2, 0.5 * duration)) if rng.random() < 0.6 else -1.0
    way, stay = float(rng.uniform(0.3, 0.8)), float(rng.uniform(0.3, 1.0)) * (duration + 1)
    parts = []
    for name, right in zip(names, sides, strict=True):
        side = -1 if right else 1
        origin = np.array([1.6 * side, -2.2, 0.9]) * rng.uniform(0.8, 1.2, 3)
        visit = Visit(start + float(rng.uniform(0, 0.15)), way, stay, origin)
        other = bool(rng.random() < 0.07) and not HAND_POSES[name].holds
        parts.append(HandPart(name, right, visit, other, tuple(int(n) for n in rng.integers(0, 2**31, 2))))
    if HAND_POSES[names[0]].holds and rng.random() < _LOOSE:
        parts = [replace(parts[0], loose=True)]
    return parts


class HandActor:
    """Plays the part of a hand of a person.

    Args:
        owner: whose hand it is.
        part: what it does.
        thing: the number of the owner's thing that it holds, or None.
    """

    def __init__(self, owner: HandOwner, part: HandPart, thing: int | None):
        rng = np.random.default_rng(part.seed)
        pose, self._visit = HAND_POSES[part.pose], part.visit
        mirror = vector(-1 if part.right else 1, 1, 1)
        fingers, palm = (
            (floats(v) + rng.normal(0, 0.08, 3).astype(np.float32)) * mirror for v in (pose.fingers, pose.palm)
        )
        landmark = owner.body.landmark(floats(LANDMARKS[pose.landmark]) * mirror)
        offset = _offset(pose, owner.hand, None if thing is None else owner.things[thing])
        offset = offset * np.float32(owner.body.scale)
        place = landmark + (offset + rng.normal(0, pose.free, 3).astype(np.float32)) * mirror
        matrix = hand_matrix(fingers, palm, owner.body.head + place, part.right)
        curl = floats(pose.curl) + rng.normal(0, 0.05, (4, 1)).astype(np.float32)
        thumb: Thumb = tuple(float(angle + rng.normal(0, 0.06)) for angle in pose.thumb)
        spread = pose.spread + float(rng.normal(0, 0.04))
        if pose.pinch is not None:
            curl, thumb = owner.hand.pinched(curl, thumb, spread, pose.pinch)
        if pose.touches:
            surface = _surface(owner, matrix)
            vertices, matrix = rest_on(surface, owner.hand, curl, thumb, spread, matrix)
        else:
            vertices = owner.hand.bent(curl, thumb, spread)
        normals = hand_normals(vertices)
        sleeve = smoothstep(-0.02, 0.12, owner.hand.forearm - owner.garment.sleeve)
        vertices = vertices + normals * (THICKNESS * sleeve)[:, None]
        shade = openness(
            vertices, normals, vertices, hand_mesh().triangles, vector(0, 0, 0), _hand_sky(), half=2.0, side=128
        )
        held = () if thing is None else (thing,)
        self._hand = PosedHand(
            vertices,
            normals,
            matrix,
            pose.follows,
            held,
            0.25 + 0.75 * np.clip(shade * 1.1, 0, 1),
            "other hand" if part.other else "hand",
            part.loose,
        )
        self._lively = Sway(rng, np.zeros(3), 0.02 if pose.touches else 0.06, 0.6)

    def at(self, time: float) -> PosedHand | None:
        """Returns the hand at a time in seconds, or None while it is away."""
        offset = self._visit.offset(time)
        if offset is None:
            return None
        matrix = self._hand.matrix.copy()
        matrix[:3, 3] += (offset + self._lively.at(time)).astype(np.float32)
        return replace(self._hand, matrix=matrix)

    def speed(self, time: float) -> float:
        """Returns how fast it moves at a time, in decimetres a second."""
        now, then = self._visit.offset(time), self._visit.offset(time + 0.02)
        return 0.0 if now is None or then is None else float(np.linalg.norm(then - now)) / 0.02


def _surface(owner: HandOwner, matrix: Floats) -> Surface:
    """The head with what is worn on it, without the shoulders, for these would stop the hand."""
    assets = load_assets()
    triangles = triangles_of(assets.quads_of("head"))
    low = assets.positions[assets.mesh_vertex[triangles], 1].min(1)
    points, triangles = owner.body.positions[assets.mesh_vertex], triangles[low > 6.15]
    for part in (p for thing in owner.things if thing.attachment == "head" for p in thing.parts if not p.pane):
        triangles = np.concatenate([triangles, part.triangles + np.int32(len(points))])
        points = np.concatenate([points, part.vertices])
    return Surface(points.astype(np.float32), triangles, matrix[:3, 3], matrix[:3, 1])


def _hand_sky() -> Floats:
    index = np.arange(_SKY) + 0.5
    z, angle = 1 - 2 * index / _SKY, index * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], 1).astype(np.float32)
