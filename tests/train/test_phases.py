"""Which phases a step has, and the choice of crop sizes."""

from typing import Any

import pytest

from rvm_jax import UserError
from rvm_jax.train.phases import MAIN, make_phases, steps_of_epochs

TRAIN: dict[str, Any] = {
    "loss": "alpha", "batch_size": 4, "seed": 3, "crop_sizes": ((64, 64), (64, 96), (96, 64))
}  # fmt: skip


def test_turns() -> None:
    train = TRAIN | {"phases": {"other": {"loss": "segmentation", "batch_size": 8, "every": 3, "first": 2}}}
    main, other = make_phases(train)
    assert (main.name, other.name, other.batch_size) == (MAIN, "other", 8)
    assert [step for step in range(1, 10) if other.is_due(step)] == [2, 5, 8]
    for step in range(10):
        assert other.batches_until(step) == sum(other.is_due(earlier) for earlier in range(1, step + 1))
        assert main.batches_until(step) == step
    assert (main.metric("loss/total"), other.metric("loss/total")) == ("loss/total", "other/loss/total")


def test_crop_sizes_are_drawn_by_the_step() -> None:
    (main,) = make_phases(TRAIN)
    sizes = [main.crop(step) for step in range(1, 100)]
    assert set(sizes) == set(TRAIN["crop_sizes"])
    assert sizes == [make_phases(TRAIN)[0].crop(step) for step in range(1, 100)]  # the same on every host, and again
    assert sizes != [make_phases(TRAIN | {"seed": 4})[0].crop(step) for step in range(1, 100)]
    assert make_phases(TRAIN | {"crop_sizes": ()})[0].crop(1) is None


def test_settings_that_do_not_work() -> None:
    with pytest.raises(UserError, match=r"train\.phases\.other: every=0 and first=1 must be 1 or more"):
        make_phases(TRAIN | {"phases": {"other": {"loss": "alpha", "batch_size": 8, "every": 0}}})
    with pytest.raises(UserError, match=r"train\.batch_size=4 cannot be taken in train\.accumulate=3 parts"):
        make_phases(TRAIN | {"accumulate": 3})
    with pytest.raises(UserError, match=r"train\.loss 'alpha' takes no downsample_ratio"):
        make_phases(TRAIN | {"downsample_ratio": 0.25})


def test_steps_of_epochs() -> None:
    assert steps_of_epochs({"epochs": 3, "batch_size": 4}, 10) == 7
    for epochs, clips in ((0, 10), (1, 3)):
        with pytest.raises(
            UserError, match=rf"train\.epochs={epochs} of {clips} clips is no step of train\.batch_size=4"
        ):
            steps_of_epochs({"epochs": epochs, "batch_size": 4}, clips)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (256, "((256, 256),)"),
        ((64, 96), "((64, 96),)"),
        ("abc", "((256, 256),)"),
        (((64, 64, 64),), "((256, 256),)"),
        (((64, 0),), "((256, 256),)"),
        (((64.5, 64),), "((256, 256),)"),
        (None, "((256, 256),)"),
    ],
)
def test_crop_sizes_that_are_none(value: object, written: str) -> None:
    with pytest.raises(UserError) as caught:
        make_phases(TRAIN | {"crop_sizes": value})
    assert f"train.crop_sizes={value!r}: give sizes as (height, width)" in str(caught.value)
    assert f'train.crop_sizes="{written}"' in str(caught.value)
