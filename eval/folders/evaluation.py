"""Evaluates folders of predictions and labels.

Pictures are read by threads, a few ahead, and padded into batches of few shapes, so memory stays constant and each
shape compiles once.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from eval.folders.checks import check_pictures
from eval.folders.pairs import Pair, raise_problems
from eval.folders.rows import Evaluation, Picture, summarise
from eval.metrics.batch import Batch, Decoded
from eval.metrics.metric import Metric, PictureMetric, Values, chosen_metrics, optional_names
from eval.metrics.region import REGIONS
from eval.threads import map_ahead
from rvm_jax.errors import UserError
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import read_picture

_MEASURING = 2  # batches at once: XLA's CPU programs for bytes run on one core each

Load = Callable[[Pair, Sequence[Metric]], Decoded | str]


def evaluate(
    pairs: Sequence[Pair],
    regions: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    progress: bool = True,
    *,
    batch_pixels: int = 2**21,
    load: Load | None = None,
) -> Evaluation:
    """Evaluates every pair, showing progress.

    Args:
      pairs: see `eval.folders.pairs.find_pairs`; at least one. Foregrounds are counted where all have them.
      regions: names of `eval.metrics.region.REGIONS` in which errors are counted; by default all.
      metrics: which of `eval.metrics.metric.optional_names` to measure besides those that always are; by default all.
      progress: whether bars are shown.
      batch_pixels: how many pixels are measured at once, as whole pictures, at most 64 of them.
      load: what decodes a pair, or returns what is wrong with it; by default `decode`.

    Raises:
      UserError: with all files that cannot be read and all predictions of another size than their label.
    """
    check_pictures(pairs, progress)
    chosen = chosen_metrics(optional_names() if metrics is None else metrics)
    batches = _Batches(tuple(REGIONS if regions is None else regions), chosen, batch_pixels)
    histograms: dict[str, np.ndarray] = {}
    problems: list[str] = []
    decode_pair = load or decode
    with batches:
        decoded = map_ahead(lambda pair: decode_pair(pair, chosen), pairs)
        for found in tqdm(decoded, "evaluation", len(pairs), unit="picture", disable=not progress):
            if isinstance(found, str):
                problems.append(found)
            elif not problems:  # after a problem only further problems are looked for
                category = found.pair.category
                histograms[category] = histograms.get(category, np.zeros(256)) + found.histogram
                batches.add(found)
        raise_problems(problems)
        batches.finish()
    return summarise(batches.measured, histograms)


def decode(pair: Pair, metrics: Sequence[Metric]) -> Decoded | str:
    """Returns the pair's pictures and what is measured at once, or what is wrong with them."""
    try:
        label = read_mask(pair.label)
        pred = read_mask(pair.pred, rescale=False)
        foregrounds = tuple(read_picture(path) for path in (pair.fgr_pred, pair.fgr_label) if path is not None)
    except UserError as error:
        return str(error)
    values = {metric.name: metric.compute(pred, label) for metric in metrics if isinstance(metric, PictureMetric)}
    return Decoded(pair, pred, label, foregrounds, values, _histogram(label))


def _histogram(label: np.ndarray) -> np.ndarray:
    """Returns the shares (256,) float64 of the alphas."""
    return cv2.calcHist([label], [0], None, [256], [0, 256]).ravel().astype(np.float64) / label.size


class _Shape(NamedTuple):
    height: int
    width: int


class _Batches:
    """Collects pictures into batches of one shape, and measures those that are full, two at a time."""

    def __init__(self, regions: tuple[str, ...], metrics: Sequence[Metric], batch_pixels: int):
        self.measured: list[Picture] = []
        self._regions, self._metrics, self._batch_pixels = regions, metrics, batch_pixels
        self._pool = ThreadPoolExecutor(_MEASURING)
        self._measuring: deque[Future[tuple[Batch, Values]]] = deque()
        self._pending: dict[_Shape, list[Decoded]] = {}
        self._last: dict[_Shape, Decoded] = {}  # of the batch before

    def __enter__(self) -> "_Batches":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, decoded: Decoded) -> None:
        """Takes the next picture."""
        shape = _Shape(*map(_bucket, decoded.label.shape))
        self._pending.setdefault(shape, []).append(decoded)
        if len(self._pending[shape]) == self._size(shape):
            self._begin(shape)

    def finish(self) -> None:
        """Measures what is left."""
        for shape in list(self._pending):
            self._begin(shape)
        self._collect(0)

    def _size(self, shape: _Shape) -> int:
        return max(1, min(64, self._batch_pixels // (shape.height * shape.width)))

    def _begin(self, shape: _Shape) -> None:
        pictures, before = self._pending.pop(shape), self._last.get(shape)
        self._last[shape] = pictures[-1]
        self._measuring.append(self._pool.submit(self._measure, pictures, before, shape))
        self._collect(_MEASURING)

    def _measure(self, pictures: list[Decoded], before: Decoded | None, shape: _Shape) -> tuple[Batch, Values]:
        batch = Batch(pictures, before, shape, self._size(shape), self._regions)
        return batch, batch.measure(self._metrics)

    def _collect(self, under_way: int) -> None:
        """Waits until no more than so many batches are being measured."""
        while len(self._measuring) > under_way:
            self.measured.extend(_pictures(*self._measuring.popleft().result()))


def _bucket(length: int) -> int:
    """Returns `length` rounded up to one of eight steps an octave, 32 or more: few shapes, little padding."""
    step = 1 << max(5, length.bit_length() - 4)
    return -(-length // step) * step


def _pictures(batch: Batch, values: Values) -> Iterator[Picture]:
    for i, picture in enumerate(batch.pictures):
        errors = {name: float(of_batch[i]) for name, of_batch in values.items()}
        sizes = (int(batch.kernel_sizes[i, 0]), int(batch.kernel_sizes[i, 1]))
        yield Picture(picture.pair.key, picture.pair.unit, sizes, errors)
