"""The Face Research Lab London Set as downloaded: photographs, and 189 landmarks each, whose spline is the face."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from data_pipeline.sources.adapter import adapter
from data_pipeline.sources.base import Request
from data_pipeline.sources.records import Pictures, Record, find_files, read_file
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import decode_picture

LANDMARKS = 189
# Clockwise in the picture, numbered from 0: the hairline, the temple and cheek on the right of the picture, the jaw,
# and up on the left. Ears, neck and hair are outside.
OUTLINE = (*range(134, 145), 112, 187, 113, 188, 114, *range(133, 124, -1), 111, 186, 110, 185, 109)
_STEPS = 16  # samples between two landmarks
_OVERSAMPLING = 4  # OpenCV fattens what it fills by half a sample


class Landmarks(NamedTuple):
    """What a face's mask is drawn from: the file of its landmarks, and its picture, whose size the mask has."""

    template: str
    picture: str


def _problem(template: str) -> str | None:
    try:
        count = len(read_landmarks(template))
    except UserError as error:
        return str(error)
    return None if count == LANDMARKS else f"{template} has {count} landmarks; frontal faces have {LANDMARKS}"


def read_landmarks(path: str) -> np.ndarray:
    """Reads the points of a template of WebMorph or PsychoMorph.

    The first line is their number, each of the next ones x and y between white space; lines of the drawing follow and
    are not read. Empty lines and those after a # are passed over.

    Returns:
        x, y in pixels, (n, 2).

    Raises:
        UserError: if it is no such file.
    """
    text = read_file(path).decode("utf-8-sig", "replace")
    lines = [line.replace(",", " ").split() for line in text.splitlines()]
    lines = [line for line in lines if line and not line[0].startswith("#")]
    try:
        count = int(lines[0][0])
        points = np.array([[float(value) for value in line[:2]] for line in lines[1 : count + 1]])
    except (IndexError, ValueError) as error:
        raise UserError(f"{path}: not a file of landmarks; its first line should be their number") from error
    if points.shape != (count, 2) or not np.isfinite(points).all():
        raise UserError(f"{path}: it announces {count} landmarks and has others; take it from the download again")
    return points


def read_face(mask: Landmarks) -> np.ndarray:
    """Draws a face's alpha, uint8 (h, w) of its picture's size, antialiased."""
    points = read_landmarks(mask.template)
    height, width = decode_picture(read_file(mask.picture), mask.picture).shape[:2]
    outline = closed_spline(points[list(OUTLINE)])
    fine = np.zeros((height * _OVERSAMPLING, width * _OVERSAMPLING), np.uint8)
    # OpenCV counts from the centres of samples, landmarks from the picture's corner.
    corners = np.rint((outline * _OVERSAMPLING - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(fine, [corners], 255, cv2.LINE_8, 4)
    return np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA))


def closed_spline(points: np.ndarray) -> np.ndarray:
    """Samples the closed centripetal Catmull-Rom spline through points (n, 2); uneven distances make no loops in it.

    Returns:
        (n * 16, 2), the points themselves among them.
    """
    p0, p1, p2, p3 = (np.roll(points, shift, 0)[:, None] for shift in (1, 0, -1, -2))

    def knot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray(np.maximum(np.sqrt(np.linalg.norm(b - a, axis=-1, keepdims=True)), 1e-6))

    t1 = knot(p0, p1)
    t2 = t1 + knot(p1, p2)
    t3 = t2 + knot(p2, p3)
    t = t1 + (t2 - t1) * (np.arange(_STEPS) / _STEPS)[None, :, None]
    a1 = ((t1 - t) * p0 + t * p1) / t1
    a2 = ((t2 - t) * p1 + (t - t1) * p2) / (t2 - t1)
    a3 = ((t3 - t) * p2 + (t - t2) * p3) / (t3 - t2)
    b1 = ((t2 - t) * a1 + t * a2) / t2
    b2 = ((t3 - t) * a2 + (t - t1) * a3) / (t3 - t1)
    return np.asarray(((t2 - t) * b1 + (t - t1) * b2) / (t2 - t1)).reshape(-1, 2)


@adapter(
    "Face Research Lab London Set",
    ("face",),
    source=partial(Pictures, read_mask=read_face),
    layout="{neutral_front,smiling_front}/{person}_{number}.{jpg,tem}",
    origin="https://doi.org/10.6084/m9.figshare.5047666",
    licence="CC BY 4.0 (DeBruine and Jones 2017)",
    example='include=["neutral_front"]',
)
def london(root: Path, request: Request) -> Iterator[Record]:
    """Finds the London Set: `{view}/{person}_{number}.jpg` beside `{person}_{number}.tem`, in the root or below it.

    A picture's folder is its category (`neutral_front`, `smiling_front`). Profiles have other landmarks, and so no mask
    of the face.
    """
    del request
    templates = dict(find_files(root, (".tem",)))
    for stem, picture in find_files(root):
        folder = stem.rpartition("/")[0]
        template = templates.get(stem)
        problem = "it has no landmarks" if template is None else _problem(template)
        mask = None if template is None else Landmarks(template, picture)
        yield Record(stem, picture, mask, folder.rpartition("/")[2] or None, problem)
