"""The outcomes of the study, as docs/study.md fixes them, of a network on folders <category>/{img,mask}."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from eval.metrics.region import trimap_described
from eval.metrics.visible import VISIBLE_FROM, visible_iou
from eval.study.trainings import Alphas, predict_filled
from rvm_jax.errors import UserError
from rvm_jax.guidance.values import UNKNOWN
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import list_pictures, read_picture

BAND, IOU, FLICKER, BACK = "band", "iou", "flicker", "back"
LEGEND = {
    BAND: "MAD in the band about the alpha's edge, times 1000",
    IOU: "IoU of the visible face",
    FLICKER: "1000 · the mean change of the alpha of a picture that is held, with noise",
    BACK: "frames, of three, until the alpha of a face that was hidden is above one half",
}
# {outcome: {category: {picture or clip: value}}}
Outcomes = dict[str, dict[str, dict[str, float]]]

_AT_ONCE = 4  # clips that are predicted together
_REACH = 10 / 512  # of the band, as a share of the picture's side
_NOISE = 2.0  # levels, of the frames of a picture that is held
_WAIT = 3  # frames in which a face may come back
_LEAST_PIXELS = 20  # that come back, for a clip to tell how soon


class Item(NamedTuple):
    """A picture or clip: its category and name, frames (T, S, S, 3) and true alphas (T, S, S), uint8.

    A picture is held for T frames, of which the first is as it is and the others have noise.
    """

    category: str
    name: str
    src: np.ndarray
    pha: np.ndarray
    is_clip: bool


def read_items(root: Path, side: int, held: int, every: int = 1, prefix: str = "") -> list[Item]:
    """Reads pictures and clips, shrunk to the side.

    Args:
      root: holds <category>/img and /mask with <name>.<ext>, or <clip>/<frame>.<ext>.
      side: of the frames.
      held: how many frames a picture is held for.
      every: 2 takes the first, third … of the pictures or clips of a category.
      prefix: of the categories' names.

    Raises:
      UserError: if there is none, or a picture has no mask.
    """
    found: list[Item] = []
    for category in sorted(path.parent for path in root.glob("*/mask") if path.is_dir()):
        name = prefix + category.name
        clips = sorted(path.name for path in (category / "mask").iterdir() if path.is_dir() and path.name[0] != ".")
        for clip in clips[::every]:
            frames = [_read(category, f"{clip}/{path.stem}", side) for path in list_pictures(category / "mask" / clip)]
            src, pha = (np.stack(arrays) for arrays in zip(*frames, strict=True))
            found.append(Item(name, clip, src, pha, True))
        for path in [] if clips else list_pictures(category / "mask")[::every]:
            rgb, alpha = _read(category, path.stem, side)
            rng = np.random.default_rng([*path.stem.encode()])
            noise = [rng.normal(0, _NOISE, rgb.shape) for _ in range(held - 1)]
            noisy = [np.clip(np.round(rgb + each), 0, 255).astype(np.uint8) for each in noise]
            found.append(Item(name, path.stem, np.stack([rgb, *noisy]), np.stack([alpha] * held), False))
    if not found:
        raise UserError(f"{root}: holds no labels; they are expected as <category>/mask/<name>.png in it")
    return found


def measure(items: Sequence[Item], predict: Alphas) -> Outcomes:
    """Returns all outcomes; what an item does not tell, such as the flicker of a clip that moves, is left out."""
    outcomes: Outcomes = {name: {} for name in LEGEND}
    for item, alphas in _predicted(items, predict):
        for name, value in _outcomes(item, alphas).items():
            outcomes[name].setdefault(item.category, {})[item.name] = value
    return outcomes


def frames_until_back(pred: np.ndarray, label: np.ndarray) -> float | None:
    """Returns how many frames, of three, a face needs on average to be seen again; None where nothing comes back.

    Args:
      pred, label: alphas (T, H, W) uint8. The pixels that count were above one half, then hidden, and are above it
        again from a frame on that has two more after it, to the end.
    """
    is_face, is_found = label >= VISIBLE_FROM, pred >= VISIBLE_FROM
    total = pixels = 0
    for t in range(2, len(label) - _WAIT + 1):
        returned = is_face[t:].all(0) & ~is_face[t - 1] & is_face[: t - 1].any(0)
        found = is_found[t : t + _WAIT, returned]
        total += int((~np.logical_or.accumulate(found, axis=0)).sum())
        pixels += int(returned.sum())
    return total / pixels if pixels >= _LEAST_PIXELS else None


def band_error(pred: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Returns 1000 · the mean absolute error (T,) within the band; NaN where a frame has no edge.

    Args:
      pred, label: alphas (T, S, S) uint8.
    """
    kernel = 2 * max(1, round(_REACH * label.shape[1])) + 1
    count = len(label)
    sizes, kernels = np.full((count, 2), label.shape[1:], np.int32), np.full((count, 2), kernel, np.int32)
    band = trimap_described(label, sizes, kernels) == UNKNOWN
    error = np.where(band, np.abs(pred.astype(np.int32) - label), 0).sum((1, 2))
    return np.where(band.any((1, 2)), error / 0.255 / np.maximum(band.sum((1, 2)), 1), np.nan)


def _outcomes(item: Item, alphas: np.ndarray) -> Mapping[str, float]:
    counted = slice(None) if item.is_clip else slice(1)  # of a picture the frame without noise
    pred, label = alphas[counted], item.pha[counted]
    found: dict[str, float | None] = {}
    band = band_error(pred, label)
    found[BAND] = float(np.nanmean(band)) if np.isfinite(band).any() else None
    sizes = np.full((len(label), 2), label.shape[1:], np.int32)
    found[IOU] = float(visible_iou(pred, label, sizes).mean())
    if item.is_clip:
        found[BACK] = frames_until_back(pred, label)
    elif len(alphas) > 1:
        found[FLICKER] = float(np.abs(np.diff(alphas.astype(np.int32), axis=0)).mean() / 0.255)
    return {name: value for name, value in found.items() if value is not None}


def _predicted(items: Sequence[Item], predict: Alphas) -> Iterator[tuple[Item, np.ndarray]]:
    """Yields every item with its alphas; batches are padded, so that a length compiles once."""
    by_length: dict[int, list[Item]] = {}
    for item in items:
        by_length.setdefault(len(item.src), []).append(item)
    for group in by_length.values():
        for start in range(0, len(group), _AT_ONCE):
            part = group[start : start + _AT_ONCE]
            src = np.stack([item.src for item in part])
            yield from zip(part, predict_filled(predict, src, _AT_ONCE), strict=True)


def _read(category: Path, name: str, side: int) -> tuple[np.ndarray, np.ndarray]:
    mask = next((category / "mask").glob(f"{name}.*"))
    picture = next((category / "img").glob(f"{name}.*"), None)
    if picture is None:
        raise UserError(f"{category}/img: no picture for the mask {name}; add it or remove the mask")
    rgb, alpha = read_picture(picture), read_mask(mask)
    if rgb.shape[:2] != (side, side):
        rgb, alpha = (cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA) for plane in (rgb, alpha))
    return rgb, alpha
