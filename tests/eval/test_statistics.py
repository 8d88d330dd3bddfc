"""Bootstrap intervals: what they cover, how pairing narrows them, and what they say where there is little."""

import numpy as np
import pytest

from eval.metrics.statistics import Estimate, estimate, paired


def test_interval_of_a_normal_sample_is_that_of_theory() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400)
    mean, low, high = estimate([values])
    assert mean == pytest.approx(values.mean())
    half = 1.96 * values.std() / np.sqrt(400)
    assert (low, high) == pytest.approx((mean - half, mean + half), abs=0.1 * half)
    assert estimate([values]) == (mean, low, high)  # seeded


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    covered = [low <= 0 <= high for _, low, high in (estimate([rng.normal(0, 1, 30)]) for _ in range(300))]
    assert 0.89 < np.mean(covered) < 0.98


def test_large_categories_are_drawn_in_parts() -> None:
    values = np.random.default_rng(4).normal(1, 1, 4200)
    mean, low, high = estimate([values])
    assert (low, high) == pytest.approx((mean - 1.96 / 4200**0.5, mean + 1.96 / 4200**0.5), abs=0.004)


def test_categories_weigh_the_same_and_are_not_drawn() -> None:
    groups = [np.full(100, 1.0), np.full(2, 3.0), np.array([np.nan])]
    assert estimate(groups) == (2, 2, 2)


def test_several_trainings_widen_the_interval() -> None:
    rng = np.random.default_rng(3)
    pictures = rng.normal(0, 0.1, (200, 1))
    same, apart = (pictures + np.array([-shift, shift]) + rng.normal(0, 0.1, (200, 2)) for shift in (0, 1))
    assert np.ptp(estimate([same])[1:]) < 0.1
    mean, low, high = estimate([apart, apart])
    assert mean == pytest.approx(0, abs=0.05)
    assert (low, high) == pytest.approx((-1, 1), abs=0.1)  # both drawn from one training, in all categories alike


def test_little_data_has_no_interval() -> None:
    assert np.isnan(estimate([])).all()
    mean, low, high = estimate([np.array([4.0])])
    assert mean == 4 and np.isnan(low) and np.isnan(high)


def test_pairing_takes_the_pictures_difficulty_out() -> None:
    rng = np.random.default_rng(2)
    difficulty = rng.exponential(10, 50)
    theirs = {"hands": {f"hands/{i}": value for i, value in enumerate(difficulty)}}
    ours = {"hands": {key: value - 0.5 + rng.normal(0, 0.2) for key, value in theirs["hands"].items()}}
    difference = paired(ours, theirs)
    assert difference.mean == pytest.approx(-0.5, abs=0.1)
    assert difference.high - difference.low < 0.2 < 2 < np.ptp(estimate([difficulty])[1:])
    assert difference.excludes_zero
    assert not Estimate(0.1, -0.1, 0.3).excludes_zero
    with pytest.raises(ValueError, match="same pictures"):
        paired(ours, {"hands": {"hands/0": 1.0}})
