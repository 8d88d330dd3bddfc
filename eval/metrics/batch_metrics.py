"""A batch of decoded pictures → the errors of each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from eval.folders.reading import Pair
from eval.metrics.alpha import error_sums
from eval.metrics.frame_metrics import foreground_sums, gradient_error, temporal_sums, visible_iou
from eval.metrics.region import draw_kernel_sizes

_ALIGNMENT = 64


@dataclass(frozen=True)
class Loaded:
    """A pair's decoded pictures (H, W) uint8, and what was measured while they were at hand."""

    pair: Pair
    pred: np.ndarray
    label: np.ndarray
    foregrounds: tuple[np.ndarray, ...] = ()  # predicted and true, (H, W, 3), or none
    mean_absolute: float = 0.0  # of pred - label, in bytes
    mean_squared: float = 0.0
    histogram: np.ndarray = field(default_factory=lambda: np.zeros(256))  # the label's shares of each alpha
    connectivity: float | None = None


def measure(
    batch: list[Loaded],
    before: Loaded | None,
    shape: tuple[int, int],
    batch_size: int,
    regions: tuple[str, ...],
    metrics: tuple[str, ...],
) -> tuple[list[Loaded], np.ndarray, dict[str, np.ndarray]]:
    """Measures up to `batch_size` pictures that fit `shape`, a frame following the one before it where both are there.

    Args:
      batch: pictures, each the next frame of the clip of the one before it, or the first of another unit.
      before: the picture before the batch's first.
      shape: (H, W) to fill them up to; a batch that is not full is filled up with empty ones, so that one compilation
        serves all batches of a shape.
      regions, metrics: see `benchmark.evaluate`.

    Returns the batch, the kernel sizes (B, 2) of its regions, and its errors (B,) by name.
    """
    sizes = np.zeros((batch_size, 2), np.int32)
    kernel_sizes = np.ones((batch_size, 2), np.int32)
    for i, loaded in enumerate(batch):
        sizes[i] = loaded.label.shape
        kernel_sizes[i] = draw_kernel_sizes(loaded.pair.key)
    pred = _stack([loaded.pred for loaded in batch], shape, batch_size)
    label = _stack([loaded.label for loaded in batch], shape, batch_size)

    sums = error_sums(pred, label, sizes, kernel_sizes, regions)
    values = {
        "mad": np.array([loaded.mean_absolute for loaded in batch]) / 0.255,
        "mse": np.array([loaded.mean_squared for loaded in batch]) / 0.255**2 * 1e-3,
    }
    for region in regions:
        values[f"mse_{region}"], values[f"sad_{region}"] = sums[region].mse, sums[region].sad
    if "iou" in metrics:
        values["iou"] = visible_iou(pred, label, sizes)
    if "grad" in metrics:
        values["grad"] = np.asarray(gradient_error(pred, label, sizes))
    if "conn" in metrics:
        values["conn"] = np.array([loaded.connectivity for loaded in batch])
    if "dtssd" in metrics or "flicker" in metrics:
        values |= _temporal(batch, before, pred, label, sizes, metrics)
    if all(loaded.foregrounds for loaded in batch):
        predicted, true = (
            _stack([loaded.foregrounds[i] for loaded in batch], (*shape, 3), batch_size) for i in range(2)
        )
        of_foreground = foreground_sums(predicted, true, label, sizes)
        values["fgr_mad"], values["fgr_mse"] = 1000.0 * of_foreground.mad, 1000.0 * of_foreground.mse
    return batch, kernel_sizes, values


def _temporal(
    batch: list[Loaded],
    before: Loaded | None,
    pred: np.ndarray,
    label: np.ndarray,
    sizes: np.ndarray,
    metrics: tuple[str, ...],
) -> dict[str, np.ndarray]:
    """Returns dtSSD (0 at a clip's first frame) and flicker (NaN there); stills have neither."""
    units = [None if before is None else before.pair.unit, *(loaded.pair.unit for loaded in batch)]
    follows = np.array([unit == previous for previous, unit in pairwise(units)])
    in_clip = np.array([loaded.pair.in_clip for loaded in batch])
    dtssd, flicker = np.where(in_clip, 0.0, np.nan), np.full(len(batch), np.nan)
    if follows.any():
        pred_before = _one_later(pred, None if before is None else before.pred)
        label_before = _one_later(label, None if before is None else before.label)
        sums = temporal_sums(pred, label, pred_before, label_before, sizes)
        dtssd[follows] = sums.dtssd[: len(batch)][follows]
        flicker[follows] = sums.flicker_mad[: len(batch)][follows]
    return {name: array for name, array in (("dtssd", dtssd), ("flicker", flicker)) if name in metrics}


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
