"""The pictures of an evaluation."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from eval.compare.gallery import comparison_video, contact_sheet
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import read_picture, write_picture
from rvm_jax.media.video_reader import VideoReader

Folders = tuple[Path, Path]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    labels, predictions = tmp_path / "mask" / "labels", tmp_path / "predictions"  # `mask` in the path must not confuse
    for category, clip in (("cup", "0"), ("cup", "1"), ("hand", "0")):
        for frame in range(3):
            name = f"{clip}/{frame:05d}.png"
            alpha = np.full((16, 24), 255 if category == "cup" else 0, np.uint8)
            write_picture(labels / category / "img" / name, np.full((16, 24, 3), (200, 0, 0), np.uint8))
            write_picture(labels / category / "mask" / name, alpha)
            write_picture(predictions / category / name, alpha)
    return labels, predictions


def test_sheet_shows_each_category_in_turn_and_cuts_the_face_out(folders: Folders, tmp_path: Path) -> None:
    labels, predictions = folders
    contact_sheet(labels, predictions, tmp_path / "sheet.png", num_clips=2)
    sheet = read_picture(tmp_path / "sheet.png")
    views = [sheet[60, 4 + 100 + (4 + 192) * i] for i in range(8)]  # two clips of four views, 192 wide after enlarging
    assert [tuple(view) for view in views[:4]] == [(200, 0, 0), (255,) * 3, (255,) * 3, (200, 0, 0)]  # a cup: all face
    assert tuple(views[4]) == (200, 0, 0)
    assert [tuple(view) for view in views[5:7]] == [(0,) * 3, (0,) * 3]  # the hand: no face, all background
    assert tuple(views[7]) == (120, 255, 155)


def test_video_is_as_long_as_its_clips(folders: Folders, tmp_path: Path) -> None:
    labels, predictions = folders
    comparison_video(labels, predictions, tmp_path / "video.mp4", num_clips=3)
    with VideoReader(tmp_path / "video.mp4") as video:
        assert len(list(video)) == 3


def test_sizes_must_agree(folders: Folders, tmp_path: Path) -> None:
    labels, predictions = folders
    for path in predictions.rglob("*.png"):
        cv2.imwrite(str(path), np.zeros((8, 8), np.uint8))
    with pytest.raises(UserError, match="size differs"):
        contact_sheet(labels, predictions, tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()
