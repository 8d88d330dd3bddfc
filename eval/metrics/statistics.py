"""How sure a mean is: bootstrap intervals of means over categories of pictures and clips, and of paired differences."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

RESAMPLES = 2000
_COVERAGE = (2.5, 97.5)  # percentiles
_KEPT = 4096  # units of a category up to which its draws are kept, 8 MB; more are drawn in parts
_PART = 50


class Estimate(NamedTuple):
    """A mean with its 95 % interval; NaN where nothing was measured, and in the interval of a single measurement."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0: of a paired difference, whether the difference is real."""
        return self.low > 0 or self.high < 0


def estimate(groups: Sequence[np.ndarray], seed: int = 0) -> Estimate:
    """Returns the mean over groups of the means within them, with its percentile bootstrap interval.

    The units are resampled within each category, as often as there are, and so are the trainings, the same ones for
    all categories; the categories are kept, since they were chosen and not drawn.

    Args:
      groups: the measurements of each category, (n,) or, of several trainings, (n, trainings); NaN where a thing was
        not measured. A category without any measurement counts nowhere.
      seed: of the resampling: the same measurements always have the same interval.
    """
    groups = [group[:, None] if group.ndim == 1 else group for group in groups]
    groups = [group[~np.isnan(group).any(axis=1)] for group in groups]
    groups = [group for group in groups if group.size]
    if not groups:
        return Estimate(np.nan, np.nan, np.nan)
    mean = float(np.mean([group.mean() for group in groups]))
    if max(group.size for group in groups) == 1:
        return Estimate(mean, np.nan, np.nan)
    trainings = groups[0].shape[1]
    chosen = np.random.default_rng(seed).integers(trainings, size=(RESAMPLES, trainings))
    means = [_resampled_means(group, seed, place) for place, group in enumerate(groups)]
    drawn = np.take_along_axis(np.mean(means, axis=0), chosen, axis=1).mean(axis=1)
    low, high = np.percentile(drawn, _COVERAGE)
    return Estimate(mean, float(low), float(high))


def paired(ours: Mapping[str, Mapping[str, Any]], theirs: Mapping[str, Mapping[str, Any]]) -> Estimate:
    """Returns the mean of the differences ours − theirs, unit by unit, with its interval.

    What makes one picture harder than another is then no part of the interval.

    Args:
      ours: {category: {unit: measurement}}; with several trainings an array of their measurements.
      theirs: the same of the other, training n belonging to training n.

    Raises:
      ValueError: if they have different categories or units.
    """
    if {name: units.keys() for name, units in ours.items()} != {name: units.keys() for name, units in theirs.items()}:
        raise ValueError("a paired comparison needs the same pictures and clips on both sides")
    return estimate(
        [np.array([value - theirs[name][unit] for unit, value in units.items()]) for name, units in ours.items()]
    )


def _resampled_means(values: np.ndarray, seed: int, place: int) -> np.ndarray:
    """Returns the means (RESAMPLES, trainings) of as many draws of units, with replacement, from (n, trainings)."""
    units = len(values)
    if units <= _KEPT:
        return np.asarray(_draws(units, seed, place, RESAMPLES) @ values / units)
    parts = range(0, RESAMPLES, _PART)
    return np.concatenate(
        [_draws.__wrapped__(units, seed, place * RESAMPLES + part, _PART) @ values / units for part in parts]
    )


@lru_cache(maxsize=32)
def _draws(units: int, seed: int, place: int, count: int) -> np.ndarray:
    """Returns (count, units) uint8: how often each unit is drawn. All metrics of a category share them."""
    drawn = np.random.default_rng([seed, place, units]).integers(units, size=(count, units))
    places = drawn + units * np.arange(count)[:, None]
    return np.bincount(places.ravel(), minlength=count * units).reshape(count, units).astype(np.uint8)
