"""Contenders compared: paired over pictures and seeds by a hierarchical bootstrap, corrected for their number."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy import stats  # comes with JAX

RESAMPLES = 2000
LEVEL = 0.05
LEAST_SEEDS = 2

# {category: (seeds, pictures or clips)}, seed n and picture m the same for all contenders.
Values = Mapping[str, np.ndarray]


class Variance(NamedTuple):
    """Of the mean of S seeds: its part over seeds, pooled over the differences of C contenders, and over pictures."""

    over_seeds: float
    over_units: float
    seeds: int
    contenders: int = 2

    @property
    def error(self) -> float:
        """The standard error."""
        return float(np.sqrt(self.over_seeds + self.over_units))

    @property
    def freedom(self) -> int:
        """The degrees of freedom of the part over seeds, (C − 1) (S − 1), as of a two-way analysis of variance.

        By Welch and Satterthwaite there were more, which errs: where few seeds lie together by chance, they then count
        for little (of 300 made-up studies of 2 or 3 seeds without any effect up to every fourth found one).
        """
        return (self.contenders - 1) * (self.seeds - 1)

    def reach(self, comparisons: int = 1) -> float:
        """Returns half the width of the 95 % interval; with `comparisons`, of which all together hold with 95 %."""
        return float(stats.t.ppf(1 - LEVEL / comparisons / 2, self.freedom)) * self.error


class Comparison(NamedTuple):
    """The difference ours − theirs, its simultaneous interval, and p-values: by itself, and among all compared."""

    ours: str
    theirs: str
    difference: float
    low: float
    high: float
    p: float
    corrected_p: float

    @property
    def is_real(self) -> bool:
        """Whether the corrected test rejects that there is none."""
        return self.corrected_p < LEVEL


def mean_of(values: Values) -> float:
    """Returns the mean over categories of the means over seeds and pictures."""
    return float(np.mean([each.mean() for each in values.values()]))


def means_by_seed(values: Values) -> np.ndarray:
    """Returns (seeds,): the mean over categories of the means over pictures."""
    return np.mean([each.mean(axis=1) for each in values.values()], axis=0)


def variance_of(values: Values, seed: int = 0) -> Variance:
    """Returns the variance of `mean_of`, by resampling seeds, and pictures within each category.

    The part over seeds is multiplied by S / (S − 1), what resampling S of them lacks. What hangs on both a seed and a
    picture counts in both parts, which errs on the safe side.

    Args:
      values: of one contender, or differences of two; at least two seeds.
      seed: of the resampling: contenders that are compared share it, and with it all draws.

    Raises:
      ValueError: with fewer seeds.
    """
    arrays = list(values.values())
    seeds = len(arrays[0])
    if seeds < LEAST_SEEDS:
        raise ValueError(f"{seeds} seed(s): an interval needs at least {LEAST_SEEDS}")
    over_seeds = (_weights(seed, 0, seeds) @ means_by_seed(values)).var() * seeds / (seeds - 1)
    drawn = [_weights(seed, 1 + place, each.shape[1]) @ each.mean(axis=0) for place, each in enumerate(arrays)]
    over_units = np.mean(drawn, axis=0).var()
    return Variance(float(over_seeds), float(over_units), seeds)


def interval_of(values: Values, comparisons: int = 1) -> tuple[float, float]:
    """Returns the 95 % interval of `mean_of`; see `Variance.reach`."""
    reach, mean = variance_of(values).reach(comparisons), mean_of(values)
    return mean - reach, mean + reach


def difference(ours: Values, theirs: Values) -> dict[str, np.ndarray]:
    """Returns ours − theirs, seed by seed and picture by picture."""
    return {category: ours[category] - theirs[category] for category in ours}


def compare(contenders: Mapping[str, Values], pairs: Sequence[tuple[str, str]]) -> list[Comparison]:
    """Compares pairs of contenders; intervals are Bonferroni's, corrected p-values Holm's, for all pairs together.

    A difference's variance over seeds is its own, or the mean of those of all contenders' differences where that is
    larger. The mean has the degrees of freedom that a few seeds lack; by it alone, contenders of which some vary more
    than others would be told apart too often.
    """
    variances = {
        frozenset(pair): variance_of(difference(contenders[pair[0]], contenders[pair[1]]))
        for pair in combinations(contenders, 2)
    }
    shared = float(np.mean([each.over_seeds for each in variances.values()]))
    found = []
    for ours, theirs in pairs:
        own, mean = variances[frozenset((ours, theirs))], mean_of(difference(contenders[ours], contenders[theirs]))
        variance = own._replace(over_seeds=max(own.over_seeds, shared), contenders=len(contenders))
        p = float(2 * stats.t.sf(abs(mean) / variance.error, variance.freedom)) if variance.error else float(mean == 0)
        reach = variance.reach(len(pairs))
        found.append(Comparison(ours, theirs, mean, mean - reach, mean + reach, p, p))
    corrected = holm([each.p for each in found])
    return [each._replace(corrected_p=p) for each, p in zip(found, corrected, strict=True)]


def holm(values: Sequence[float]) -> list[float]:
    """Returns p-values corrected for their number by Holm's method."""
    order = np.argsort(values)
    factors = len(values) - np.arange(len(values))
    raised = np.minimum(np.maximum.accumulate(np.asarray(values)[order] * factors), 1.0)
    corrected = np.empty(len(values))
    corrected[order] = raised
    return [float(p) for p in corrected]


@lru_cache(maxsize=64)
def _weights(seed: int, place: int, count: int) -> np.ndarray:
    """Returns (RESAMPLES, count): how often each is drawn, with replacement, as shares; all differences share them."""
    rng = np.random.default_rng([seed, place, count])
    return rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES) / count
