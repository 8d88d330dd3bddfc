"""Alphas that are averaged over time where the picture stands still."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rvm_jax.errors import UserError
from rvm_jax.matting.matted import Matted
from rvm_jax.matting.options import PictureSettings, Settings
from rvm_jax.matting.pictures import plan_pictures
from rvm_jax.matting.smoothing import Smoothed
from rvm_jax.media.frame_source import Frame
from rvm_jax.media.pictures import write_picture
from rvm_jax.networks.api import State

SIZE = 64


class Given:
    """A backend whose alphas are written down."""

    has_state = False

    def __init__(self, alphas: Iterable[np.ndarray]):
        self._alphas = alphas

    def matte(self, frames: Iterable[Frame], related: bool, rec: State | None = None) -> Iterator[Matted]:
        del related, rec
        for frame, alpha in zip(frames, self._alphas, strict=True):
            yield Matted(frame, alpha, frame.rgb, ())


def _smoothed(pictures: list[np.ndarray], alphas: list[np.ndarray], related: bool = True) -> list[Matted]:
    frames = [Frame(picture, None, number=number) for number, picture in enumerate(pictures)]
    return list(Smoothed(Given(alphas), 0.75).matte(frames, related))


def _alpha(value: int) -> np.ndarray:
    return np.full((SIZE, SIZE, 1), value, np.uint8)


def test_a_still_picture_gets_the_running_mean() -> None:
    picture = np.full((SIZE, SIZE, 3), 90, np.uint8)
    matted = _smoothed([picture] * 3, [_alpha(100), _alpha(140), _alpha(100)])
    assert [int(each.pha[0, 0, 0]) for each in matted] == [100, 110, 108]  # 107.5, rounded up
    assert all(each.rec is None for each in matted)  # it cannot be resumed from its midst


def test_what_moves_does_not_trail() -> None:
    dark, light = np.zeros((SIZE, SIZE, 3), np.uint8), np.zeros((SIZE, SIZE, 3), np.uint8)
    light[:, SIZE // 2 :] = 200
    matted = _smoothed([dark, light], [_alpha(0), _alpha(200)])
    assert np.all(matted[1].pha[:, SIZE // 2 + 2 :] == 200)  # there the picture changed
    assert np.all(matted[1].pha[:, : SIZE // 2 - 2] == 50)


def test_unrelated_pictures_and_new_sizes_are_left_alone() -> None:
    picture = np.full((SIZE, SIZE, 3), 90, np.uint8)
    alphas = [_alpha(100), _alpha(140)]
    assert [int(each.pha[0, 0, 0]) for each in _smoothed([picture] * 2, alphas, related=False)] == [100, 140]
    assert int(_smoothed([picture, picture[:32]], [alphas[0], alphas[1][:32]])[1].pha[0, 0, 0]) == 140


def test_sixteen_bits_stay() -> None:
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    matted = _smoothed([picture] * 2, [np.full((SIZE, SIZE, 1), value, np.uint16) for value in (0, 40000)])
    assert matted[1].pha.dtype == np.uint16
    assert int(matted[1].pha[0, 0, 0]) == 10000


@pytest.mark.parametrize("strength", [-0.1, 1.0])
def test_a_strength_out_of_range_is_refused(strength: float) -> None:
    with pytest.raises(UserError, match=f"smooth is {strength}; give a number from 0 up to 1, exclusive"):
        Settings(smooth=strength)


def test_unrelated_pictures_refuse_it_and_clips_in_folders_do_not(tmp_path: Path) -> None:
    for index in range(3):
        write_picture(tmp_path / "in" / f"{index}.png", np.zeros((SIZE, SIZE, 3), np.uint8))
    with pytest.raises(UserError, match="smooth is for the frames of clips"):
        plan_pictures(tmp_path / "in", tmp_path / "out", PictureSettings(smooth=0.5))
    assert len(plan_pictures(tmp_path / "in", tmp_path / "out", PictureSettings(smooth=0.5, sequence=True))) == 1
