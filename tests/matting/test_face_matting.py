"""Faces within frames: of clips, compared networks, and portraits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from leaky_network import LeakyNetwork

from rvm_jax import matte_pictures, matte_video
from rvm_jax.errors import UserError
from rvm_jax.media.face_alignment import Pose
from rvm_jax.media.face_tracks import read_faces
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import read_picture, write_picture

FRAMES = np.zeros((4, 120, 200, 3), np.uint8)
FRAMES[:, 40:80, 30:70] = 200
FRAMES[:, 40:80, 130:170] = 100


class _Tracks:
    """One face, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[int | str] = []

    def __call__(self, number: int, frame: np.ndarray) -> dict[str, Pose]:
        self.asked.append(number)
        return {"0": Pose(50, 60, 60, 0)}

    def reset(self) -> None:
        self.asked.append("reset")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for t, frame in enumerate(FRAMES):
        write_picture(tmp_path / f"in/{t}.png", frame)
    return tmp_path / "in"


def _two_faces(path: Path, numbers: range) -> Path:
    lines = [f"{t},{face},{left},40,40,40" for t in numbers for face, left in (("a", 30), ("b", 130))]
    path.write_text("\n".join(["frame,face,x,y,width,height", *lines]))
    return path


def _pictures(source: Path, out: Path, **settings: Any) -> list[Path]:
    return matte_pictures(LeakyNetwork(), source, out, progress=False, face_side=64, **settings)


def test_faces_are_tracked_once_for_all_networks_and_again_for_each_clip(folder: Path, tmp_path: Path) -> None:
    tracks = _Tracks()
    for name in ("first", "second"):
        matte_video(
            LeakyNetwork(),
            folder,
            outputs={"comparison": tmp_path / name},
            compare_with=(LeakyNetwork(),),
            faces=tracks,
            face_side=32,
            seq_chunk=2,
            progress=False,
        )
    assert tracks.asked == ["reset", 0, 1, 2, 3] * 2
    upper, lower = np.split(read_picture(tmp_path / "first/3.png")[:, 200:400], 2)
    np.testing.assert_array_equal(upper[60:], lower[60:])  # below the networks' names


def test_pictures_that_have_nothing_to_do_with_each_other_are_looked_at_singly(folder: Path, tmp_path: Path) -> None:
    tracks = _Tracks()
    _pictures(folder, tmp_path / "out", faces=tracks)
    assert tracks.asked == ["reset", 0, "reset", 1, "reset", 2, "reset", 3]
    tracks = _Tracks()
    _pictures(folder, tmp_path / "clip", faces=tracks, sequence=True)
    assert tracks.asked == ["reset", 0, 1, 2, 3]


def test_the_faces_of_a_portrait_are_matted_as_in_a_clip(folder: Path, tmp_path: Path) -> None:
    faces = read_faces(_two_faces(tmp_path / "faces.csv", range(1)))
    (portrait,) = _pictures(folder / "0.png", tmp_path / "portrait", faces=faces)
    alpha = read_mask(portrait, rescale=False)
    assert abs(int(alpha[55, 50]) - 100) <= 1 and abs(int(alpha[55, 150]) - 50) <= 1
    assert alpha[:5].max() == alpha[:, 95:105].max() == 0
    outputs = {"alpha": tmp_path / "clip"}
    matte_video(LeakyNetwork(), folder / "../in", outputs=outputs, faces=faces, face_side=64, progress=False)
    np.testing.assert_array_equal(alpha, read_mask(tmp_path / "clip/0.png", rescale=False))


def test_a_file_of_faces_counts_the_pictures_of_one_folder(folder: Path, tmp_path: Path) -> None:
    faces = read_faces(_two_faces(tmp_path / "faces.csv", range(1, 4)))
    paths = _pictures(folder, tmp_path / "out", faces=faces)
    assert [bool(read_mask(path).any()) for path in paths] == [False, True, True, True]
    for name in ("cups", "hats"):
        write_picture(tmp_path / f"tree/{name}/img/0.png", FRAMES[0])
    with pytest.raises(UserError, match=r"a file of faces counts .* here are 2 folders: give them singly, or a detect"):
        _pictures(tmp_path / "tree", tmp_path / "tree_out", faces=faces)


def test_whole_faces_of_pictures(folder: Path, tmp_path: Path) -> None:
    for t in range(4):
        write_picture(tmp_path / f"masks/{t}.png", np.full((120, 200), 255, np.uint8))
    paths = _pictures(folder, tmp_path / "out", face_mask=tmp_path / "masks", output_kind="occluder")
    for path in paths:
        expected = 255 - np.round(FRAMES[0].mean(-1) / 2)
        assert np.abs(read_mask(path, rescale=False) - expected).max() <= 1
    with pytest.raises(UserError, match="say where the whole face is"):
        _pictures(folder, tmp_path / "none", output_kind="occluder")
    (tmp_path / "masks/2.png").unlink()
    with pytest.raises(UserError, match=r"no mask of the whole face for 1 of 4 pictures \(2\)"):
        _pictures(folder, tmp_path / "few", face_mask=tmp_path / "masks", output_kind="occluder")


def test_work_with_other_faces_is_not_resumed(folder: Path, tmp_path: Path) -> None:
    def failing(path: Path, picture: np.ndarray) -> None:
        if path.name == "3.png":
            raise UserError(f"{path}: cannot be written")
        write_picture(path, picture)

    given: Iterator[Any] = iter(read_faces(_two_faces(tmp_path / f"{i}.csv", range(4))) for i in range(2))
    first = next(given)
    for faces, resumes in ((first, False), (first, True), (next(given), False)):
        written: list[str] = []

        def noting(path: Path, picture: np.ndarray, written: list[str] = written) -> None:
            failing(path, picture)
            written.append(path.name)

        with pytest.raises(UserError, match="cannot be written"):
            _pictures(folder, tmp_path / "out", faces=faces, write_file=noting)
        assert sorted(written) == ([] if resumes else ["0.png", "1.png", "2.png"])
