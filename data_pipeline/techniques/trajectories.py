"""How occluders move in life, by what they are: hands reach in, cups are held up, glasses are worn, smoke drifts.

All times are those of the scene's clock, in [0, 1] over a movement of which the clip may see a part: what comes and
goes leaves stretches without an occlusion inside clips. Directions (x, y) are the frame's, y downwards.
"""

from collections.abc import Callable
from fnmatch import fnmatch
from typing import NamedTuple

import numpy as np

from data_pipeline.motion import moving_affine, rotation, scaling, transform_points, translation
from data_pipeline.techniques.arms import lengthen_arm, turn_arm_down
from data_pipeline.techniques.layers import Layer, Rect, bounds
from data_pipeline.techniques.options import OcclusionOptions
from data_pipeline.techniques.scene import Scene


class Occluder(NamedTuple):
    """An occluder that has no way yet: its layer, its category, and its size as a range of shares of the face's box."""

    layer: Layer
    category: str
    area: tuple[float, float]


class Placed(NamedTuple):
    """An occluder on its way: its layer, from its points to the frames (T, 3, 3), and its opacity (T,) or 1."""

    layer: Layer
    path: np.ndarray
    opacity: np.ndarray | None = None


Trajectory = Callable[[np.random.Generator, Scene, Occluder, OcclusionOptions], Placed]


_KINDS: list[tuple[tuple[str, ...], Trajectory]] = []


def draw_trajectory(
    rng: np.random.Generator,
    scene: Scene,
    layer: Layer,
    category: str,
    settings: OcclusionOptions,
    area: tuple[float, float],
) -> Placed:
    """Draws how an occluder moves, by its category; its bounding box takes a share in `area` of the face's."""
    kind = affine if settings.trajectory == "affine" else kind_of(category)
    return kind(rng, scene, Occluder(layer, category, area), settings)


def kind_of(category: str) -> Trajectory:
    """Returns the kind of movement that a category of occluders has."""
    name = category.lower()
    return next((kind for patterns, kind in _KINDS if any(fnmatch(name, pattern) for pattern in patterns)), hold)


def _moves(*patterns: str) -> Callable[[Trajectory], Trajectory]:
    """Says which categories of occluders, as patterns, move so; the first that fits counts, and the rest is held."""

    def note(trajectory: Trajectory) -> Trajectory:
        _KINDS.append((patterns, trajectory))
        return trajectory

    return note


@_moves("*hand*", "hiu*", "11k*", "arm", "arms")
def reach(rng: np.random.Generator, scene: Scene, occluder: Occluder, settings: OcclusionOptions) -> Placed:
    """Moves a hand: it comes from outside, stays with its fingers on the face, leaves; its arm reaches the border."""
    layer, lean = turn_arm_down(occluder.layer)
    mirrored = rng.random() < settings.flip
    down = np.array([lean, 1.0]) / np.hypot(lean, 1)
    scale = _scale(rng, scene.box, layer, occluder.area)
    along = layer.outline @ down
    tip = layer.outline[along.argmin()]
    anchor = tip + down * (np.ptp(along) * rng.uniform(0.1, 0.45))

    target = _point(rng, scene.box, (0.1, 0.9), (0.15, 0.95))
    outward = (target - scene.box.centre) / (scene.box.right - scene.box.left) + (0, 0.45) + rng.normal(0, 0.15, 2)
    outward /= max(np.hypot(*outward), 1e-6)
    mirror = scaling(-1 if mirrored else 1, 1)
    heading = mirror[:2, :2] @ down
    turn = np.rad2deg(np.arctan2(outward[1], outward[0]) - np.arctan2(heading[1], heading[0]))
    place = translation(*target) @ rotation(turn) @ mirror @ scaling(scale) @ translation(*-anchor)

    # The arm is long enough that its end is outside, wherever it sways to.
    border = _way_out(target, outward, scene.side)
    missing = (1.3 * border + 0.2 * scene.side) / scale - (along.max() - anchor @ down)
    if missing > 0:
        layer = lengthen_arm(layer, lean, int(np.ceil(missing / np.hypot(lean, 1))))
    elbow = target + outward * border
    away = _distance_to_leave(transform_points(place, layer.outline), outward, scene.side)
    offset = away * (1 - _presence(rng, scene.clock, settings.visits))
    swaying = _sway(rng, scene.clock, 4.0, 0.012 * scene.side, elbow)
    return Placed(layer, _translations(offset[:, None] * outward) @ swaying @ place)


def hold(rng: np.random.Generator, scene: Scene, occluder: Occluder, settings: OcclusionOptions) -> Placed:
    """Moves a thing that is held before the lower face: raised from below, kept there not quite still, lowered."""
    layer = occluder.layer
    target = _point(rng, scene.box, (0.15, 0.85), (0.35, 0.95))
    place = _upright(rng, scene, layer, settings, occluder.area, target, 15.0)
    downward = np.deg2rad(rng.normal(90, 30))
    outward = np.array([np.cos(downward), np.sin(downward)])
    away = _distance_to_leave(transform_points(place, layer.outline), outward, scene.side)
    offset = away * (1 - _presence(rng, scene.clock, settings.visits))
    swaying = _sway(rng, scene.clock, 5.0, 0.02 * scene.side, tuple(target))
    return Placed(layer, _translations(offset[:, None] * outward) @ swaying @ place)


@_moves("*glasses*", "eyewear", "mask", "masks", "scarf", "hat", "beard")
def wear(rng: np.random.Generator, scene: Scene, occluder: Occluder, settings: OcclusionOptions) -> Placed:
    """Puts glasses, masks and scarves level, where they belong on the face, with which they move."""
    layer = occluder.layer
    height, width = next(
        (worn for pattern, worn in _WORN.items() if fnmatch(occluder.category.lower(), pattern)),
        (rng.uniform(0.2, 0.8), 0.9),
    )
    face, points = scene.face, layer.outline
    angle = _tilt(points)
    box = bounds(points, rotation(-angle))
    x, y = transform_points(rotation(angle), np.array([box.centre]))[0]
    scale = (face.right - face.left) * width * rng.uniform(0.92, 1.1) / max(box.right - box.left, 1.0)
    mirror = scaling(-1 if rng.random() < settings.flip else 1, 1)
    spot = translation(face.centre[0], face.top + (face.bottom - face.top) * (height + rng.normal(0, 0.02)))
    place = spot @ rotation(rng.normal(0, 3)) @ mirror @ rotation(-angle) @ scaling(scale) @ translation(-x, -y)
    return Placed(layer, scene.path @ place)


@_moves("*smoke*", "*cloud*", "fire", "steam", "mist", "fog", "water_spray")
def drift(rng: np.random.Generator, scene: Scene, occluder: Occluder, settings: OcclusionOptions) -> Placed:
    """Moves smoke: it rises slowly, grows, turns a little, and thins out before and after it is there."""
    layer = occluder.layer
    target = _point(rng, scene.box, (0.0, 1.0), (0.0, 1.0))
    least, most = occluder.area
    place = _upright(rng, scene, layer, settings, (1.5 * least, 2.5 * most), target, 40.0)
    upward = np.deg2rad(rng.normal(-90, 40))
    velocity = rng.uniform(0.1, 0.5) * scene.side * np.array([np.cos(upward), np.sin(upward)])
    since = scene.clock - rng.random()
    growth, spin = 1 + rng.uniform(0.1, 0.5) * scene.clock, rng.normal(0, 15) * since
    moves = [
        translation(*(target + velocity * s)) @ rotation(turn) @ scaling(size) @ translation(*-target)
        for s, turn, size in zip(since, spin, growth, strict=True)
    ]
    return Placed(layer, np.stack(moves) @ place, _presence(rng, scene.clock, settings.visits))


@_moves("leaf", "leaves", "plant_leaf", "insect", "blob", "shape", "water_drop", "motion")
def cross(rng: np.random.Generator, scene: Scene, occluder: Occluder, settings: OcclusionOptions) -> Placed:
    """Moves a leaf, an insect: it flies through the picture, over the face at a moment near those of the clip."""
    layer = occluder.layer
    target = _point(rng, scene.box, (0.1, 0.9), (0.1, 0.9))
    place = _upright(rng, scene, layer, settings, occluder.area, target, 180.0)
    way = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.cos(way), np.sin(way)])
    speed = 2 * _distance_to_leave(transform_points(place, layer.outline), direction, scene.side)
    since = scene.clock - rng.uniform(scene.clock[0] - 0.1, scene.clock[-1] + 0.1)
    spin = rng.normal(0, 120) * since
    moves = [
        translation(*(target + direction * speed * s)) @ rotation(turn) @ translation(*-target)
        for s, turn in zip(since, spin, strict=True)
    ]
    return Placed(layer, np.stack(moves) @ place)


def affine(rng: np.random.Generator, scene: Scene, occluder: Occluder, settings: OcclusionOptions) -> Placed:
    """Puts anything at any point of the face, its upper side outward as NatOcc has it, moved by RVM's affine."""
    layer = occluder.layer
    target = _point(rng, scene.box, (0.0, 1.0), (0.0, 1.0))
    x, y = target - scene.box.centre
    turn = np.rad2deg(np.arctan2(x, -y))
    place = (
        translation(*target) @ rotation(turn) @ _upright(rng, scene, layer, settings, occluder.area, np.zeros(2), 0.0)
    )
    return Placed(layer, moving_affine(rng, scene.clock, scene.side) @ place)


# How far down the face their middle is, and their width, both as shares of the face's.
_WORN = {"*glasses*": (0.36, 1.02), "eyewear": (0.36, 1.02), "mask*": (0.72, 1.1), "scarf": (0.92, 1.35),
         "hat": (0.0, 1.3), "beard": (0.9, 0.9)}  # fmt: skip


def _scale(rng: np.random.Generator, face: Rect, layer: Layer, area: tuple[float, float]) -> float:
    return float(np.sqrt(face.area * rng.uniform(*area) / max(bounds(layer.outline, np.eye(3)).area, 1.0)))


def _point(rng: np.random.Generator, box: Rect, x: tuple[float, float], y: tuple[float, float]) -> np.ndarray:
    """A point of the box; ranges are shares of its width and height."""
    across, down = rng.uniform(*x), rng.uniform(*y)
    return np.array([box.left + across * (box.right - box.left), box.top + down * (box.bottom - box.top)])


def _upright(
    rng: np.random.Generator,
    scene: Scene,
    layer: Layer,
    settings: OcclusionOptions,
    area: tuple[float, float],
    target: np.ndarray,
    tilt: float,
) -> np.ndarray:
    """The layer's middle on `target`, as in its picture but for a flip and up to `tilt` degrees."""
    x, y = bounds(layer.outline, np.eye(3)).centre
    scale = _scale(rng, scene.box, layer, area)
    mirror = scaling(-1 if rng.random() < settings.flip else 1, 1)
    return np.asarray(
        translation(*target) @ rotation(rng.uniform(-tilt, tilt)) @ mirror @ scaling(scale) @ translation(-x, -y)
    )


def _presence(rng: np.random.Generator, clock: np.ndarray, visits: float) -> np.ndarray:
    """How present something is (T,), 0..1: all along, or coming and going softly, each perhaps beyond the movement."""
    if rng.random() >= visits:
        return np.ones(len(clock))
    arrival, departure = rng.uniform(-0.4, 0.3), rng.uniform(0.7, 1.4)
    come, go = rng.uniform(0.12, 0.3, 2)
    return np.asarray(_soft_step((clock - arrival) / come) * (1 - _soft_step((clock - departure + go) / go)))


def _soft_step(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return np.asarray(x * x * (3 - 2 * x))


def _sway(
    rng: np.random.Generator, clock: np.ndarray, degrees: float, pixels: float, pivot: tuple[float, float] | np.ndarray
) -> np.ndarray:
    """The unrest of what is held (T, 3, 3): three slow waves, of a turn about `pivot` and of a shift."""
    waves = np.sin(2 * np.pi * (clock[:, None] * rng.uniform(0.4, 1.5, 3) + rng.random(3))) * rng.random(3)
    return np.stack(
        [
            translation(pivot[0] + pixels * x, pivot[1] + pixels * y)
            @ rotation(degrees * turn)
            @ translation(-pivot[0], -pivot[1])
            for turn, x, y in waves
        ]
    )


def _translations(offsets: np.ndarray) -> np.ndarray:
    return np.stack([translation(x, y) for x, y in offsets])


def _way_out(start: np.ndarray, direction: np.ndarray, side: int) -> float:
    """How far it is from a point of the frame to the border in that direction."""
    limits = np.where(direction > 0, side - start, start)
    return float(np.min(limits / np.maximum(np.abs(direction), 1e-6)).clip(0))


def _distance_to_leave(points: np.ndarray, direction: np.ndarray, side: int) -> float:
    """How far points must go in that direction to be out of the frame, for certain."""
    corners = np.array([(0, 0), (0, side), (side, 0), (side, side)])
    return float(max((corners @ direction).max() - (points @ direction).min() + 8, 0.0))


def _tilt(points: np.ndarray) -> float:
    """The angle, within ±45 degrees, of the longest extent of points (N, 2) that lie flat."""
    turns = np.arange(-45.0, 46.0, 3.0)
    heights = [np.ptp(transform_points(rotation(-turn), points)[:, 1]) for turn in turns]
    return float(turns[int(np.argmin(heights))])
