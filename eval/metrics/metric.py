"""What a metric is: one class that says how it is called, what it needs, and how it is computed; registered by itself.

    @register
    class Worst(PictureMetric):
        name, title = "worst", "worst"
        legend = "the largest error of a pixel, of alphas in [0, 1]"

        def compute(self, pred: np.ndarray, label: np.ndarray) -> float:
            return float(cv2.absdiff(pred, label).max() / 255)

In any module of this package that is all there is to do: commands, tables, legend, JSON and pages ask the registry.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeVar

import numpy as np

import eval.metrics
from eval.metrics.region import REGIONS
from rvm_jax.errors import UserError

if TYPE_CHECKING:
    from eval.metrics.batch import Batch
    from eval.metrics.sums import ErrorSums
    from eval.metrics.temporal import TemporalSums

Values = dict[str, np.ndarray]  # of a batch's pictures, (B,) float, by the column's name


class Need(Enum):
    """What a metric asks for beyond predicted and true alphas."""

    REGIONS = auto()  # it has a column for each region that errors are counted in
    CLIPS = auto()  # the frame before; single pictures have no value
    FOREGROUNDS = auto()  # predicted and true foregrounds, of all pictures


class Metric(ABC):
    """An error of predicted alphas. Subclass one of those below, which differ in what `compute` is given.

    Attributes:
      name: of its column in JSON and on the command line; "{region}" in it stands for that.
      title: of its column in tables, likewise.
      legend: what it is, in half a sentence.
      needs: what it asks for; where that is missing it is left out.
      optional: whether it is measured only where `metrics` names it.
      is_main: whether comparisons state it first, and its paired differences.
      place: columns come in this order, then in that of their names.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    legend: ClassVar[str]
    needs: ClassVar[frozenset[Need]] = frozenset()
    optional: ClassVar[bool] = True
    is_main: ClassVar[bool] = False
    place: ClassVar[int] = 100

    @abstractmethod
    def measure(self, batch: "Batch") -> Values:
        """Returns the values of its columns for the batch's pictures."""

    def merge(self, values: Sequence[float]) -> float:
        """Returns a clip's value from those of its frames: their mean; NaN counts nowhere."""
        known = [value for value in values if not math.isnan(value)]
        return float(np.mean(known)) if known else math.nan


class PictureMetric(Metric):
    """Computed picture by picture, on the threads that decode: for what OpenCV does without Python's lock."""

    @abstractmethod
    def compute(self, pred: np.ndarray, label: np.ndarray) -> float:
        """Returns the error of an alpha (H, W) uint8."""

    def measure(self, batch: "Batch") -> Values:
        return {self.name: np.array([picture.values[self.name] for picture in batch.pictures])}


class WindowMetric(PictureMetric):
    """Computed likewise, but only from the window (`eval.metrics.window`) beyond which both alphas are 0.

    The error is 0 where that is empty.
    """

    @abstractmethod
    def compute_within(self, pred: np.ndarray, label: np.ndarray, pixels: int) -> float:
        """Returns the error of a picture of so many `pixels`, of which the alphas (h, w) uint8 are a window."""

    def compute(self, pred: np.ndarray, label: np.ndarray) -> float:
        return self.compute_within(pred, label, label.size)


class BatchMetric(Metric):
    """Computed for a batch of alphas by a jitted function.

    Attributes:
      from_windows: whether the errors stay the same without what lies farther than a window's margin from where either
        alpha is above 0; then `compute` is given windows, which takes a third of the time.
    """

    from_windows: ClassVar[bool] = False

    @abstractmethod
    def compute(self, pred: np.ndarray, label: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Returns the errors (B,) of alphas (B, H, W) uint8, padded from their `sizes` (B, 2) to H × W."""

    def measure(self, batch: "Batch") -> Values:
        return {self.name: np.asarray(self.compute(*(batch.windows if self.from_windows else batch.whole)))}


class RegionMetric(Metric):
    """Computed from sums over each region asked for, which all metrics of this kind share."""

    needs = frozenset({Need.REGIONS})
    optional = False

    @abstractmethod
    def compute(self, sums: "ErrorSums") -> np.ndarray:
        """Returns the errors (B,) over one region."""

    def measure(self, batch: "Batch") -> Values:
        return {self.name.format(region=region): self.compute(sums) for region, sums in batch.region_sums.items()}


class ClipMetric(Metric):
    """Computed from the changes between each frame and the one before; `first`: a clip's first value."""

    needs = frozenset({Need.CLIPS})
    first: ClassVar[float] = math.nan

    @abstractmethod
    def compute(self, sums: "TemporalSums") -> np.ndarray:
        """Returns the errors (B,) of the changes."""

    def measure(self, batch: "Batch") -> Values:
        values = np.where(batch.in_clip, self.first, math.nan)
        if batch.follows.any():
            values[batch.follows] = self.compute(batch.temporal_sums)[: len(values)][batch.follows]
        return {self.name: values}


class ForegroundMetric(Metric):
    """Computed from sums over the pixels and channels of the foreground where the true alpha is above 0."""

    needs = frozenset({Need.FOREGROUNDS})
    optional = False

    @abstractmethod
    def compute(self, sums: "ErrorSums") -> np.ndarray:
        """Returns the errors (B,) of the foreground."""

    def measure(self, batch: "Batch") -> Values:
        return {self.name: self.compute(batch.foreground_sums)} if batch.has_foregrounds else {}


M = TypeVar("M", bound=type[Metric])
_REGISTERED: dict[str, Metric] = {}


def register(metric: M) -> M:
    """Makes a class of metrics known, as a decorator; another one of that name is replaced."""
    _REGISTERED[metric.name] = metric()
    return metric


def unregister(name: str) -> None:
    """Forgets a metric."""
    del _REGISTERED[name]


def all_metrics() -> list[Metric]:
    """Returns the metrics of this package's modules and what else is registered, in the order of their columns."""
    _import_modules()
    return sorted(_REGISTERED.values(), key=lambda metric: metric.place)


@cache
def _import_modules() -> None:
    for module in iter_modules(eval.metrics.__path__):
        import_module(f"{eval.metrics.__name__}.{module.name}")


def optional_names() -> list[str]:
    """Returns the names of the metrics that are measured where they are asked for."""
    return [metric.name for metric in all_metrics() if metric.optional]


def chosen_metrics(names: Iterable[str]) -> list[Metric]:
    """Returns the metrics that are always measured, and the optional ones of these names.

    Raises:
      ValueError: if there is no such metric.
    """
    unknown = set(names) - set(optional_names())
    if unknown:
        raise ValueError(f"no such metric: {', '.join(sorted(unknown))}; there are {', '.join(optional_names())}")
    return [metric for metric in all_metrics() if not metric.optional or metric.name in set(names)]


def chosen_names(given: Sequence[str] | None, flag: str, known: list[str]) -> list[str]:
    """Returns the names that a flag gives, each once; all that are known where it is not given.

    Raises:
      UserError: naming the flag and the first that is unknown.
    """
    if given is None:
        return known
    names = [name for name in dict.fromkeys(given) if name]
    for name in names:
        if name not in known:
            raise UserError(f"--{flag}: '{name}' is none of {', '.join(known)}")
    return names


class Column(NamedTuple):
    """A column of tables and JSON: a metric, over a region where it is counted in some."""

    name: str
    title: str
    metric: Metric
    region: str | None = None


def columns() -> dict[str, Column]:
    """Returns all columns that there can be, by their names, in their order; those of one region side by side."""
    metrics = all_metrics()
    regional = [metric for metric in metrics if Need.REGIONS in metric.needs]
    found: list[Column] = []
    for metric in metrics:
        if metric not in regional:
            found.append(Column(metric.name, metric.title, metric))
        elif metric is regional[0]:
            found += [_over(one, region) for region in REGIONS for one in regional]
    return {column.name: column for column in found}


def _over(metric: Metric, region: str) -> Column:
    return Column(metric.name.format(region=region), metric.title.format(region=region), metric, region)
