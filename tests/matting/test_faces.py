"""Faces in large frames: the square, its way there and back, tracks from files and detectors."""

import math
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest

from rvm_jax.errors import UserError
from rvm_jax.media.face_alignment import (
    Pose,
    PoseSmoother,
    crop,
    face_ellipse,
    paste,
    pose_from_box,
    pose_from_landmarks,
)
from rvm_jax.media.face_templates import TEMPLATES
from rvm_jax.media.face_tracks import YuNetTracks, read_faces

UPRIGHT = np.array([[40.0, 50.0], [60.0, 50.0], [50.0, 60.0], [42.0, 70.0], [58.0, 70.0]])


def test_landmarks_give_the_square_of_ffhq() -> None:
    pose = pose_from_landmarks(UPRIGHT)
    # eyes 20 apart, mouth 20 below: half a side is max(2 · 40, 1.8 · 20) of the sum's direction
    assert pose[:4] == pytest.approx((50, 52, 80, 0), abs=1e-9)


@pytest.mark.parametrize("degrees", [0, 30, -75])
def test_the_square_turns_with_the_face(degrees: float) -> None:
    turn = math.radians(degrees)
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    pose = pose_from_landmarks((UPRIGHT - 50) @ rotation.T + 50)
    assert pose.angle == pytest.approx(turn)
    assert pose.side == pytest.approx(80)


def test_crop_is_upright_and_paste_puts_it_back() -> None:
    frame = np.zeros((200, 300, 3), np.uint8)
    pose = Pose(150, 100, 80, math.radians(25))
    along = np.array([-math.sin(pose.angle), math.cos(pose.angle)])
    mouth = (np.array([150, 100]) + 20 * along).astype(int)
    cv2.circle(frame, tuple(int(v) for v in mouth), 5, (255, 255, 255), -1)
    square = crop(frame, pose, 160)
    rows, columns = np.nonzero(square[..., 0] > 128)
    assert columns.mean() == pytest.approx(79.5, abs=2)
    assert rows.mean() == pytest.approx(79.5 + 40, abs=2)
    back = paste(square, pose, (200, 300))
    assert np.abs(back.astype(int) - frame).mean() < 0.3
    assert paste(np.full((160, 160), 65535, np.uint16), pose, (200, 300)).max() == 65535


def test_a_large_face_is_averaged_not_sampled() -> None:
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    square = crop(stripes, Pose(199.5, 199.5, 360, 0), 64)
    assert np.abs(square.astype(int) - 127).max() < 45


def test_the_ellipse_lies_in_the_square() -> None:
    region = face_ellipse(Pose(50, 50, 80, 0), (120, 100))
    assert region[55, 50] == 255
    rows, columns = np.nonzero(region)
    assert (columns.min(), columns.max()) == pytest.approx((50 - 0.22 * 80, 50 + 0.22 * 80), abs=1.5)
    assert rows.mean() == pytest.approx(50 + 0.09 * 80, abs=1)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_puts_its_points_where_the_face_program_does(name: str) -> None:
    turn, side = 0.4, 180.0
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    points = TEMPLATES[name] @ rotation.T * side + (40, 25)
    pose = pose_from_landmarks(points, name)
    middle = rotation @ (side / 2, side / 2) + (40, 25)
    assert pose[:4] == pytest.approx((*middle, side, turn))
    # The face in it, as the project's own square has it.
    own = pose_from_landmarks(points)
    size = (400, 400)
    np.testing.assert_array_equal(face_ellipse(pose, size), face_ellipse(own, size))


def test_a_template_wants_landmarks(tmp_path: Path) -> None:
    path = tmp_path / "faces.csv"
    path.write_text("frame,x,y,width,height\n0,1,2,30,40\n")
    with pytest.raises(UserError, match="landmarks"):
        read_faces(path, template="ffhq_512")


def test_smoothing_steadies_a_resting_face_and_follows_a_moving_one() -> None:
    rng = np.random.default_rng(0)
    smoother = PoseSmoother(30)
    resting = np.array(
        [smoother(Pose(*(np.array([100, 100, 80, 0]) + rng.normal(0, (1, 1, 1, 0.01))))) for _ in range(60)]
    )
    assert resting[20:, 0].std() < 0.4
    smoother = PoseSmoother(30)
    moved = [smoother(Pose(100 + 10 * t, 100, 80, 0)).x for t in range(30)]
    assert moved[-1] == pytest.approx(390, abs=25)
    turning = PoseSmoother(30)
    angles = [turning(Pose(0, 0, 80, math.remainder(0.3 * t, 2 * math.pi))).angle for t in range(30)]
    assert np.diff(angles).min() >= 0  # no jump where the angle wraps


def test_files_of_boxes_and_landmarks(tmp_path: Path) -> None:
    path = tmp_path / "faces.csv"
    path.write_text("frame,x,y,width,height\n0,10,10,20,20\n4,30,10,20,20\n20,30,10,20,20\n")
    tracks = read_faces(path)
    assert tracks(0) == {"0": pose_from_box(10, 10, 20, 20)}
    assert tracks(2)["0"].x == pytest.approx(30)
    assert tracks(10)["0"].x == pytest.approx(40)
    tracks.begin(5, Fraction(1))
    assert tracks(10) == {}  # too long a gap: three seconds by then
    names = ",".join(f"x{i},y{i}" for i in range(1, 6))
    path.write_text(f"frame,face,{names}\n3,anna,{','.join(map(str, UPRIGHT.ravel()))}\n")
    assert read_faces(path)(3) == {"anna": pose_from_landmarks(UPRIGHT)}
    for text, message in (
        ("frame,face,x,y,width,height\n0,a,1,2,three,4\n", "line 2 does not hold the numbers"),
        ("frame,face,x,y,width,height\n0,a,1,2,3\n", "line 2 does not hold the numbers"),
        ("frame,face,x,y,width,height\n", "holds no faces"),
        ("a,b\n", "must name the columns"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=message):
            read_faces(path)
    with pytest.raises(UserError, match="cannot be read"):
        read_faces(tmp_path / "absent.csv")


def test_gaps_are_filled_on_the_circle(tmp_path: Path) -> None:
    """A face that lies on its head turns through 180°, not all the way back through 0."""
    lines = []
    for number, degrees in ((0, 170), (2, -170)):
        turn = math.radians(degrees)
        rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        lines.append(f"{number},{','.join(map(str, ((UPRIGHT - 50) @ rotation.T + 50).ravel()))}")
    names = ",".join(f"x{i},y{i}" for i in range(1, 6))
    (tmp_path / "faces.csv").write_text("\n".join([f"frame,{names}", *lines]))
    pose = read_faces(tmp_path / "faces.csv")(1)["0"]
    assert abs(math.remainder(pose.angle - math.pi, 2 * math.pi)) == pytest.approx(0, abs=1e-9)
    assert pose.side == pytest.approx(80)


class _Detector:
    """Answers as YuNet does, with what the test puts into `found`: (left, top) of faces of 40 pixels."""

    found: ClassVar[list[tuple[int, int]]] = []

    def setInputSize(self, size: tuple[int, int]) -> None:
        self.size = size

    def detect(self, picture: np.ndarray) -> tuple[int, np.ndarray | None]:
        assert picture.shape[1::-1] == self.size
        rows = [[x, y, 40, 40, *((UPRIGHT - 30 + (x, y)).ravel()), 0.9] for x, y in self.found]
        return 1, np.array(rows, np.float32) if rows else None


def test_detected_faces_keep_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *arguments: _Detector())
    (tmp_path / "model.onnx").touch()
    tracks = YuNetTracks(tmp_path / "model.onnx", max_faces=2)
    tracks.begin(5, Fraction(1))  # ten frames are the two seconds for which a face keeps its place
    frame = np.zeros((300, 400, 3), np.uint8)

    def see(*found: tuple[int, int]) -> dict[str, int]:
        monkeypatch.setattr(_Detector, "found", list(found))
        return {face: round(pose.x) for face, pose in tracks(0, frame).items()}

    assert see((10, 10)) == {"0": 30}
    assert see((200, 10), (14, 10)) == {"0": 34, "1": 220}
    assert see((205, 10)) == {"0": 34, "1": 225}  # the hidden one keeps its place
    assert see((205, 10), (16, 10), (300, 200)) == {"0": 36, "1": 225}  # at most two
    for _ in range(12):
        left = see((205, 10))
    assert left == {"1": 225}
    assert see((205, 10), (16, 10)) == {"1": 225, "0": 36}  # it is who it was
    tracks.reset()
    assert see((205, 10)) == {"0": 225}  # another clip


def test_large_frames_are_shrunk_for_the_detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *arguments: _Detector())
    (tmp_path / "model.onnx").touch()
    monkeypatch.setattr(_Detector, "found", [(10, 10)])
    pose = YuNetTracks(tmp_path / "model.onnx")(0, np.zeros((720, 1280, 3), np.uint8))["0"]
    assert (pose.x, pose.side) == pytest.approx((2 * 30, 2 * 80), abs=0.01)
