"""A hand, what it holds, or that alone, cut out: lit before nothing, so that no edge has seen another colour."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from data_pipeline.drawn.canvas import straight_colours
from data_pipeline.people.arm import Arm
from data_pipeline.people.camera import Camera, develop, draw_blur, lens_blur
from data_pipeline.people.colour import to_bytes
from data_pipeline.people.frame import Scene, expose_posed
from data_pipeline.people.geometry import Floats, floats, rotation_x, rotation_y, rotation_z, transform
from data_pipeline.people.light import draw_exposure, draw_light, falling
from data_pipeline.people.posing import PosedHand, posed_alone
from data_pipeline.people.regions import Region

_MARGIN = 2  # pixels about what is seen; only the arm may touch the sides, where it is cut off
_FROM_ABOVE = (-0.4, 1.4)  # radians that a thing is tipped towards the camera
_FOREARM = (0.2, 0.9)  # decimetres of it that are in the picture


class CutOut(NamedTuple):
    """Holds `rgb`, uint8 (h, w, 3), straight colours that go on where the alpha is 0, and `alpha`, uint8 (h, w)."""

    rgb: np.ndarray
    alpha: np.ndarray


def cut_out(
    rng: np.random.Generator, arm: Arm, hand: PosedHand, size: int, *, shadows: bool = True, samples: int = 2
) -> CutOut:
    """Renders a hand with its things, or if it is loose these alone, cropped to what is seen.

    Args:
        rng: draws the view, the light, and how far up the arm is seen.
        arm: whose hand it is.
        hand: where it is.
        size: of the longer side, in pixels, about.
        shadows: whether the key light casts any.
        samples: a pixel's, along each side.
    """
    # What a hand holds is seen as it is held; what nobody holds may lie in any way, mostly seen from above.
    if hand.loose:
        turn = rotation_z(float(rng.normal(0, 0.5))) @ rotation_x(float(rng.uniform(*_FROM_ABOVE)))
    else:
        turn = rotation_z(float(rng.normal(0, 0.1))) @ rotation_x(float(rng.normal(0, 0.1)))
    hand = _turned(hand, turn @ rotation_y(float(rng.normal(0, 0.25))))
    blur = draw_blur(rng) * size / 512
    margin = _MARGIN + round(3 * blur)
    distance, reach = float(rng.uniform(6, 14)), float(rng.uniform(*_FOREARM))
    hand, camera, window = _framed(arm, hand, distance, reach, size, margin)

    light = draw_light(rng)
    scene = Scene(
        light,
        np.zeros((size, size, 3), np.float32),
        draw_exposure(rng, arm.skin, falling(light)),
        shadows=shadows,
        sensor=False,
    )
    linear, shares, _ = expose_posed(arm, posed_alone(arm, hand), scene, camera, size, samples)
    blank = np.zeros((size, size), np.float32)
    alpha = sum((share for region, share in shares.items() if region != Region.BACKGROUND), start=blank)
    linear, alpha = lens_blur(linear, blur)[window], lens_blur(alpha, blur)[window]
    straight = develop(linear / np.maximum(alpha, 1e-4)[..., None], scene.exposure)
    planes = np.concatenate([straight * alpha[..., None], alpha[..., None]], -1).transpose(2, 0, 1)
    rgb = to_bytes(straight_colours(planes.astype(np.float32)).transpose(1, 2, 0))
    return CutOut(np.ascontiguousarray(rgb), to_bytes(alpha))


def _turned(hand: PosedHand, turn: Floats) -> PosedHand:
    matrix = hand.matrix.copy()
    matrix[:3] = turn @ matrix[:3]
    return replace(hand, matrix=matrix)


def _framed(
    arm: Arm, hand: PosedHand, distance: float, reach: float, size: int, margin: int
) -> tuple[PosedHand, Camera, tuple[slice, slice]]:
    """Puts the hand into the middle of a picture that holds it, and `reach` of its forearm; returns the part it takes.

    The camera looks at the head joint, so it is the hand that is moved there.
    """
    points = [part.vertices for thing in (arm.things[number] for number in hand.things) for part in thing.parts]
    if not hand.loose:
        points.append(hand.vertices[arm.hand.forearm < reach])
    local = np.concatenate(points)
    matrix = hand.matrix.copy()
    world = transform(local, matrix)
    matrix[:3, 3] += arm.body.head - (world.min(0) + world.max(0)) / 2
    straight = Camera(distance, 1.0, 0.0, 0.0)
    for _ in range(2):  # the second time for what perspective moves
        low, high = _seen(local, matrix, straight, arm)
        matrix[:2, 3] -= (low + high) / 2 * distance
    low, high = _seen(local, matrix, straight, arm)
    half = float(np.abs([low, high]).max()) * distance * size / (size - 2 * margin)
    # From shares of the distance to pixels; y goes down there.
    scale = size / 2 * distance / half
    x0, x1, y0, y1 = (float(v) * scale + size / 2 for v in (low[0], high[0], -high[1], -low[1]))

    def span(first: float, last: float) -> slice:
        return slice(max(int(np.floor(first)) - margin, 0), min(int(np.ceil(last)) + margin, size))

    return replace(hand, matrix=matrix), replace(straight, half=half), (span(y0, y1), span(x0, x1))


def _seen(points: Floats, matrix: Floats, camera: Camera, arm: Arm) -> tuple[Floats, Floats]:
    """The left lower and the right upper corner (2,) of what is seen of points, over the distance."""
    view = transform(transform(points, matrix), camera.matrix(arm.body.head))
    flat = view[:, :2] / -view[:, 2:]
    return floats(flat.min(0)), floats(flat.max(0))
