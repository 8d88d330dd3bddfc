"""Decoded pictures, batches of them, and the sums over a batch that several metrics share."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from eval.folders.pairs import Pair
from eval.metrics.foreground import foreground_sums
from eval.metrics.metric import Metric, Values, columns
from eval.metrics.region import draw_kernel_sizes
from eval.metrics.sums import ErrorSums, error_sums
from eval.metrics.temporal import TemporalSums, temporal_sums

_ALIGNMENT = 64


@dataclass(frozen=True)
class Decoded:
    """A pair's pictures (H, W) uint8, and what was measured while they were at hand: each `PictureMetric`, by name."""

    pair: Pair
    pred: np.ndarray
    label: np.ndarray
    foregrounds: tuple[np.ndarray, ...] = ()  # predicted and true, (H, W, 3), or none
    values: Mapping[str, float] = field(default_factory=dict)
    histogram: np.ndarray = field(default_factory=lambda: np.zeros(256))  # the label's shares of each alpha


class Batch:
    """Pictures padded to one shape, in arrays that all metrics look at; sums are computed once, when asked for.

    Args:
      pictures: up to `size`, each the next frame of the clip of the one before it, or the first of another unit.
      before: the picture before the first one.
      shape: (H, W) to fill them up to; a batch that is not full has empty pictures at its end, so that one compilation
        serves all batches of a shape.
      size: how many pictures a full batch has.
      regions: names of `region.REGIONS`.
    """

    def __init__(
        self,
        pictures: Sequence[Decoded],
        before: Decoded | None,
        shape: tuple[int, int],
        size: int,
        regions: Sequence[str] = (),
    ):
        self.pictures, self.before, self.regions = pictures, before, tuple(regions)
        self.sizes = np.zeros((size, 2), np.int32)
        self.kernel_sizes = np.ones((size, 2), np.int32)
        for i, picture in enumerate(pictures):
            self.sizes[i] = picture.label.shape
            self.kernel_sizes[i] = draw_kernel_sizes(picture.pair.key)
        self.pred = _stack([picture.pred for picture in pictures], shape, size)
        self.label = _stack([picture.label for picture in pictures], shape, size)

    def measure(self, metrics: Sequence[Metric]) -> Values:
        """Returns the values of the metrics for `pictures`, by their columns, in the order of those."""
        values: Values = {}
        for metric in metrics:
            values |= {name: of_batch[: len(self.pictures)] for name, of_batch in metric.measure(self).items()}
        return {name: values[name] for name in columns() if name in values}

    @cached_property
    def region_sums(self) -> dict[str, ErrorSums]:
        """The sums over each region, by its name."""
        return error_sums(self.pred, self.label, self.sizes, self.kernel_sizes, self.regions)

    @property
    def in_clip(self) -> np.ndarray:
        """Which of `pictures` are frames of a clip."""
        return np.array([picture.pair.in_clip for picture in self.pictures])

    @cached_property
    def follows(self) -> np.ndarray:
        """Which of `pictures` are frames of the clip of the one before."""
        units = [self.before and self.before.pair.unit, *(picture.pair.unit for picture in self.pictures)]
        return np.array([unit == previous for previous, unit in pairwise(units)])

    @cached_property
    def temporal_sums(self) -> TemporalSums:
        """The sums over the changes from the picture before; they mean something where one `follows` the other."""
        pred = _one_later(self.pred, None if self.before is None else self.before.pred)
        label = _one_later(self.label, None if self.before is None else self.before.label)
        return temporal_sums(self.pred, self.label, pred, label, self.sizes)

    @property
    def has_foregrounds(self) -> bool:
        """Whether all of `pictures` have a predicted and a true foreground."""
        return all(picture.foregrounds for picture in self.pictures)

    @cached_property
    def foreground_sums(self) -> ErrorSums:
        """The sums over the foregrounds where the true alpha is above 0."""
        size, *shape = self.label.shape
        predicted, true = (
            _stack([picture.foregrounds[i] for picture in self.pictures], (*shape, 3), size) for i in range(2)
        )
        return foreground_sums(predicted, true, self.label, self.sizes)


def _one_later(frames: np.ndarray, before: np.ndarray | None) -> np.ndarray:
    """Returns the frame before each of `frames` (B, H, W); the first one's is `before`, or itself."""
    first = frames[:1] if before is None else _stack([before], frames.shape[1:], 1)
    return np.concatenate([first, frames[:-1]])


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
