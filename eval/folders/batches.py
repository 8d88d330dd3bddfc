"""Collects pictures into batches of few shapes, so that each shape compiles once, and measures those that are full."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from eval.folders.rows import Picture
from eval.metrics.batch import Batch, Decoded
from eval.metrics.metric import Metric, Values

_MEASURING = 2  # batches at once: XLA's CPU programs for bytes run on one core each
_MOST = 16
_LEAST_WINDOW = 128  # pixels: smaller pictures are measured whole


class _Shape(NamedTuple):
    picture: tuple[int, int]
    window: tuple[int, int]


class Batches:
    """Batches of pictures under way, two of them measured at a time; used in a `with` block.

    Attributes:
      measured: the pictures measured so far, in any order.

    Args:
      regions: names of `eval.metrics.region.REGIONS`.
      metrics: what is measured.
      batch_pixels: how many pixels are measured at once, as windows of pictures, at most 16 of them.
    """

    def __init__(self, regions: tuple[str, ...], metrics: Sequence[Metric], batch_pixels: int):
        self.measured: list[Picture] = []
        self._regions, self._metrics, self._batch_pixels = regions, metrics, batch_pixels
        self._pool = ThreadPoolExecutor(_MEASURING)
        self._measuring: deque[Future[tuple[Batch, Values]]] = deque()
        self._pending: dict[_Shape, list[Decoded]] = {}
        self._last: Decoded | None = None

    def __enter__(self) -> "Batches":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, decoded: Decoded) -> None:
        """Takes the next picture; a clip's frames come one after the other."""
        decoded = decoded.after(self._last)
        self._last = decoded
        shape = _shape(decoded)
        self._pending.setdefault(shape, []).append(decoded)
        if len(self._pending[shape]) == self._size(shape):
            self._begin(self._pending.pop(shape), shape)

    def finish(self) -> None:
        """Measures what is left: pictures of all windows together, as a batch takes as long that is hardly filled."""
        left: dict[tuple[int, int], list[tuple[_Shape, list[Decoded]]]] = {}
        for shape, pictures in self._pending.items():
            left.setdefault(shape.picture, []).append((shape, pictures))
        self._pending.clear()
        for whole, groups in left.items():
            heights, widths = zip(*(shape.window for shape, _ in groups), strict=True)
            shape = _Shape(whole, (max(heights), max(widths)))
            pictures = [picture for _, group in groups for picture in group]
            size = self._size(shape)
            for start in range(0, len(pictures), size):
                self._begin(pictures[start : start + size], shape)
        self._collect(0)

    def _size(self, shape: _Shape) -> int:
        return max(1, min(_MOST, self._batch_pixels // (shape.window[0] * shape.window[1])))

    def _begin(self, pictures: list[Decoded], shape: _Shape) -> None:
        self._measuring.append(self._pool.submit(self._measure, pictures, shape))
        self._collect(_MEASURING)

    def _measure(self, pictures: list[Decoded], shape: _Shape) -> tuple[Batch, Values]:
        batch = Batch(pictures, shape.picture, shape.window, self._size(shape), self._regions)
        return batch, batch.measure(self._metrics)

    def _collect(self, under_way: int) -> None:
        """Waits until no more than so many batches are being measured."""
        while len(self._measuring) > under_way:
            self.measured.extend(_pictures(*self._measuring.popleft().result()))


def _shape(decoded: Decoded) -> _Shape:
    """Returns the shapes to fill the picture and its window up to: one of four windows for each of few pictures."""
    height, width = sides = _bucket(decoded.label.shape[0]), _bucket(decoded.label.shape[1])
    quarters = max(-(-4 * length // side) for length, side in zip(decoded.window.shape, sides, strict=True))
    rows, columns = (min(max(_multiple(side * quarters // 4), _LEAST_WINDOW), side) for side in sides)
    return _Shape((height, width), (rows, columns))


def _bucket(length: int) -> int:
    """Returns `length` rounded up to one of eight steps an octave, 32 or more: few shapes, little padding."""
    return _multiple(length, 1 << max(5, length.bit_length() - 4))


def _multiple(length: int, step: int = 32) -> int:
    return -(-length // step) * step


def _pictures(batch: Batch, values: Values) -> Iterator[Picture]:
    for i, picture in enumerate(batch.pictures):
        errors = {name: float(of_batch[i]) for name, of_batch in values.items()}
        sizes = (int(batch.kernel_sizes[i, 0]), int(batch.kernel_sizes[i, 1]))
        yield Picture(picture.pair.key, picture.pair.unit, sizes, errors)
