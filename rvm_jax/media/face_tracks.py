"""Where the faces are, frame by frame: read from a file, or found by YuNet (OpenCV)."""

import math
import os
from collections.abc import Callable
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


_BOX = ("x", "y", "width", "height")
_LANDMARKS = tuple(f"{axis}{index}" for index in range(1, 6) for axis in "xy")
_GAP = 10  # frames: a face that is missing for longer has gone

_DETECTION_SIDE = 640  # pixels of the longer side at which faces are looked for
_MIN_OVERLAP = 0.3
_MODEL = "face_detection_yunet_2023mar.onnx of OpenCV's model zoo"


class FileTracks:
    """The faces that a file names by the numbers of the frames.

    Args:
      poses: by the face's name, then by the frame's number.
      stamp: tells the file from others.
      path: the file, if it is one.
    """

    def __init__(self, poses: dict[str, dict[int, Pose]], stamp: str, path: Path | None = None):
        self._poses, self.stamp, self.path = poses, stamp, path

    def __call__(self, number: int, frame: np.ndarray | None = None) -> dict[str, Pose]:
        return {face: poses[number] for face, poses in self._poses.items() if number in poses}


def read_faces(path: str | os.PathLike[str]) -> FileTracks:
    """Reads boxes or landmarks from a CSV file.

    Its first line names the columns: `frame` (from 0), `face` (a name or number; may be absent where there is one
    face), and either `x,y,width,height` (the box) or `x1,y1,…,x5,y5` (eyes, nose, corners of the mouth; of each pair
    the one that is left in the picture first), in pixels. Gaps of up to 10 frames are filled by interpolation.

    Raises:
      UserError: with the file and the line, if it cannot be read so.
    """
    path = Path(path)
    tracks: dict[str, dict[int, Pose]] = {}
    table = read_table(path)
    columns = set(table.columns)
    if "frame" not in columns or not (columns >= set(_BOX) or columns >= set(_LANDMARKS)):
        raise UserError(
            f"{path}: its first line must name the columns frame, face and {','.join(_BOX)}, "
            f"or frame, face and {','.join(_LANDMARKS)}"
        )
    names = _LANDMARKS if columns >= set(_LANDMARKS) else _BOX
    for line, row in table.rows:
        try:
            pose = _pose([table.number(row[name]) for name in names])
            tracks.setdefault(_face_name(table, row.get("face", "")), {})[table.whole(row["frame"])] = pose
        except (KeyError, OverflowError, ValueError) as error:
            raise UserError(f"{path}: line {line} does not hold the numbers of a face") from error
    if not tracks:
        raise UserError(f"{path}: holds no faces")
    filled = {face: _fill_gaps(poses) for face, poses in tracks.items()}
    return FileTracks(filled, f"{path.resolve()} {path.stat().st_mtime_ns}", path)


def _face_name(table: Table, text: str) -> str:
    """A number is the same face however it is written: a table of numbers has 0.0 for 0."""
    try:
        return str(table.whole(text))
    except (OverflowError, ValueError):
        return text or "0"


def _pose(numbers: list[float]) -> Pose:
    if len(numbers) == len(_LANDMARKS):
        pose = pose_from_landmarks(np.array(numbers).reshape(5, 2))
    else:
        pose = pose_from_box(*numbers)
    if not (np.isfinite(pose).all() and pose.side >= 1):
        raise ValueError("no face")
    return pose


def _fill_gaps(poses: dict[int, Pose]) -> dict[int, Pose]:
    numbers = sorted(poses)
    filled = dict(poses)
    for before, after in pairwise(numbers):
        if after - before - 1 > _GAP:
            continue
        for number in range(before + 1, after):
            share = (number - before) / (after - before)
            filled[number] = _between(poses[before], poses[after], share)
    return filled


def _between(start: Pose, end: Pose, share: float) -> Pose:
    """Interpolates; angles on the circle, the shorter way."""
    x, y, side = ((1 - share) * a + share * b for a, b in zip(start[:3], end[:3], strict=True))
    turn = math.remainder(end.angle - start.angle, 2 * math.pi)
    return Pose(x, y, side, math.remainder(start.angle + share * turn, 2 * math.pi))


class YuNetTracks:
    """Finds faces by OpenCV's YuNet and follows each by the overlap of its boxes: a `FaceTracks`.

    Args:
      model: `face_detection_yunet_2023mar.onnx` from OpenCV's model zoo (github.com/opencv/opencv_zoo, MIT licence),
        or another of its versions.
      max_faces: the largest faces, at most so many.
      min_score: how sure the detector must be, 0 to 1.

    Raises:
      UserError: if the file is no such model.
    """

    def __init__(self, model: str | os.PathLike[str], max_faces: int = 4, min_score: float = 0.7):
        if not Path(model).is_file():
            raise UserError(f"{model}: no such file; give {_MODEL}")
        try:
            self._detector = cv2.FaceDetectorYN.create(str(model), "", (320, 320), min_score)
            self._detect(np.zeros((64, 64, 3), np.uint8))
        except cv2.error as error:
            found = describe(model)
            if found is not None and found != "an ONNX model":
                raise UserError(f"{model}: is {found}; a YuNet model is wanted ({_MODEL})") from error
            raise UserError(
                f"{model}: not a YuNet model that this OpenCV, {cv2.__version__}, can read ({error.err or error}); "
                f"give {_MODEL}"
            ) from error
        self._max_faces = max_faces
        self.stamp = f"{Path(model).resolve()} {max_faces} {min_score}"
        self.reset()

    def reset(self) -> None:
        """Forgets the faces: the next frame begins a clip, or is a picture of its own."""
        self._boxes: dict[str, np.ndarray] = {}
        self._poses: dict[str, Pose] = {}
        self._missed: dict[str, int] = {}
        self._found = 0

    def __call__(self, number: int, frame: np.ndarray) -> dict[str, Pose]:
        found = self._detect(frame)
        found = found[np.argsort(-found[:, 2] * found[:, 3])][: self._max_faces]
        free = list(range(len(found)))
        for face in list(self._boxes):
            overlaps = {index: _overlap(self._boxes[face], found[index, :4]) for index in free}
            best = max(overlaps, key=overlaps.__getitem__, default=None)
            if best is not None and overlaps[best] >= _MIN_OVERLAP:
                free.remove(best)
                self._follow(face, found[best])
            else:
                self._missed[face] += 1  # it keeps its place for a while: a hand may have covered it
                if self._missed[face] > _GAP:
                    del self._boxes[face], self._poses[face], self._missed[face]
        for index in free:
            if len(self._boxes) == self._max_faces:
                break
            self._follow(str(self._found), found[index])
            self._found += 1
        return dict(self._poses)

    def _follow(self, face: str, detection: np.ndarray) -> None:
        self._boxes[face] = detection[:4]
        self._poses[face] = pose_from_landmarks(detection[4:14].reshape(5, 2))
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


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes (x, y, width, height)."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[:2] + a[2:], b[:2] + b[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / max(float(a[2] * a[3] + b[2] * b[3]) - shared, 1e-9)
