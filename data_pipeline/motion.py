"""Movement through a clip: when each frame is taken, and where the layers are at that time.

Matrices are 3×3, map a layer's points to the frame's, and live in continuous coordinates: pixel (i, j) covers
[j, j+1] × [i, i+1], its centre is at +0.5, and the frame's centre is at side / 2. They compose by `@`, the first to
act on the right; `pixel_matrix` converts the product once, for OpenCV. Angles are in degrees, clockwise as seen.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from data_pipeline.easing import draw_easing

SPEEDS = (0.5, 1, 2, 3, 4, 5)  # at which RVM plays videos


class Affine(NamedTuple):
    """Parameters of an affine transform about the frame's centre."""

    angle: float = 0.0  # degrees, clockwise
    x: float = 0.0  # pixels
    y: float = 0.0
    scale: float = 1.0
    shear: float = 0.0  # degrees, along x


def draw_affine(
    rng: np.random.Generator,
    side: int,
    *,
    angle: float = 10.0,
    shift: float = 0.1,
    scale: tuple[float, float] = (0.9, 1.1),
    shear: float = 5.0,
) -> Affine:
    """Draws parameters uniformly: ±`angle`, ±`shift` of the side (to whole pixels), `scale`, ±`shear`."""
    x, y = np.round(rng.uniform(-shift, shift, 2) * side)
    return Affine(
        rng.uniform(-angle, angle), float(x), float(y), rng.uniform(scale[0], scale[1]), rng.uniform(-shear, shear)
    )


def affine_matrix(affine: Affine, side: int) -> np.ndarray:
    """Returns the matrix translate · centre · rotate · shear · scale · centre⁻¹, which is torchvision's `F.affine`."""
    radians, tangent = np.deg2rad(affine.angle), np.tan(np.deg2rad(affine.shear))
    cos, sin = np.cos(radians), np.sin(radians)
    linear = affine.scale * np.array([[cos, -sin - cos * tangent], [sin, cos - sin * tangent]])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = side / 2 + np.array([affine.x, affine.y]) - linear @ (side / 2, side / 2)
    return matrix


def moving_affine(rng: np.random.Generator, clock: np.ndarray, side: int) -> np.ndarray:
    """Draws two affines and an easing, and moves from one to the other: matrices (T, 3, 3) for the times in `clock`."""
    start, end = np.array(draw_affine(rng, side)), np.array(draw_affine(rng, side))
    easing = draw_easing(rng)
    way = [easing(u) for u in clock]
    return np.stack([affine_matrix(Affine(*(start * (1 - p) + end * p)), side) for p in way])


def draw_clock(
    rng: np.random.Generator, frames: int, span: tuple[int, int] = (0, 26), random_start: bool = True
) -> np.ndarray:
    """Draws the times (T,) in [0, 1] at which a clip's frames see the movement.

    A movement lasts a virtual clip of V frames, V uniform in `span` and never below `frames`, of which the clip is a
    part: its frame t is taken at (s + t) / (V − 1), the start s uniform, or 0 without `random_start`. So a short clip
    sees the slow movement that neighbouring frames of a video have. A span of (0, 0) is RVM's: the clip sees it all.
    """
    shortest = max(frames, span[0])
    length = int(rng.integers(shortest, max(shortest, span[1]) + 1))
    start = int(rng.integers(length - frames + 1)) if random_start else 0
    return (start + np.arange(frames)) / max(length - 1, 1)


def draw_frame_choice(
    rng: np.random.Generator, frames: int, speeds: Sequence[float] = SPEEDS
) -> Callable[[int], list[int]]:
    """Draws which frames of a video a clip has: a function from the video's length to their numbers (RVM's sampler).

    They start anywhere, run at a speed drawn from `speeds`, backwards in every second clip, and where the video ends
    they continue at its other end.
    """
    start, shift, backwards = rng.random(), int(rng.integers(frames)), rng.random() < 0.5
    speed = speeds[int(rng.integers(len(speeds)))]
    steps = [int(t * speed) + shift for t in range(frames)]
    if backwards:
        steps.reverse()

    def choose(length: int) -> list[int]:
        first = int(start * max(1, length - frames))
        return [(first + step) % length for step in steps]

    return choose


def pause(rng: np.random.Generator, clock: np.ndarray) -> np.ndarray:
    """Freezes time at a frame p uniform in 0..T−2: fewer than T − p of the frames after it see the time of p again."""
    frames = len(clock)
    if frames < 2:
        return clock
    first = int(rng.integers(frames - 1))
    length = int(rng.integers(frames - first))
    clock = clock.copy()
    clock[first + 1 : first + length] = clock[first]
    return clock


def translation(x: float, y: float) -> np.ndarray:
    """Moves by (x, y) pixels."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def scaling(x: float, y: float | None = None) -> np.ndarray:
    """Scales about the origin, by x and y (by x alone where y is not given)."""
    return np.diag([x, x if y is None else y, 1.0])


def rotation(degrees: float) -> np.ndarray:
    """Rotates about the origin, clockwise as seen."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def about(point: tuple[float, float], matrix: np.ndarray) -> np.ndarray:
    """Returns the matrix, acting about `point` (x, y) in place of the origin."""
    return np.asarray(translation(*point) @ matrix @ translation(-point[0], -point[1]))


def horizontal_flip(side: int) -> np.ndarray:
    """Mirrors left and right within a frame of that width."""
    return about((side / 2, side / 2), scaling(-1, 1))


def transform_points(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Maps points (N, 2), given as x, y."""
    return np.asarray(points @ matrix[:2, :2].T + matrix[:2, 2])


def pixel_matrix(matrix: np.ndarray) -> np.ndarray:
    """Returns the 2×3 matrix for `cv2.warpAffine`, whose whole coordinates are pixel centres."""
    return np.asarray((translation(-0.5, -0.5) @ matrix @ translation(0.5, 0.5))[:2])
