"""Errors of pictures → means over the pictures and clips of a category, and over categories, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from eval.metrics.metric import columns
from eval.metrics.statistics import Estimate, estimate


@dataclass(frozen=True)
class Picture:
    """The errors of a picture or a clip's frame, by column; NaN where one has no meaning (dtSSD of a still)."""

    key: str
    unit: str
    kernel_sizes: tuple[int, int]
    values: dict[str, float]

    @property
    def category(self) -> str:
        """The folder that it lies in."""
        return self.key.partition("/")[0]


class Row(NamedTuple):
    """Means over the pictures and clips of a category, or over categories.

    `values` are by column. A clip weighs as much as a picture: its value is what the metric merges its frames' to.
    `constant_mad` is the MAD (times 1000) of `constant_alpha`, the one value that would do best as the alpha of every
    pixel.
    """

    category: str
    units: int
    pictures: int  # pictures and frames
    values: dict[str, Estimate]
    constant_alpha: float
    constant_mad: float


class Evaluation(NamedTuple):
    """All pictures, a row for each category, and the mean over categories."""

    pictures: list[Picture]
    categories: list[Row]
    mean: Row

    def by_unit(self, column: str) -> dict[str, dict[str, float]]:
        """Returns {category: {picture or clip: its value}}."""
        return _by_unit(self.pictures, column)

    def by_frame(self, column: str) -> list[Estimate]:
        """Returns the mean at each place in clips, from the first frame on; empty where there are no clips."""
        places: dict[str, int] = {}
        values: list[dict[str, list[float]]] = []
        for picture in self.pictures:
            if picture.unit != picture.key:
                place = places[picture.unit] = places.get(picture.unit, -1) + 1
                if place == len(values):
                    values.append({})
                values[place].setdefault(picture.category, []).append(picture.values[column])
        return [estimate([np.array(group) for group in groups.values()]) for groups in values]


def summarise(pictures: Sequence[Picture], histograms: Mapping[str, np.ndarray]) -> Evaluation:
    """Averages pictures.

    Args:
      pictures: at least one.
      histograms: by category the sum of its labels' shares (256,) of each alpha.
    """
    pictures = sorted(pictures, key=lambda picture: picture.key)
    by_unit = {name: _by_unit(pictures, name) for name in pictures[0].values}
    counts = {name: sum(picture.category == name for picture in pictures) for name in histograms}
    # Every category weighs the same in the mean over them.
    shares = {name: histogram / counts[name] for name, histogram in histograms.items()}

    def row(title: str, categories: Sequence[str]) -> Row:
        groups = {
            column: [np.array(list(units[name].values())) for name in categories] for column, units in by_unit.items()
        }
        return Row(
            title,
            sum(len(group) for group in next(iter(groups.values()))),
            sum(counts[name] for name in categories),
            {column: estimate(of_column) for column, of_column in groups.items()},
            *_best_constant(np.sum([shares[name] for name in categories], axis=0)),
        )

    names = sorted(histograms)
    return Evaluation(pictures, [row(name, [name]) for name in names], row("mean", names))


def _by_unit(pictures: Sequence[Picture], column: str) -> dict[str, dict[str, float]]:
    merge = columns()[column].metric.merge
    frames: dict[str, dict[str, list[float]]] = {}
    for picture in pictures:
        of_category = frames.setdefault(picture.category, {})
        of_category.setdefault(picture.unit, []).append(picture.values[column])
    return {category: {unit: merge(values) for unit, values in units.items()} for category, units in frames.items()}


def _best_constant(histogram: np.ndarray) -> tuple[float, float]:
    """Returns the alpha with the smallest mean absolute error to labels of this (256,) histogram, and 1000 · that."""
    share = histogram / histogram.sum()
    median = int(np.searchsorted(share.cumsum(), 0.5))
    return median / 255.0, float(share @ np.abs(np.arange(256) - median)) / 0.255
