"""Faces cut out of large frames, upright and of one size, and mattes put back (OpenCV).

The square is that of CelebA-HQ and FFHQ (Karras et al. 2018, arXiv 1710.10196, appendix C), on which face datasets are
aligned: networks trained on those see faces as they know them.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import cv2
import numpy as np

from rvm_jax.media.aspect import display_size
from rvm_jax.media.face_templates import fit_square, template_points

# A detector's box reaches from the top of the forehead to the chin; with d from the eyes to the mouth, that is about
# 2.7 d, centred 0.4 d below the eyes. The square has a side of 3.6 to 4 d, centred 0.1 d below the eyes.
_BOX_SCALE = 1.45
_BOX_RISE = 0.11
# The face in the square, as an ellipse: how far its centre lies below the square's, and its half axes across and
# along, in sides of the square. It stays within the skin of a face with nothing before it, from the brows to the chin
# and from cheek to cheek: what it reaches over of hair or background would count as hidden.
_ELLIPSE_DROP = 0.09
_ELLIPSE_AXES = (0.22, 0.3)


class Pose(NamedTuple):
    """A square in the frame as it is shown, with square pixels: its centre and side in those, and by how many radians
    it is turned clockwise; and the face program's template that it follows, if any."""

    x: float
    y: float
    side: float
    angle: float
    template: str | None = None


def pose_from_landmarks(points: np.ndarray, template: str | None = None) -> Pose:
    """Returns the square of a face of landmarks (5, 2): the eyes, the nose, the corners of the mouth, (x, y) in
    pixels; of each pair the one that is left in the picture first. A `template` gives a face program's square."""
    if template is not None:
        return Pose(*fit_square(points, template), template)
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    across, down = points[1] - points[0], mouth - eyes
    x = across + np.array([down[1], -down[0]])
    x *= max(2.0 * np.hypot(*across), 1.8 * np.hypot(*down)) / np.hypot(*x)
    centre = eyes + 0.1 * down
    return Pose(float(centre[0]), float(centre[1]), 2 * float(np.hypot(*x)), math.atan2(x[1], x[0]))


def pose_from_box(x: float, y: float, width: float, height: float) -> Pose:
    """Returns the upright square of a face in this box (left, top, width, height in pixels)."""
    return Pose(x + width / 2, y + (0.5 - _BOX_RISE) * height, _BOX_SCALE * max(width, height), 0.0)


def crop(frame: np.ndarray, pose: Pose, side: int, pixel_aspect: Fraction = Fraction(1)) -> np.ndarray:
    """Cuts the square out, (side, side, 3); beyond the frame its edge is mirrored."""
    scale = side / pose.side
    matrix = _to_square(pose, side, pixel_aspect)
    while scale <= 0.5 and min(frame.shape[:2]) > 1:  # bilinear sampling would pass over pixels
        # pyrDown keeps every second pixel, from the first: coordinates halve.
        frame, scale = cv2.pyrDown(frame), 2 * scale
        matrix = matrix @ np.diag([2.0, 2.0, 1.0])
    return cv2.warpAffine(frame, matrix[:2], (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def paste(square: np.ndarray, pose: Pose, size: tuple[int, int], pixel_aspect: Fraction = Fraction(1)) -> np.ndarray:
    """Puts a square (side, side) or (side, side, C) back into a frame (height, width) of zeros."""
    matrix = np.linalg.inv(_to_square(pose, square.shape[0], pixel_aspect))
    return cv2.warpAffine(square, matrix[:2], size[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def face_ellipse(pose: Pose, size: tuple[int, int], pixel_aspect: Fraction = Fraction(1)) -> np.ndarray:
    """Returns the region (height, width) uint8, 0 or 255, where the face is taken to lie in the square: an ellipse."""
    if pixel_aspect != 1:
        shown = face_ellipse(pose, display_size(size, pixel_aspect))
        stretched: np.ndarray = cv2.resize(shown, size[::-1], interpolation=cv2.INTER_NEAREST)
        return stretched
    pose = _without_template(pose)
    region = np.zeros(size, np.uint8)
    across, along = (max(1, round(axis * pose.side)) for axis in _ELLIPSE_AXES)
    drop = _ELLIPSE_DROP * pose.side
    centre = (round(pose.x - drop * math.sin(pose.angle)), round(pose.y + drop * math.cos(pose.angle)))
    cv2.ellipse(region, centre, (across, along), math.degrees(pose.angle), 0, 360, 255, cv2.FILLED)
    return region


def _without_template(pose: Pose) -> Pose:
    """The project's own square of the face that lies in a template's square as the template says."""
    if pose.template is None:
        return pose
    own = pose_from_landmarks(template_points(pose.template))
    cosine, sine = pose.side * math.cos(pose.angle), pose.side * math.sin(pose.angle)
    x, y = own.x - 0.5, own.y - 0.5
    return Pose(
        pose.x + cosine * x - sine * y, pose.y + sine * x + cosine * y, pose.side * own.side, pose.angle + own.angle
    )


def _to_square(pose: Pose, side: int, pixel_aspect: Fraction) -> np.ndarray:
    """The matrix (3, 3) from the frame's pixels to the square's."""
    scale = side / pose.side
    cosine, sine = scale * math.cos(pose.angle), scale * math.sin(pose.angle)
    middle = (side - 1) / 2
    from_shown = np.array(
        [
            [cosine, sine, middle - cosine * pose.x - sine * pose.y],
            [-sine, cosine, middle + sine * pose.x - cosine * pose.y],
            [0.0, 0.0, 1.0],
        ]
    )
    stretch = float(pixel_aspect)  # the middle of pixel 0 lies at half its width
    return from_shown @ np.array([[stretch, 0.0, (stretch - 1) / 2], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


class PoseSmoother:
    """Smooths a pose by the One Euro filter (Casiez et al. 2012): steady while the face rests, prompt while it moves.

    Args:
      rate: frames per second.
      min_cutoff: hertz, the cutoff for a face at rest; lower is steadier.
      beta: how much the cutoff grows with speed, in hertz per side of the square and second; higher is prompter.
    """

    def __init__(self, rate: float, min_cutoff: float = 1.0, beta: float = 4.0):
        self._rate, self._min_cutoff, self._beta = rate, min_cutoff, beta
        self._value: np.ndarray | None = None
        self._speed = np.zeros(4)

    def __call__(self, pose: Pose) -> Pose:
        """Takes the next measured pose, returns the smoothed one."""
        # The side by its logarithm, so that all speeds are relative to the square.
        value = np.array([pose.x, pose.y, math.log(pose.side), pose.angle])
        if self._value is None:
            self._value = value
            return pose
        turn = value[3] - self._value[3]
        value[3] = self._value[3] + math.remainder(turn, 2 * math.pi)
        unit = np.array([pose.side, pose.side, 1.0, 1.0])
        speed = (value - self._value) * self._rate
        self._speed += self._weight(1.0) * (speed - self._speed)
        cutoff = self._min_cutoff + self._beta * np.abs(self._speed) / unit
        self._value = self._value + self._weight(cutoff) * (value - self._value)
        x, y, side, angle = self._value
        return Pose(float(x), float(y), math.exp(side), float(angle), pose.template)

    def _weight(self, cutoff: float | np.ndarray) -> float | np.ndarray:
        return 1 / (1 + self._rate / (2 * math.pi * cutoff))
