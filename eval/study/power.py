"""What a study of S seeds can find, from the variance of a pilot's differences."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from eval.study.statistics import LEVEL, Variance

POWER = 0.8
_MOST_SEEDS = 1000


class Spread(NamedTuple):
    """Of a difference of two contenders: its variance over single seeds, and of the mean over pictures."""

    of_seed: float
    of_units: float

    def variance(self, seeds: int, contenders: int = 2) -> Variance:
        """Returns the variance of the difference of a study with this many seeds and contenders."""
        return Variance(self.of_seed / seeds, self.of_units, seeds, contenders)

    def with_pictures(self, factor: int) -> "Spread":
        """Returns the spread with so many times the pictures."""
        return Spread(self.of_seed, self.of_units / factor)


def pooled(variances: Sequence[Variance]) -> Spread:
    """Returns the spread that the pairs of a pilot have on average."""
    of_seed = float(np.mean([each.over_seeds * each.seeds for each in variances]))
    return Spread(of_seed, float(np.mean([each.over_units for each in variances])))


def detectable(spread: Spread, seeds: int, contenders: int = 2) -> float:
    """Returns the smallest difference that is found with a probability of 80 %.

    Args:
      spread: of a difference.
      seeds: of the study, at least two.
      contenders: of the study, whose pairs are all compared, and corrected for (as Bonferroni does: Holm's first step).
    """
    variance = spread.variance(seeds, contenders)
    comparisons = contenders * (contenders - 1) // 2
    level = stats.t.ppf(1 - LEVEL / comparisons / 2, variance.freedom)
    return float((level + stats.t.ppf(POWER, variance.freedom)) * variance.error)


def seeds_needed(spread: Spread, difference: float, contenders: int = 2) -> int | None:
    """Returns the fewest seeds that find this difference with 80 %; None where no number of them does.

    More seeds do not lessen the variance over pictures: it takes more of those then.
    """
    for seeds in range(2, _MOST_SEEDS + 1):
        if detectable(spread, seeds, contenders) <= difference:
            return seeds
    return None
