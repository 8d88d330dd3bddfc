"""The squares in which face programs cut faces out, by the five points that each brings a face's landmarks to.

The points are FaceFusion's: the eyes, the nose and the corners of the mouth, as shares of the square.
"""

import math

import numpy as np

from rvm_jax.errors import UserError

TEMPLATES: dict[str, np.ndarray] = {
    name: np.array(points)
    for name, points in {
        "arcface_128": ((0.3617, 0.4039), (0.6370, 0.4024), (0.5002, 0.5604), (0.3871, 0.7216), (0.6151, 0.7203)),
        "ffhq_512": ((0.3769, 0.4686), (0.6229, 0.4691), (0.5012, 0.6133), (0.3931, 0.7254), (0.6115, 0.7249)),
        "dfl_whole_face": ((0.3534, 0.3929), (0.6280, 0.3929), (0.4866, 0.5402), (0.3884, 0.6875), (0.5982, 0.6875)),
    }.items()
}
# With d from the eyes to the mouth, a face from the top of the forehead to the chin measures 2.7 d, centred 0.4 d below
# the eyes.
_HEIGHT, _DROP = 2.7, 0.4


def template_points(name: str) -> np.ndarray:
    """Returns the five points (5, 2) of a template.

    Raises:
        UserError: an unknown name.
    """
    if name not in TEMPLATES:
        raise UserError(f"the face template '{name}' is unknown; use one of {', '.join(TEMPLATES)}")
    return TEMPLATES[name]


def fit_square(points: np.ndarray, name: str) -> tuple[float, float, float, float]:
    """Fits a template's square to landmarks by least squares, turned and scaled but not mirrored.

    Args:
        points: landmarks (5, 2) in pixels, in the template's order.
        name: of the template.

    Returns:
        The square's centre (x, y) and side in pixels, and by how many radians it is turned clockwise.
    """
    wanted = template_points(name)
    # As complex numbers: points = turn · wanted + shift.
    own, other = points @ (1, 1j), wanted @ (1, 1j)
    centred = other - other.mean()
    turn = np.vdot(centred, own - own.mean()) / np.vdot(centred, centred)
    middle = own.mean() + turn * (0.5 + 0.5j - other.mean())
    return float(middle.real), float(middle.imag), float(abs(turn)), math.atan2(turn.imag, turn.real)


def face_in_template(name: str) -> tuple[float, float, float]:
    """Returns where an upright face lies in a template's square: its centre (x, y) and its height, as shares."""
    points = template_points(name)
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    distance = mouth[1] - eyes[1]
    return float((eyes + mouth)[0] / 2), float(eyes[1] + _DROP * distance), float(_HEIGHT * distance)
