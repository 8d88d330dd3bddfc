"""The study's questions, outcomes on some categories, and what its results say to them, contender by contender."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from eval.study.outcomes import BACK, BAND, FLICKER, IOU
from eval.study.run import REAL, Result
from eval.study.statistics import LEAST_SEEDS, Comparison, compare
from rvm_jax.errors import UserError

BASE = "none"
BARE = f"{REAL}bare"


class Question(NamedTuple):
    """An outcome on some categories: whether one counts is told by its name."""

    title: str
    outcome: str
    real: bool | None  # None: both
    bare: bool

    def counts(self, category: str) -> bool:
        is_real = category.startswith(REAL)
        return (self.real is None or is_real == self.real) and (category == BARE) == self.bare


FIRST = Question("MAD in the band, real faces behind something", BAND, True, False)
QUESTIONS = (
    FIRST,
    Question("IoU, real faces behind something", IOU, True, False),
    Question("MAD in the band, bare real faces", BAND, True, True),
    Question("IoU, bare real faces", IOU, True, True),
    Question("MAD in the band, rendered held-out", BAND, False, False),
    Question("IoU, rendered held-out", IOU, False, False),
    Question("flicker, pictures held", FLICKER, None, False),
    Question("frames until the face is back", BACK, None, False),
)


class Table:
    """The results of whole seeds, those that all contenders have.

    Args:
      results: of runs.
      order: names of contenders, as tables list them; others are left out.
      start: what the network that all started from has, or None.

    Raises:
      UserError: if fewer than two seeds are whole.
    """

    def __init__(self, results: Iterable[Result], order: Sequence[str], start: Result | None = None):
        self.start = start
        self._by_run = {(result.contender, result.seed): result for result in results}
        there = {name for name, _ in self._by_run}
        self.names = [name for name in order if name in there]
        found = sorted({seed for _, seed in self._by_run})
        self._comparisons: dict[Question, list[Comparison]] = {}
        self.seeds = [seed for seed in found if all((name, seed) in self._by_run for name in self.names)]
        if len(self.seeds) < LEAST_SEEDS or len(self.names) < 2:
            raise UserError(
                f"{len(self.seeds)} seed(s) are whole, of {len(self.names)} contender(s): intervals need two of each; "
                "run the study on"
            )

    def values(self, name: str, question: Question) -> dict[str, np.ndarray]:
        """Returns {category: (seeds, pictures or clips)} of a contender."""
        return _arrays([self._by_run[name, seed] for seed in self.seeds], question)

    def of(self, question: Question) -> dict[str, dict[str, np.ndarray]]:
        """Returns the values of all contenders; empty where nothing of the question was measured."""
        found = {name: self.values(name, question) for name in self.names}
        return found if all(found.values()) else {}

    def of_start(self, question: Question) -> dict[str, np.ndarray]:
        """Returns the same of the start, whose only seed is none; empty where there is none."""
        return _arrays([self.start], question) if self.start else {}

    def first(self) -> Question:
        """Returns the first outcome; that of rendered held-out items where no real faces were measured."""
        return FIRST if self.of(FIRST) else next(each for each in QUESTIONS if self.of(each))

    def comparisons(self, question: Question) -> list[Comparison]:
        """Compares all pairs of contenders, once."""
        if question not in self._comparisons:
            self._comparisons[question] = compare(self.of(question), self.pairs)
        return self._comparisons[question]

    def beside_base(self, question: Question) -> dict[str, Comparison]:
        """Returns the comparisons of all other contenders with the base, by name."""
        return {each.ours: each for each in self.comparisons(question) if each.theirs == self.base}

    @property
    def base(self) -> str:
        """The contender that effects are shares of: `none`, the first where it is not among them."""
        return BASE if BASE in self.names else self.names[0]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All pairs of contenders, the one that tables list later first: its difference from the other."""
        return [(ours, theirs) for theirs, ours in combinations(self.names, 2)]


def _arrays(results: Sequence[Result], question: Question) -> dict[str, np.ndarray]:
    runs = [result.outcomes[question.outcome] for result in results]
    return {
        category: np.array([[run[category][unit] for unit in sorted(runs[0][category])] for run in runs])
        for category in sorted(runs[0])
        if question.counts(category)
    }
