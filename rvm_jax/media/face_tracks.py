"""Where the faces are, frame by frame: read from a file, or found by YuNet (OpenCV)."""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2
import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.file_kinds import describe
from rvm_jax.media.face_alignment import Pose, pose_from_box, pose_from_landmarks
from rvm_jax.text_files import Table, read_table

# Takes the number of a frame and its RGB (H, W, 3); returns the pose of each face by its name.
FaceTracks = Callable[[int, np.ndarray], dict[str, Pose]]


@runtime_checkable
class StatefulTracks(Protocol):
    """`FaceTracks` that remember the frames before."""

    def __call__(self, number: int, frame: np.ndarray) -> dict[str, Pose]:
        """Returns the pose of each face of a frame by its name."""

    def reset(self) -> None:
        """Forgets them: the next frame begins a clip."""


@runtime_checkable
class ClipTracks(Protocol):
    """`FaceTracks` that depend on what the frames are like."""

    def __call__(self, number: int, frame: np.ndarray) -> dict[str, Pose]:
        """Returns the pose of each face of a frame by its name."""

    def begin(self, rate: float, pixel_aspect: Fraction) -> None:
        """Takes the frames per second, 0 for pictures that have nothing to do with each other, and the width of a
        pixel in its heights."""


_BOX = ("x", "y", "width", "height")
_LANDMARKS = tuple(f"{axis}{index}" for index in range(1, 6) for axis in "xy")
# Seconds for which a face may be missing, behind a hand, before it has gone.
DEFAULT_GAP = 2.0
_RATE = 25.0  # frames per second where nobody says

_DETECTION_SIDE = 640  # pixels of the longer side at which faces are looked for
_MIN_OVERLAP = 0.3
_MODEL = "face_detection_yunet_2023mar.onnx of OpenCV's model zoo"


class FileTracks:
    """Holds the faces that a file names by the numbers of the frames.

    Args:
      measures: by the face's name, then by the frame's number: left, top, width and height (4), or landmarks (5, 2).
      stamp: tells the file from others.
      path: the file, if it is one.
      gap: the seconds up to which missing frames are filled by interpolation.
      template: whose square faces are cut out in (`rvm_jax.media.face_templates`); None for the project's own.
    """

    def __init__(
        self,
        measures: dict[str, dict[int, np.ndarray]],
        stamp: str,
        path: Path | None = None,
        gap: float = DEFAULT_GAP,
        template: str | None = None,
    ):
        self._measures, self.path, self._gap, self._template = measures, path, gap, template
        self.stamp = f"{stamp} {gap} {template or ''}".rstrip()
        self.begin(_RATE, Fraction(1))

    def begin(self, rate: float, pixel_aspect: Fraction) -> None:
        """Takes the frames per second and the pixels' aspect: the file counts frames and their pixels."""
        longest = round(self._gap * rate)
        self._poses = {
            face: _fill_gaps(
                {number: _pose(each, float(pixel_aspect), self._template) for number, each in measures.items()}, longest
            )
            for face, measures in self._measures.items()
        }

    def __call__(self, number: int, frame: np.ndarray | None = None) -> dict[str, Pose]:
        return {face: poses[number] for face, poses in self._poses.items() if number in poses}


def read_faces(path: str | os.PathLike[str], gap: float = DEFAULT_GAP, template: str | None = None) -> FileTracks:
    """Reads boxes or landmarks from a CSV file.

    Its first line names the columns: `frame` (from 0), `face` (a name or number; may be absent where there is one
    face), and either `x,y,width,height` (the box) or `x1,y1,…,x5,y5` (eyes, nose, corners of the mouth; of each pair
    the one that is left in the picture first), in pixels. Gaps of up to `gap` seconds are filled by interpolation. A
    `template` gives the squares of a face program, which only landmarks can be fitted to.

    Raises:
      UserError: naming the file and the line, if it cannot be read so.
    """
    path = Path(path)
    tracks: dict[str, dict[int, np.ndarray]] = {}
    table = read_table(path)
    columns = set(table.columns)
    if "frame" not in columns or not (columns >= set(_BOX) or columns >= set(_LANDMARKS)):
        raise UserError(
            f"{path}: its first line must name the columns frame, face and {','.join(_BOX)}, "
            f"or frame, face and {','.join(_LANDMARKS)}"
        )
    names = _LANDMARKS if columns >= set(_LANDMARKS) else _BOX
    if template is not None and names is _BOX:
        raise UserError(f"{path}: holds boxes; the face template {template} wants landmarks (x1,y1,…,x5,y5)")
    for line, row in table.rows:
        try:
            measures = _measures([table.number(row[name]) for name in names])
            face, number = _face_name(table, row.get("face", "")), table.whole(row["frame"])
        except (KeyError, OverflowError, ValueError) as error:
            raise UserError(f"{path}: line {line} does not hold the numbers of a face") from error
        track = tracks.setdefault(face, {})
        if number in track:
            raise UserError(
                f"{path}: line {line} has frame {number} of face '{face}' once more; tell faces apart by a column face"
            )
        track[number] = measures
    if not tracks:
        raise UserError(f"{path}: holds no faces")
    return FileTracks(tracks, f"{path.resolve()} {path.stat().st_mtime_ns}", path, gap, template)


def _face_name(table: Table, text: str) -> str:
    """A number is the same face however it is written: a table of numbers has 0.0 for 0."""
    try:
        return str(table.whole(text))
    except (OverflowError, ValueError):
        return text or "0"


def _measures(numbers: list[float]) -> np.ndarray:
    measures = np.array(numbers)
    if len(numbers) == len(_LANDMARKS):
        measures = measures.reshape(5, 2)
    pose = _pose(measures)
    if not (np.isfinite(pose[:4]).all() and pose.side >= 1) or (measures.ndim == 1 and measures[2:].min() <= 0):
        raise ValueError("no face")
    return measures


def _pose(measures: np.ndarray, pixel_aspect: float = 1.0, template: str | None = None) -> Pose:
    if measures.ndim == 2:
        return pose_from_landmarks(measures * (pixel_aspect, 1.0), template)
    return pose_from_box(*(float(value) for value in measures * (pixel_aspect, 1.0, pixel_aspect, 1.0)))


def _fill_gaps(poses: dict[int, Pose], longest: int) -> dict[int, Pose]:
    numbers = sorted(poses)
    filled = dict(poses)
    for before, after in pairwise(numbers):
        if after - before - 1 > longest:
            continue
        for number in range(before + 1, after):
            share = (number - before) / (after - before)
            filled[number] = _between(poses[before], poses[after], share)
    return filled


def _between(start: Pose, end: Pose, share: float) -> Pose:
    """Interpolates; angles on the circle, the shorter way."""
    x, y, side = ((1 - share) * a + share * b for a, b in zip(start[:3], end[:3], strict=True))
    turn = math.remainder(end.angle - start.angle, 2 * math.pi)
    return Pose(x, y, side, math.remainder(start.angle + share * turn, 2 * math.pi), start.template)


class YuNetTracks:
    """Finds faces by OpenCV's YuNet and follows each by the overlap of its boxes: a `FaceTracks`.

    A face that is not found keeps its place for `gap` seconds: a hand may have covered it. One that comes back near the
    place where it was lost, however long ago, has its name again.

    Args:
      model: `face_detection_yunet_2023mar.onnx` from OpenCV's model zoo (github.com/opencv/opencv_zoo, MIT licence),
        or another of its versions.
      max_faces: the largest faces, at most so many.
      min_score: how sure the detector must be, 0 to 1.
      gap: the seconds.
      template: see `FileTracks`.

    Raises:
      UserError: if the file is no such model.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        max_faces: int = 4,
        min_score: float = 0.7,
        gap: float = DEFAULT_GAP,
        template: str | None = None,
    ):
        if not Path(model).is_file():
            raise UserError(f"{model}: no such file; give {_MODEL}")
        try:
            with _quietly():  # OpenCV 5 warns that its engine chooses its device itself
                self._detector = cv2.FaceDetectorYN.create(str(model), "", (320, 320), min_score)
                self._detect(np.zeros((64, 64, 3), np.uint8))
        except cv2.error as error:
            found = describe(model)
            if found is not None and found != "an ONNX model":
                raise UserError(f"{model}: is {found}; a YuNet model is wanted ({_MODEL})") from error
            reason = " ".join((error.err or str(error)).split())
            raise UserError(
                f"{model}: not a YuNet model that this OpenCV, {cv2.__version__}, can read ({reason}); give {_MODEL}"
            ) from error
        self._max_faces, self._gap, self._template = max_faces, gap, template
        self.stamp = f"{Path(model).resolve()} {max_faces} {min_score} {gap} {template or ''}".rstrip()
        self.begin(_RATE, Fraction(1))
        self.reset()

    def begin(self, rate: float, pixel_aspect: Fraction) -> None:
        """Takes the frames per second; frames come as they are shown, with square pixels."""
        self._longest = round(self._gap * rate)

    def reset(self) -> None:
        """Forgets the faces: the next frame begins a clip, or is a picture of its own."""
        self._boxes: dict[str, np.ndarray] = {}
        self._poses: dict[str, Pose] = {}
        self._missed: dict[str, int] = {}
        self._lost: dict[str, np.ndarray] = {}
        self._found = 0

    def __call__(self, number: int, frame: np.ndarray) -> dict[str, Pose]:
        found = self._detect(frame)
        found = found[np.argsort(-found[:, 2] * found[:, 3])][: self._max_faces]
        free = list(range(len(found)))
        missing = []
        for face in list(self._boxes):
            overlaps = {index: _overlap(self._boxes[face], found[index, :4]) for index in free}
            best = max(overlaps, key=overlaps.__getitem__, default=None)
            if best is not None and overlaps[best] >= _MIN_OVERLAP:
                free.remove(best)
                self._follow(face, found[best])
            else:
                missing.append(face)
        for face in missing:
            back = next((index for index in free if _is_near(self._boxes[face], found[index, :4])), None)
            # In the frame after, it would have overlapped; so another face may be there.
            if back is not None and self._missed[face]:
                free.remove(back)
                self._follow(face, found[back])
                continue
            self._missed[face] += 1
            if self._missed[face] > self._longest:
                self._lost[face] = self._boxes.pop(face)
                del self._poses[face], self._missed[face]
        for index in free:
            if len(self._boxes) == self._max_faces:
                break
            self._follow(self._name(found[index, :4]), found[index])
        return dict(self._poses)

    def _name(self, box: np.ndarray) -> str:
        """Returns that of the face which was lost last near a box, or a new one."""
        for face in reversed(self._lost):
            if _is_near(self._lost[face], box):
                del self._lost[face]
                return face
        self._found += 1
        return str(self._found - 1)

    def _follow(self, face: str, detection: np.ndarray) -> None:
        self._boxes[face] = detection[:4]
        self._poses[face] = pose_from_landmarks(detection[4:14].reshape(5, 2), self._template)
        self._missed[face] = 0

    def _detect(self, frame: np.ndarray) -> np.ndarray:
        """Returns (N, 15): box, five landmarks in the order of `pose_from_landmarks`, score."""
        scale = min(1.0, _DETECTION_SIDE / max(frame.shape[:2]))
        size = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
        small = cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
        self._detector.setInputSize(size)
        _, found = self._detector.detect(small)
        if found is None:
            return np.zeros((0, 15))
        detected: np.ndarray = np.divide(found, np.array([*([scale] * 14), 1.0]))
        return detected


@contextmanager
def _quietly() -> Iterator[None]:
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _is_near(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two boxes may be of one face before and after it was hidden: a width apart, and much of a size."""
    apart = np.hypot(*((a[:2] + a[2:] / 2) - (b[:2] + b[2:] / 2)))
    return bool(apart <= max(a[2], b[2]) and max(a[2], b[2]) <= 1.6 * min(a[2], b[2]))


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes (x, y, width, height)."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[:2] + a[2:], b[:2] + b[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / max(float(a[2] * a[3] + b[2] * b[3]) - shared, 1e-9)
