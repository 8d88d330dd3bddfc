"""Folders of predictions and labels → one row of errors a category, and the mean over categories.

Pictures are read by threads, a few ahead, and padded into batches of few shapes, so memory stays constant and each
shape compiles once. A frame of a clip counts as a picture.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from tqdm import tqdm

from eval.folders import Pair, raise_problems
from eval.metrics import ErrorSums, error_sums
from eval.region import draw_kernel_sizes
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import read_mask

_BATCH_PIXELS = 2**21

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True)
class Picture:
    """The errors of one picture: sums over each region, by the region's name."""

    key: str
    kernel_sizes: tuple[int, int]
    sums: dict[str, ErrorSums]

    @property
    def category(self) -> str:
        return self.key.partition("/")[0]


class Row(NamedTuple):
    """Means over the pictures of a category, or over categories; alphas are taken in [0, 1].

    `mse` and `sad` are by region, `mad` is over all pixels. `constant_mad` is the `mad` of `constant_alpha`, the one
    value that would do best as the alpha of every pixel of these pictures.
    """

    category: str
    pictures: int
    mse: dict[str, float]
    sad: dict[str, float]
    mad: float
    constant_alpha: float
    constant_mad: float


class Evaluation(NamedTuple):
    pictures: list[Picture]
    categories: list[Row]
    mean: Row


def evaluate(pairs: Sequence[Pair], regions: tuple[str, ...] = ("described", "published")) -> Evaluation:
    """Evaluates every pair, showing progress.

    Args:
      pairs: see `eval.folders.find_pairs`; at least one.
      regions: the regions of `eval.region.REGIONS` to count MSE and SAD in; `all` is counted besides, for `mad`.

    Raises UserError with all files that cannot be read and all predictions of another size than their label.
    """
    pictures: list[Picture] = []
    histograms: dict[str, np.ndarray] = {}
    pending: dict[tuple[int, int], list[_Loaded]] = {}
    problems: list[str] = []

    def flush(shape: tuple[int, int]) -> None:
        pictures.extend(_measure(pending.pop(shape), shape, ("all", *regions)))

    for loaded in tqdm(_map_ahead(_load, pairs), total=len(pairs), desc="evaluation", unit="picture"):
        if isinstance(loaded, str):
            problems.append(loaded)
        if isinstance(loaded, str) or problems:  # after a problem only further problems are looked for
            continue
        category = loaded.pair.category
        histograms[category] = histograms.get(category, 0.0) + loaded.label_histogram
        shape = _bucket(loaded.label.shape[0]), _bucket(loaded.label.shape[1])
        pending.setdefault(shape, []).append(loaded)
        if len(pending[shape]) == _batch_size(shape):
            flush(shape)
    raise_problems(problems)
    for shape in list(pending):
        flush(shape)

    pictures.sort(key=lambda picture: picture.key)
    rows = [_category_row(name, pictures, histograms[name], regions) for name in sorted(histograms)]
    return Evaluation(pictures, rows, _mean_row(rows, histograms))


# ---------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True)
class _Loaded:
    pair: Pair
    pred: np.ndarray
    label: np.ndarray
    label_histogram: np.ndarray  # (256,) float64, sums to 1


def _load(pair: Pair) -> "_Loaded | str":
    """Returns the pair's pictures, or what is wrong with them."""
    try:
        label = read_mask(pair.label)
        pred = read_mask(pair.pred, rescale=False)
    except UserError as error:
        return str(error)
    if pred.shape != label.shape:
        sizes = [f"{array.shape[1]}×{array.shape[0]}" for array in (pred, label)]
        return f"{pair.pred}: {sizes[0]} pixels, but its label {pair.label} has {sizes[1]}; matte at the label's size"
    histogram = cv2.calcHist([label], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    return _Loaded(pair, pred, label, histogram / label.size)


def _map_ahead(function: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
    """Yields `function(item)` in order from threads that stay a few items ahead (OpenCV decodes without the GIL)."""
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        futures: deque = deque()
        for item in items:
            futures.append(pool.submit(function, item))
            if len(futures) > 4 * threads:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()


# ---------------------------------------------------------------------------------------------- arithmetic


def _bucket(length: int) -> int:
    """Returns `length` rounded up to one of eight steps an octave, 32 or more: few shapes, little padding."""
    step = 1 << max(5, length.bit_length() - 4)
    return -(-length // step) * step


def _batch_size(shape: tuple[int, int]) -> int:
    return max(1, _BATCH_PIXELS // (shape[0] * shape[1]))


def _measure(batch: list[_Loaded], shape: tuple[int, int], regions: tuple[str, ...]) -> list[Picture]:
    """Returns the errors of pictures that fit `shape`; a batch that is not full is filled up with empty ones."""
    pred = np.zeros((_batch_size(shape), *shape), np.uint8)
    label = np.zeros_like(pred)
    sizes = np.zeros((len(pred), 2), np.int32)
    kernel_sizes = np.ones((len(pred), 2), np.int32)
    for i, loaded in enumerate(batch):
        height, width = sizes[i] = loaded.label.shape
        pred[i, :height, :width] = loaded.pred
        label[i, :height, :width] = loaded.label
        kernel_sizes[i] = draw_kernel_sizes(loaded.pair.key)
    sums = error_sums(pred, label, sizes, kernel_sizes, regions)
    return [
        Picture(
            loaded.pair.key,
            (int(kernel_sizes[i, 0]), int(kernel_sizes[i, 1])),
            {name: ErrorSums(*(values[i] for values in region)) for name, region in sums.items()},
        )
        for i, loaded in enumerate(batch)
    ]


def _category_row(category: str, pictures: list[Picture], histogram: np.ndarray, regions: tuple[str, ...]) -> Row:
    members = [picture.sums for picture in pictures if picture.category == category]
    return Row(
        category,
        len(members),
        {name: float(np.mean([sums[name].mse for sums in members])) for name in regions},
        {name: float(np.mean([sums[name].sad for sums in members])) for name in regions},
        float(np.mean([sums["all"].mad for sums in members])),
        *_best_constant(histogram),
    )


def _mean_row(rows: list[Row], histograms: dict[str, np.ndarray]) -> Row:
    return Row(
        "mean",
        sum(row.pictures for row in rows),
        {name: float(np.mean([row.mse[name] for row in rows])) for name in rows[0].mse},
        {name: float(np.mean([row.sad[name] for row in rows])) for name in rows[0].sad},
        float(np.mean([row.mad for row in rows])),
        # Every category weighs the same here as in the means above.
        *_best_constant(np.sum([histograms[row.category] / row.pictures for row in rows], axis=0)),
    )


def _best_constant(histogram: np.ndarray) -> tuple[float, float]:
    """Returns the alpha with the smallest mean absolute error to labels of this (256,) histogram, and that error."""
    share = histogram / histogram.sum()
    median = int(np.searchsorted(share.cumsum(), 0.5))
    return median / 255.0, float(share @ np.abs(np.arange(256) - median)) / 255.0
