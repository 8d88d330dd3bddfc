"""The bones of a hand in some gesture, in three dimensions, and the relief of the flesh around them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from data_pipeline.drawn.curves import Fit, Points, capsule
from data_pipeline.drawn.fields import grid

CELLS = 72  # a side of the relief
# Hand units: the wrist is the origin, fingers point up, the knuckles lie near y = -1. One row a finger, index finger
# first: x and y of its knuckle, its length, its radius at the knuckle.
FINGERS = (
    (-0.33, -0.97, 0.86, 0.115),
    (-0.11, -1.05, 0.97, 0.12),
    (0.11, -1.01, 0.9, 0.112),
    (0.31, -0.88, 0.7, 0.098),
)
_SHARES = (0.45, 0.3, 0.25)  # of the three bones in a finger's length
_TAPER = (0.9, 0.92, 0.86)
# How common the gesture is; bend of the four knuckles and of the four middle joints in radians; spread of the fingers.
_GESTURES = {
    "open": (0.28, (0.1, 0.1, 0.1, 0.1), (0.15, 0.15, 0.15, 0.15), 0.16),
    "flat": (0.2, (0.05, 0.05, 0.05, 0.05), (0.08, 0.08, 0.08, 0.08), 0.02),
    "relaxed": (0.17, (0.3, 0.4, 0.5, 0.5), (0.35, 0.45, 0.5, 0.5), 0.07),
    "point": (0.09, (0.05, 1.3, 1.35, 1.3), (0.1, 1.5, 1.5, 1.5), 0.03),
    "victory": (0.08, (0.05, 0.05, 1.35, 1.3), (0.05, 0.05, 1.5, 1.5), 0.14),
    "fist": (0.08, (1.35, 1.35, 1.35, 1.35), (1.5, 1.5, 1.5, 1.5), 0.0),
    "cup": (0.1, (0.6, 0.6, 0.6, 0.6), (0.45, 0.45, 0.45, 0.45), 0.03),
}


@dataclass(frozen=True)
class Bone:
    """One bar of flesh from `a` to `b` (x, y, height towards the viewer), with a radius at each end."""

    a: np.ndarray
    b: np.ndarray
    ra: float
    rb: float

    @cached_property
    def outline(self) -> Points:
        return capsule(self.a[:2], self.b[:2], self.ra, self.rb)

    @property
    def axes(self) -> tuple[float, np.ndarray, np.ndarray]:
        """The visible length, and the unit vectors along and across the bone."""
        step = self.b[:2] - self.a[:2]
        length = float(np.hypot(*step))
        along = step / max(length, 1e-6)
        return length, along, np.array([-along[1], along[0]])


@dataclass(frozen=True)
class Hand:
    """A right hand seen from its back, or a left one from its palm; `fingers` ends with the thumb."""

    palm: list[Bone]
    fingers: list[list[Bone]]
    arm: Bone
    palm_side: bool

    @property
    def bones(self) -> list[Bone]:
        return [*self.palm, self.arm, *(bone for finger in self.fingers for bone in finger)]

    @staticmethod
    def draw(rng: np.random.Generator) -> "Hand":
        """Draws a random gesture of a random hand."""
        gestures = list(_GESTURES.values())
        _, knuckles, joints, spread = gestures[int(rng.choice(len(gestures), p=[g[0] for g in gestures]))]
        palm_side = bool(rng.random() < 0.45)
        front = 1.0 if palm_side else -1.0  # bent fingers come forward on the palm's side
        plump = rng.uniform(0.88, 1.12)
        spread *= rng.uniform(0.5, 1.4)
        fingers = []
        for k, (x, y, length, radius) in enumerate(FINGERS):
            lean = (k - 1.4) * spread + rng.normal(0, 0.025)
            bend = np.cumsum(rng.normal((knuckles[k], joints[k], 0.75 * joints[k]), 0.06))
            fingers.append(_finger(np.array([x, y, 0.0]), lean, bend, front, length, radius * plump))
        thumb_out = rng.uniform(0.15, 0.95) if spread > 0.05 else rng.uniform(-0.1, 0.35)
        fingers.append(_thumb(thumb_out, front, plump))
        palm = [
            Bone(np.array([0.5 * x, -0.12, -0.05]), np.array([x, y + 0.02, -0.02]), 0.2, 0.14) for x, y, *_ in FINGERS
        ]
        palm.append(Bone(np.array([0.2, -0.15, -0.02]), np.array([0.28, -0.55, -0.02]), 0.2, 0.17))  # ball of the hand
        elbow = np.array([rng.normal(0, 0.08), rng.uniform(0.6, 1.5), -0.1])
        return Hand(palm, fingers, Bone(np.array([0.0, -0.05, -0.05]), elbow, 0.25, 0.31), palm_side)


def _finger(joint: np.ndarray, lean: float, bend: np.ndarray, front: float, length: float, radius: float) -> list[Bone]:
    bones = []
    for share, taper, angle in zip(_SHARES, _TAPER, bend, strict=True):
        flat = np.cos(angle)
        step = share * length * np.array([np.sin(lean) * flat, -np.cos(lean) * flat, front * np.sin(angle)])
        bones.append(Bone(joint, joint + step, radius, radius * taper))
        joint, radius = joint + step, radius * taper
    return bones


def _thumb(out: float, front: float, plump: float) -> list[Bone]:
    first, second = -(0.45 + 0.6 * out), -(0.2 + 0.6 * out)
    base = np.array([-0.3, -0.28, 0.06 * front])
    middle = base + 0.42 * np.array([np.sin(first), -np.cos(first), 0.1])
    tip = middle + 0.44 * np.array([np.sin(second), -np.cos(second), 0.1])
    joint = (middle + tip) / 2 + np.array([-0.03, 0.01, 0])
    r = np.array([0.16, 0.13, 0.125, 0.09]) * plump
    return [Bone(base, middle, r[0], r[1]), Bone(middle, joint, r[1], r[2]), Bone(joint, tip, r[2], r[3])]


def relief(bones: list[Bone], fit: Fit) -> np.ndarray:
    """Heights (CELLS, CELLS), in canvas units, of the upper surface of all bars; beyond their edges it falls on."""
    x, y = grid((0.0, 0.0, 1.0, 1.0), CELLS)
    surface = np.full((CELLS, CELLS), -0.2, np.float32)
    for bone in bones:
        (ax, ay), (bx, by) = fit(np.stack([bone.a[:2], bone.b[:2]])).tolist()
        ra, rb = bone.ra * fit.scale, bone.rb * fit.scale
        reach = 1.4 * max(ra, rb)
        left, right = _cells(ax, bx, reach)
        top, bottom = _cells(ay, by, reach)
        px, py = x[:, left:right] - np.float32(ax), y[top:bottom] - np.float32(ay)
        dx, dy = bx - ax, by - ay
        square = max(dx * dx + dy * dy, 1e-6)
        t = np.clip(px * np.float32(dx / square) + py * np.float32(dy / square), 0, 1)
        away = (px - t * np.float32(dx)) ** 2 + (py - t * np.float32(dy)) ** 2
        radius = np.float32(ra) + np.float32(rb - ra) * t
        base = np.float32(bone.a[2] * fit.scale) + np.float32((bone.b[2] - bone.a[2]) * fit.scale) * t
        window = surface[top:bottom, left:right]
        # A parabola instead of a circle: its slope stays finite at the edge, so the light does too.
        np.maximum(window, base + np.float32(0.9) * (radius - away / radius), out=window)
    return surface


def _cells(a: float, b: float, reach: float) -> tuple[int, int]:
    low, high = (min(a, b) - reach) * CELLS, (max(a, b) + reach) * CELLS
    return min(max(int(low), 0), CELLS), min(max(int(high) + 1, 0), CELLS)
