"""Decoded pictures, batches of their windows, and the sums over a batch that several metrics share."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from eval.folders.pairs import Pair
from eval.metrics.foreground import foreground_sums
from eval.metrics.metric import Metric, Values, columns
from eval.metrics.region import REGIONS, draw_kernel_sizes
from eval.metrics.sums import ErrorSums, error_sums
from eval.metrics.temporal import TemporalSums, temporal_sums
from eval.metrics.window import Window

_ALIGNMENT = 64


@dataclass(frozen=True)
class Decoded:
    """A pair's pictures (H, W) uint8, and what was measured while they were at hand: each `PictureMetric`, by name."""

    pair: Pair
    pred: np.ndarray
    label: np.ndarray
    covered: Window  # beyond it both are 0
    foregrounds: tuple[np.ndarray, ...] = ()  # predicted and true, (H, W, 3), or none
    values: Mapping[str, float] = field(default_factory=dict)
    histogram: np.ndarray = field(default_factory=lambda: np.zeros(256))  # the label's shares of each alpha
    before: "Decoded | None" = None  # the frame before, of the same clip

    @property
    def window(self) -> Window:
        """The window that errors come from, those of the change from the frame before among them."""
        both = self.covered if self.before is None else self.covered.union(self.before.covered)
        return both.with_margin(self.label.shape)

    def after(self, previous: "Decoded | None") -> "Decoded":
        """Returns itself with the frame before, if `previous` is of the same clip."""
        if previous is None or not self.pair.in_clip or previous.pair.unit != self.pair.unit:
            return self
        return replace(self, before=replace(previous, before=None))


class Alphas(NamedTuple):
    """Alphas (B, H, W) uint8, each in the upper left corner of its H × W, and their own `sizes` (B, 2)."""

    pred: np.ndarray
    label: np.ndarray
    sizes: np.ndarray


class Batch:
    """Pictures' windows padded to one shape, in arrays that metrics look at; sums are computed once, when asked for.

    Args:
      pictures: up to `size`.
      shape: (H, W) to fill the pictures up to, for metrics that look at whole ones; a batch that is not full has empty
        pictures at its end, so that one compilation serves all batches of a shape.
      window: (h, w) to fill their windows up to.
      size: how many pictures a full batch has.
      regions: names of `region.REGIONS`.
    """

    def __init__(
        self,
        pictures: Sequence[Decoded],
        shape: tuple[int, int],
        window: tuple[int, int],
        size: int,
        regions: Sequence[str] = (),
    ):
        self.pictures, self.regions = pictures, tuple(regions)
        self._shape, self._window, self._size = shape, window, size
        self.kernel_sizes = np.ones((size, 2), np.int32)
        for i, picture in enumerate(pictures):
            self.kernel_sizes[i] = draw_kernel_sizes(picture.pair.key)

    def measure(self, metrics: Sequence[Metric]) -> Values:
        """Returns the values of the metrics for `pictures`, by their columns, in the order of those."""
        values: Values = {}
        for metric in metrics:
            values |= {name: of_batch[: len(self.pictures)] for name, of_batch in metric.measure(self).items()}
        return {name: values[name] for name in columns() if name in values}

    @cached_property
    def windows(self) -> Alphas:
        """The windows of the pictures."""
        windows = [picture.window for picture in self.pictures]
        return Alphas(
            self._in_windows([picture.pred for picture in self.pictures]),
            self._in_windows([picture.label for picture in self.pictures]),
            _sizes([window.shape for window in windows], self._size),
        )

    @cached_property
    def whole(self) -> Alphas:
        """The whole pictures."""
        return Alphas(
            _stack([picture.pred for picture in self.pictures], self._shape, self._size),
            _stack([picture.label for picture in self.pictures], self._shape, self._size),
            _sizes([picture.label.shape for picture in self.pictures], self._size),
        )

    @cached_property
    def region_sums(self) -> dict[str, ErrorSums]:
        """The sums over each region, by its name."""
        sums = error_sums(*self.windows, self.kernel_sizes, self.regions)
        return {
            name: found._replace(pixels=found.pixels + self._beyond) if REGIONS[name].has_all else found
            for name, found in sums.items()
        }

    @property
    def in_clip(self) -> np.ndarray:
        """Which of `pictures` are frames of a clip."""
        return np.array([picture.pair.in_clip for picture in self.pictures])

    @cached_property
    def follows(self) -> np.ndarray:
        """Which of `pictures` have a frame before."""
        return np.array([picture.before is not None for picture in self.pictures])

    @cached_property
    def temporal_sums(self) -> TemporalSums:
        """The sums over the changes from the frame before; they mean something where there `follows` one."""
        before = [picture.before or picture for picture in self.pictures]
        pred = self._in_windows([picture.pred for picture in before])
        label = self._in_windows([picture.label for picture in before])
        sums = temporal_sums(self.windows.pred, self.windows.label, pred, label, self.windows.sizes)
        return sums._replace(pixels=sums.pixels + self._beyond, still_pixels=sums.still_pixels + self._beyond)

    @property
    def has_foregrounds(self) -> bool:
        """Whether all of `pictures` have a predicted and a true foreground."""
        return all(picture.foregrounds for picture in self.pictures)

    @cached_property
    def foreground_sums(self) -> ErrorSums:
        """The sums over the foregrounds where the true alpha is above 0."""
        predicted, true = (self._in_windows([picture.foregrounds[i] for picture in self.pictures]) for i in range(2))
        return foreground_sums(predicted, true, self.windows.label, self.windows.sizes)

    @cached_property
    def _beyond(self) -> np.ndarray:
        """How many pixels each picture has beyond its window; both alphas are 0 there."""
        counts = np.zeros(self._size, np.int64)
        counts[: len(self.pictures)] = [picture.label.size - picture.window.area for picture in self.pictures]
        return counts

    def _in_windows(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        parts = [picture.window.of(array) for picture, array in zip(self.pictures, arrays, strict=True)]
        return _stack(parts, (*self._window, *arrays[0].shape[2:]), self._size)


def _sizes(shapes: Sequence[tuple[int, ...]], size: int) -> np.ndarray:
    """Returns heights and widths (size, 2), 0 of what is missing."""
    sizes = np.zeros((size, 2), np.int32)
    sizes[: len(shapes)] = shapes
    return sizes


def _stack(arrays: Sequence[np.ndarray], shape: tuple[int, ...], batch_size: int) -> np.ndarray:
    """Returns (batch_size, *shape) uint8 with each array in its upper left corner, 0 elsewhere."""
    stacked = _aligned((batch_size, *shape))
    for target, array in zip(stacked, arrays, strict=False):
        target[: array.shape[0], : array.shape[1]] = array
    return stacked


def _aligned(shape: tuple[int, ...]) -> np.ndarray:
    """Returns zeros uint8 that begin at a multiple of 64 bytes: JAX takes those without a copy on the CPU."""
    memory = np.zeros(math.prod(shape) + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + math.prod(shape)].reshape(shape)
