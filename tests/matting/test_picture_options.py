"""What an option does for a clip it does for pictures."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from clips import moving_square, write_clip
from echo_network import Echo
from leaky_network import LeakyNetwork

from rvm_jax import matte_pictures
from rvm_jax.errors import UserError
from rvm_jax.matting import GuidanceSource, matte_video
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import read_picture, write_picture
from rvm_jax.media.video_reader import VideoReader

FRAMES = moving_square(3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for t, frame in enumerate(FRAMES):
        write_picture(tmp_path / f"in/{t}.png", frame)
    return tmp_path / "in"


def _matte(source: Path, out: Path, **settings: Any) -> list[Path]:
    return matte_pictures(LeakyNetwork(), source, out, progress=False, **settings)


def test_pictures_and_their_masks_are_resized_first(folder: Path, tmp_path: Path) -> None:
    for path, frame in zip(_matte(folder, tmp_path / "out", input_resize=(24, 32)), FRAMES, strict=True):
        small = cv2.resize(frame, (32, 24), interpolation=cv2.INTER_AREA)
        assert np.abs(read_mask(path, rescale=False) - small.mean(-1) / 2).max() <= 0.51
        write_picture(tmp_path / "masks" / path.name, np.where(np.arange(64) < 32, 255, np.zeros((48, 64), np.uint8)))
    guided = matte_pictures(
        Echo("mask"),
        folder,
        tmp_path / "guided",
        progress=False,
        input_resize=(24, 32),
        guidance=GuidanceSource(files=tmp_path / "masks"),
    )
    for path in guided:
        assert (read_mask(path) == np.where(np.arange(32) < 16, 255, np.zeros((24, 32)))).all()


def test_networks_are_compared_on_pictures(folder: Path, tmp_path: Path) -> None:
    paths = _matte(folder, tmp_path / "out", compare_with=(LeakyNetwork(),), output_kind="comparison")
    picture = read_picture(paths[0])
    assert picture.shape == (96, 192, 3)
    np.testing.assert_array_equal(picture[:48, :64], FRAMES[0])
    np.testing.assert_array_equal(picture[20:48, 64:128], picture[68:, 64:128])
    with pytest.raises(UserError, match="output_kind=alpha: further networks appear in comparisons alone"):
        _matte(folder, tmp_path / "alpha", compare_with=(LeakyNetwork(),))
    with pytest.raises(UserError, match="further networks appear in comparisons alone"):
        matte_video(LeakyNetwork(), folder, outputs={"alpha": tmp_path / "a.mkv"}, compare_with=(LeakyNetwork(),))


def test_what_is_for_clips_wants_one(folder: Path, tmp_path: Path) -> None:
    settings: list[dict[str, Any]] = [{"input_rate": Fraction(5)}, {"scene_cut": 10.0}]
    for each in settings:
        with pytest.raises(UserError, match=r"is for the frames of clips, and .*in holds none; leave it out"):
            _matte(folder, tmp_path / "out", **each)
        assert not (tmp_path / "out").exists()
        assert len(_matte(folder, tmp_path / f"clip{next(iter(each))}", sequence=True, **each)) == 3


def test_a_moving_background_keeps_the_order_of_pictures(folder: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "behind.mp4", moving_square(3)[::-1])
    with VideoReader(clip) as video:
        plates = list(video)
    paths = _matte(folder, tmp_path / "out", output_kind="composition", background=str(clip), sequence=True)
    alphas = [read_mask(path, rescale=False) for path in _matte(folder, tmp_path / "alpha", sequence=True)]
    for path, frame, alpha, plate in zip(paths, FRAMES, alphas, plates, strict=True):
        share = alpha[..., None] / 255
        assert np.abs(read_picture(path) - (frame * share + plate * (1 - share))).max() <= 1


def test_padding_is_for_clips_too(folder: Path, tmp_path: Path) -> None:
    shapes: list[tuple[int, ...]] = []

    class Noting(LeakyNetwork):
        def __call__(self, src: Any, rec: Any = None, downsample_ratio: float = 1.0) -> Any:
            shapes.append(src.shape)
            return super().__call__(src, rec, downsample_ratio)

    outputs = {"alpha": tmp_path / "out"}
    matte_video(Noting(), folder, outputs=outputs, pad_to=128, seq_chunk=3, progress=False)
    assert {shape[2:4] for shape in shapes} == {(128, 128)}
    assert read_mask(tmp_path / "out/0.png").shape == (48, 64)
