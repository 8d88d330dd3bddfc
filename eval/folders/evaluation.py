"""Folders of predictions and labels → one row of errors a category, and the mean over categories.

Pictures are read by threads, a few ahead, and padded into batches of few shapes, so memory stays constant and each
shape compiles once.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from tqdm import tqdm

from data_pipeline.memory import keep_freed_memory
from eval.folders.checks import check_pictures
from eval.folders.reading import Pair, raise_problems
from eval.metrics.batch_metrics import Loaded, measure
from eval.metrics.connectivity import connectivity_error
from eval.metrics.statistics import Estimate, estimate
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import read_mask, read_picture

METRICS = ("iou", "grad", "conn", "dtssd", "flicker")  # besides `mad` and `mse`, which are always there
DEFAULT_REGIONS = ("described", "published", "all", "face", "band")
_BATCH_PIXELS = 2**21
_MEASURING = 2  # batches at once: XLA's CPU programs for bytes run on one core each

cv2.setNumThreads(0)  # the threads here are the parallelism; OpenCV's own would only take their cores
keep_freed_memory()  # else half of the time goes into pages that batches come and go in

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True)
class Picture:
    """The errors of a picture or a clip's frame, by name; NaN where one has no meaning (dtSSD of a still)."""

    key: str
    unit: str
    kernel_sizes: tuple[int, int]
    values: dict[str, float]

    @property
    def category(self) -> str:
        return self.key.partition("/")[0]


class Row(NamedTuple):
    """Means over the pictures and clips of a category, or over categories.

    `values` are by metric. A clip weighs as much as a picture: its value is the mean over its frames. `constant_mad` is
    the MAD (times 1000) of `constant_alpha`, the one value that would do best as the alpha of every pixel.
    """

    category: str
    units: int
    pictures: int  # pictures and frames
    values: dict[str, Estimate]
    constant_alpha: float
    constant_mad: float


class Evaluation(NamedTuple):
    pictures: list[Picture]
    categories: list[Row]
    mean: Row

    def by_unit(self, metric: str) -> dict[str, dict[str, float]]:
        """Returns {category: {picture or clip: its value}}."""
        frames: dict[str, dict[str, list[float]]] = {}
        for picture in self.pictures:
            of_category = frames.setdefault(picture.category, {})
            of_category.setdefault(picture.unit, []).append(picture.values[metric])
        return {category: {unit: _mean(values) for unit, values in units.items()} for category, units in frames.items()}

    def by_frame(self, metric: str) -> list[Estimate]:
        """Returns the metric at each place in clips, from the first frame on; empty where there are no clips."""
        places: dict[str, int] = {}
        values: list[dict[str, list[float]]] = []
        for picture in self.pictures:
            if picture.unit != picture.key:
                place = places[picture.unit] = places.get(picture.unit, -1) + 1
                if place == len(values):
                    values.append({})
                values[place].setdefault(picture.category, []).append(picture.values[metric])
        return [estimate([np.array(group) for group in groups.values()]) for groups in values]


def evaluate(
    pairs: Sequence[Pair],
    regions: Sequence[str] = DEFAULT_REGIONS,
    metrics: Sequence[str] = METRICS,
    progress: bool = True,
) -> Evaluation:
    """Evaluates every pair, showing progress.

    Args:
      pairs: see `eval.folders.find_pairs`; at least one. Foregrounds are counted where all have them.
      regions: the regions of `eval.region.REGIONS` to count `mse_<region>` and `sad_<region>` in.
      metrics: which of `METRICS` to compute as well.
      progress: whether bars are shown.

    Raises UserError with all files that cannot be read and all predictions of another size than their label.
    """
    check_pictures(pairs, progress)
    measured: list[Picture] = []
    histograms: dict[str, np.ndarray] = {}
    pending: dict[tuple[int, int], list[Loaded]] = {}
    last: dict[tuple[int, int], Loaded] = {}
    problems: list[str] = []

    def load(pair: Pair) -> Loaded | str:
        return load_pair(pair, "conn" in metrics)

    with ThreadPoolExecutor(_MEASURING) as pool:
        measuring: deque[Future] = deque()

        def flush(shape: tuple[int, int]) -> None:
            batch = pending.pop(shape)
            measuring.append(
                pool.submit(measure, batch, last.get(shape), shape, _batch_size(shape), tuple(regions), tuple(metrics))
            )
            last[shape] = batch[-1]
            while len(measuring) > _MEASURING:
                measured.extend(_pictures(*measuring.popleft().result()))

        bar = tqdm(total=len(pairs), desc="evaluation", unit="picture", disable=not progress)
        for loaded in _map_ahead(load, pairs):
            bar.update()
            if isinstance(loaded, str):
                problems.append(loaded)
            if isinstance(loaded, str) or problems:  # after a problem only further problems are looked for
                continue
            category = loaded.pair.category
            histograms[category] = histograms.get(category, np.zeros(256)) + loaded.histogram
            shape = _bucket(loaded.label.shape[0]), _bucket(loaded.label.shape[1])
            pending.setdefault(shape, []).append(loaded)
            if len(pending[shape]) == _batch_size(shape):
                flush(shape)
        bar.close()
        raise_problems(problems)
        for shape in list(pending):
            flush(shape)
        for future in measuring:
            measured.extend(_pictures(*future.result()))
    measured.sort(key=lambda picture: picture.key)
    return _evaluation(measured, histograms)


# ---------------------------------------------------------------------------------------------- reading


def load_pair(pair: Pair, with_connectivity: bool) -> Loaded | str:
    """Returns the pair's pictures and what is measured at once, or what is wrong with them."""
    try:
        label = read_mask(pair.label)
        pred = read_mask(pair.pred, rescale=False)
        foregrounds = tuple(read_picture(path) for path in (pair.fgr_pred, pair.fgr_label) if path is not None)
    except UserError as error:
        return str(error)
    # Over whole pictures OpenCV's sums, which are exact, cost less than the way to a batch.
    absolute, squared = (cv2.norm(pred, label, kind) / label.size for kind in (cv2.NORM_L1, cv2.NORM_L2SQR))
    connectivity = connectivity_error(pred, label) if with_connectivity else None
    return Loaded(pair, pred, label, foregrounds, absolute, squared, _histogram(label), connectivity)


def _histogram(label: np.ndarray) -> np.ndarray:
    """Returns the shares (256,) float64 of the alphas."""
    return cv2.calcHist([label], [0], None, [256], [0, 256]).ravel().astype(np.float64) / label.size


def _map_ahead(function: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
    """Yields `function(item)` in order from threads that stay a few items ahead (OpenCV works without the GIL)."""
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        futures: deque = deque()
        for item in items:
            futures.append(pool.submit(function, item))
            if len(futures) > 4 * threads:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()


def _bucket(length: int) -> int:
    """Returns `length` rounded up to one of eight steps an octave, 32 or more: few shapes, little padding."""
    step = 1 << max(5, length.bit_length() - 4)
    return -(-length // step) * step


def _batch_size(shape: tuple[int, int]) -> int:
    return max(1, min(64, _BATCH_PIXELS // (shape[0] * shape[1])))


# ---------------------------------------------------------------------------------------------- means


def _pictures(batch: list[Loaded], kernel_sizes: np.ndarray, values: dict[str, np.ndarray]) -> Iterator[Picture]:
    for i, loaded in enumerate(batch):
        errors = {name: float(of_batch[i]) for name, of_batch in values.items()}
        sizes = (int(kernel_sizes[i, 0]), int(kernel_sizes[i, 1]))
        yield Picture(loaded.pair.key, loaded.pair.unit, sizes, errors)


def _evaluation(pictures: list[Picture], histograms: Mapping[str, np.ndarray]) -> Evaluation:
    """Averages pictures, sorted by key; `histograms` are the labels' sums by category."""
    bare = Evaluation(pictures, [], Row("", 0, 0, {}, 0.0, 0.0))
    by_unit = {name: bare.by_unit(name) for name in pictures[0].values}
    counts = {name: sum(picture.category == name for picture in pictures) for name in histograms}
    # Every category weighs the same in the mean over them.
    shares = {name: histogram / counts[name] for name, histogram in histograms.items()}

    def row(title: str, categories: Sequence[str]) -> Row:
        groups = {
            metric: [np.array(list(units[name].values())) for name in categories] for metric, units in by_unit.items()
        }
        return Row(
            title,
            sum(len(group) for group in next(iter(groups.values()))),
            sum(counts[name] for name in categories),
            {metric: estimate(of_metric) for metric, of_metric in groups.items()},
            *_best_constant(np.sum([shares[name] for name in categories], axis=0)),
        )

    names = sorted(histograms)
    return Evaluation(pictures, [row(name, [name]) for name in names], row("mean", names))


def _best_constant(histogram: np.ndarray) -> tuple[float, float]:
    """Returns the alpha with the smallest mean absolute error to labels of this (256,) histogram, and 1000 · that."""
    share = histogram / histogram.sum()
    median = int(np.searchsorted(share.cumsum(), 0.5))
    return median / 255.0, float(share @ np.abs(np.arange(256) - median)) / 0.255


def _mean(values: Sequence[float]) -> float:
    """The mean of the values that are not NaN; NaN where there are none."""
    there = [value for value in values if value == value]
    return float(np.mean(there)) if there else float("nan")
