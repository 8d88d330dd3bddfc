"""The study's outcomes, by hand."""

from pathlib import Path

import numpy as np
import pytest

from eval.study.outcomes import band_error, frames_until_back, measure, read_items
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_picture


def test_frames_until_back() -> None:
    label = np.full((7, 8, 8), 255, np.uint8)
    label[2:4, :4] = 0  # 32 pixels are hidden for two frames, and back from frame 4 on
    pred = label.copy()
    assert frames_until_back(pred, label) == 0
    pred[4, :2] = 0  # half of them a frame late
    assert frames_until_back(pred, label) == 0.5
    pred[4:, :2] = 0  # or never
    assert frames_until_back(pred, label) == 1.5
    assert frames_until_back(pred[:6], label[:6]) is None  # they are not seen for three frames
    assert frames_until_back(np.zeros((4, 8, 8), np.uint8), np.zeros((4, 8, 8), np.uint8)) is None


def test_band_error() -> None:
    label = np.zeros((1, 64, 64), np.uint8)
    label[:, 32:] = 255
    assert band_error(label, label) == 0
    pred = label.copy()
    pred[:, 31] = 51  # of the two rows about the edge, one is wrong by a fifth
    pred[:, 0] = 255  # far from the edge
    assert band_error(pred, label) == pytest.approx(1000 * 0.2 / 2)
    assert np.isnan(band_error(pred, np.zeros_like(label)))


def test_pictures_are_held_and_clips_are_not(tmp_path: Path) -> None:
    mask = np.zeros((80, 80), np.uint8)
    mask[20:60, 20:60] = 255
    for name in ("one", "two", "three"):
        write_picture(tmp_path / "still" / "img" / f"{name}.png", np.full((80, 80, 3), 128, np.uint8))
        write_picture(tmp_path / "still" / "mask" / f"{name}.png", mask)
    for frame in range(4):
        for folder in ("img", "mask"):
            write_picture(tmp_path / "moving" / folder / "clip" / f"{frame:05d}.png", mask)
    items = read_items(tmp_path, 64, held=3, every=2, prefix="real_")
    assert [(item.category, item.name, len(item.src), item.is_clip) for item in items] == [
        ("real_moving", "clip", 4, True), ("real_still", "one", 3, False), ("real_still", "two", 3, False)
    ]  # fmt: skip
    still = items[1].src.astype(int)
    assert (still[0] == 128).all() and 1 < still[1].std() < 3 and (still[1] != still[2]).any()

    def predict(src: np.ndarray) -> np.ndarray:  # right, then brighter by one level a frame
        labels = {item.src.tobytes(): item.pha for item in items}
        frames = np.stack([labels[clip.tobytes()] for clip in src])
        brighter: np.ndarray = np.minimum(frames, 250) + np.arange(src.shape[1], dtype=np.uint8)[:, None, None]
        return brighter

    found = measure(items, predict)
    assert found["iou"] == {"real_moving": {"clip": 1.0}, "real_still": {"one": 1.0, "two": 1.0}}
    assert found["flicker"]["real_still"]["one"] == pytest.approx(1000 / 255)
    assert set(found["flicker"]) == {"real_still"} and found["back"] == {}
    with pytest.raises(UserError, match="no labels"):
        read_items(tmp_path / "still", 64, held=3)
