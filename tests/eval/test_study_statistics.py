"""The study's statistics on made-up data: known intervals, a null that is not rejected, an effect that is; power."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from eval.study.power import Spread, detectable, pooled, seeds_needed
from eval.study.statistics import (
    compare,
    difference,
    holm,
    interval_of,
    mean_of,
    variance_of,
)

SEEDS = np.array([1.0, 2.0, 4.0, 5.0, 8.0])


def made_up(
    rng: np.random.Generator, shift: float = 0.0, seeds: int = 5, units: int = 30, spread: float = 1.0
) -> dict[str, np.ndarray]:
    """Two categories of errors with a part that hangs on the seed, one on the picture, and one on both."""
    of_seed = rng.normal(0, spread, (seeds, 1))
    return {
        name: 10 + shift + of_seed + np.linspace(0, 5, units) + rng.normal(0, 1, (seeds, units)) for name in ("a", "b")
    }


def test_what_hangs_on_seeds_alone_has_students_interval() -> None:
    values = {"a": np.repeat(SEEDS[:, None], 3, axis=1)}
    variance = variance_of(values)
    assert variance.over_units == pytest.approx(0, abs=1e-12) and variance.freedom == 4
    assert variance.over_seeds == pytest.approx(SEEDS.var(ddof=1) / 5, rel=0.08)
    reach = stats.t.ppf(0.975, 4) * SEEDS.std(ddof=1) / np.sqrt(5)
    assert interval_of(values) == pytest.approx((4 - reach, 4 + reach), abs=0.04 * reach)


def test_what_hangs_on_pictures_alone_shrinks_with_their_number_not_with_seeds() -> None:
    pictures = np.random.default_rng(0).normal(3, 1, 200)
    for seeds in (2, 6):
        variance = variance_of({"a": np.tile(pictures, (seeds, 1))})
        assert variance.over_seeds == pytest.approx(0, abs=1e-12)
        assert variance.over_units == pytest.approx(pictures.var() / 200, rel=0.08)


def test_categories_weigh_the_same() -> None:
    values = {"few": np.full((2, 1), 1.0), "many": np.full((2, 9), 3.0)}
    assert mean_of(values) == 2
    assert interval_of(values) == pytest.approx((2, 2))


def test_one_seed_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        variance_of({"a": np.ones((1, 4))})


def test_the_same_pictures_and_seeds_cancel() -> None:
    base = made_up(np.random.default_rng(0))
    better = {name: values - 0.5 for name, values in base.items()}
    (found,) = compare({"base": base, "better": better}, [("better", "base")])
    assert (found.difference, found.low, found.high) == pytest.approx((-0.5, -0.5, -0.5))
    assert found.is_real
    (same,) = compare({"base": base, "same": base}, [("same", "base")])
    assert same.p == 1 and not same.is_real


@pytest.mark.parametrize(
    ("seeds", "spread", "names", "varied"), [(2, 3.0, "abc", ""), (3, 3.0, "abcdefg", "abc"), (5, 1.0, "abc", "a")]
)
def test_no_effect_is_seldom_found(seeds: int, spread: float, names: str, varied: str) -> None:
    """Not where some contenders vary twice as much as the others, either."""
    pairs = list(combinations(names, 2))
    false = covered = 0
    for study in range(100):
        rng = np.random.default_rng(study)
        of = {name: made_up(rng, seeds=seeds, units=8, spread=spread * (1 + (name in varied))) for name in names}
        found = compare(of, pairs)
        false += any(each.is_real for each in found)
        covered += all(each.low <= 0 <= each.high for each in found)
    assert false <= 9 and covered >= 91  # 5 and 95 are expected of an exact procedure


def test_a_large_effect_is_found() -> None:
    for study in range(50):
        rng = np.random.default_rng(study)
        (found,) = compare({"a": made_up(rng), "b": made_up(rng, shift=8.0)}, [("b", "a")])
        assert found.is_real


def test_what_all_contenders_vary_by_counts_for_those_that_lie_together_by_chance() -> None:
    of = {name: {"a": (SEEDS * factor)[:, None] + np.zeros(3)} for name, factor in (("a", 0), ("b", 0), ("c", 1))}
    mean_variance = 2 / 3 * SEEDS.var(ddof=1) / 5
    near, far = compare(of, [("b", "a"), ("c", "a")])
    t = stats.t.ppf(1 - 0.05 / 2 / 2, 2 * 4)
    assert near.high == pytest.approx(t * np.sqrt(mean_variance), rel=0.05)
    assert far.high - far.difference == pytest.approx(t * np.sqrt(SEEDS.var(ddof=1) / 5), rel=0.05)


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_power_is_the_textbooks() -> None:
    # A paired t-test finds a difference of one standard deviation in 4 of 5 cases with 10 pairs.
    spread = Spread(of_seed=1.0, of_units=0.0)
    assert seeds_needed(spread, 1.0) == 10
    assert detectable(spread, 10) < 1.0 < detectable(spread, 9)
    assert detectable(spread, 10, contenders=3) > 1.0 > detectable(spread, 14, contenders=3)


def test_more_seeds_do_not_help_where_pictures_differ() -> None:
    spread = Spread(of_seed=0.01, of_units=1.0)
    assert seeds_needed(spread, 1.0) is None
    assert seeds_needed(spread.with_pictures(100), 1.0) is not None


def test_pooled_gives_back_what_a_pilot_has() -> None:
    rng = np.random.default_rng(1)
    one, other = made_up(rng, seeds=400, units=40), made_up(rng, seeds=400, units=40)
    spread = pooled([variance_of(difference(one, other))])
    assert spread.of_seed == pytest.approx(2 + 2 / 80, rel=0.3)  # of the seeds, and what is left of the noise
    assert spread.variance(4).over_seeds == spread.of_seed / 4
