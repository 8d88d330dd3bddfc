"""Pictures of a comparison: the best, the median and the worst of an entry, all entries side by side, moving."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from eval.compare.gallery import clips_in_turn, views
from eval.folders.pairs import Pair
from eval.folders.rows import Evaluation
from rvm_jax.media.composite import GREEN, composite
from rvm_jax.media.pictures import write_picture
from rvm_jax.media.sheets import grid, shrunk
from rvm_jax.media.video_writer import VideoWriter

_METRIC = "mad"
_SIDE = 256  # pixels that an example's longer side has at most
_TILE = 160  # of the sheet of entries
_RATE = 8  # frames per second
_STILL = 8  # frames for which a picture is shown
_CAPTION = 16


class Example(NamedTuple):
    """A picture, or a clip's middle frame, as a page shows it: uint8, RGB and alphas of one size."""

    title: str
    src: np.ndarray
    true: np.ndarray
    pred: dict[str, np.ndarray]  # by the entry's name
    errors: dict[str, float]  # MAD, times 1000


def extremes_sheet(
    pairs: Sequence[Pair], evaluation: Evaluation, label_dir: Path, output: Path, columns: int = 2, rows: int = 3
) -> None:
    """Writes a picture with the best, the median and the worst pictures and clips of an entry by MAD.

    Each of them is shown by its input, its true and predicted alpha and the face cut out, of a clip the middle frame.
    """
    frames = _frames(pairs)
    errors = _errors(evaluation)
    order = sorted(errors, key=errors.__getitem__)
    count = min(columns * rows, len(order))
    middle = (len(order) - count) // 2
    lines, titles = [], []
    for title, units in (
        ("best", order[:count]),
        ("median", order[middle : middle + count]),
        ("worst", order[::-1][:count]),
    ):
        for start in range(0, count, columns):
            part = units[start : start + columns]
            lines.append([view for unit in part for view in views(_middle(frames[unit]), label_dir)])
            titles.append(f"{title}:  " + "   ".join(f"{unit} {errors[unit]:.1f}" for unit in part))
    write_picture(output, grid(lines, titles=titles))


def entries_sheet(
    pairs: Mapping[str, Sequence[Pair]],
    evaluations: Mapping[str, Evaluation],
    label_dir: Path,
    output: Path,
    per_category: int = 2,
) -> None:
    """Writes a picture of the examples of `choose`, one a column: input, truth, and what every entry cuts out of it."""
    by_category: dict[str, list[list[np.ndarray]]] = {}
    for example in choose(pairs, evaluations, label_dir, per_category):
        shown = [_cut_out(example.src, alpha) for alpha in (example.true, *example.pred.values())]
        column = [_square(part) for part in (example.src, *shown)]
        by_category.setdefault(example.title.partition("/")[0], []).append(column)
    titles = ["input: " + ", ".join(by_category), "truth", *pairs]
    columns = [column for of_category in by_category.values() for column in of_category]
    write_picture(output, grid([list(row) for row in zip(*columns, strict=True)], titles=titles), jpeg_quality=88)


def entries_video(pairs: Mapping[str, Sequence[Pair]], label_dir: Path, output: Path, num_clips: int) -> None:
    """Writes a video of clips of all categories in turn: input, truth and every entry's alpha, in the entries' order.

    Without clips, pictures stand for a second each.
    """
    names = list(pairs)
    clips_of = {name: {clip[0].unit: clip for clip in clips_in_turn(of_entry)} for name, of_entry in pairs.items()}
    first = clips_of[names[0]]
    units = [unit for unit, clip in first.items() if len(clip) > 1] or list(first)
    shape: tuple[int, ...] | None = None
    with VideoWriter(output, Fraction(_RATE)) as writer:
        for unit in tqdm(units[:num_clips], "video", unit="clip"):
            for index in [*range(len(first[unit]))] if len(first[unit]) > 1 else [0] * _STILL:
                src, true, *_ = views(first[unit][index], label_dir)
                alphas = [views(clips_of[name][unit][index], label_dir)[2] for name in names]
                tiles = [src, *(_as_rgb(alpha) for alpha in (true, *alphas))]
                captions = (unit, "truth", *names)
                row = [_captioned(tile, text) for tile, text in zip(tiles, captions, strict=True)]
                picture = grid([row])
                shape = shape or picture.shape
                writer.write(_fitted(picture, shape))


def choose(
    pairs: Mapping[str, Sequence[Pair]], evaluations: Mapping[str, Evaluation], label_dir: Path, per_category: int = 2
) -> list[Example]:
    """Returns the median and the worst of each category, by the entries' mean MAD; with more, others between them."""
    frames = {name: _frames(of_entry) for name, of_entry in pairs.items()}
    errors = {name: _errors(evaluation) for name, evaluation in evaluations.items()}
    any_frames = next(iter(frames.values()))
    by_category: dict[str, list[str]] = {}
    for unit in any_frames:
        by_category.setdefault(unit.partition("/")[0], []).append(unit)
    examples = []
    for units in by_category.values():
        units.sort(key=lambda unit: np.mean([of_entry[unit] for of_entry in errors.values()]))
        places = np.linspace(len(units) // 2, len(units) - 1, min(per_category, len(units))).round().astype(int)
        for unit in dict.fromkeys(units[place] for place in places):
            src, true, *_ = map(_small, views(_middle(any_frames[unit]), label_dir))
            pred = {name: _small(views(_middle(of_entry[unit]), label_dir)[2]) for name, of_entry in frames.items()}
            examples.append(Example(unit, src, true, pred, {name: errors[name][unit] for name in errors}))
    return examples


def _frames(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """The frames of each unit, in their order."""
    frames: dict[str, list[Pair]] = {}
    for pair in pairs:
        frames.setdefault(pair.unit, []).append(pair)
    return frames


def _errors(evaluation: Evaluation) -> dict[str, float]:
    return {unit: error for units in evaluation.by_unit(_METRIC).values() for unit, error in units.items()}


def _middle(frames: Sequence[Pair]) -> Pair:
    return frames[len(frames) // 2]


def _small(picture: np.ndarray) -> np.ndarray:
    scale = _SIDE / max(picture.shape[:2])
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else picture


def _cut_out(src: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return composite(src, alpha[..., None], GREEN)


def _square(picture: np.ndarray) -> np.ndarray:
    """The picture at a longer side of `_TILE`, in the middle of a white square."""
    picture = shrunk(picture, _TILE)
    height, width = picture.shape[:2]
    tile = np.full((_TILE, _TILE, 3), 255, np.uint8)
    y, x = (_TILE - height) // 2, (_TILE - width) // 2
    tile[y : y + height, x : x + width] = picture
    return tile


def _as_rgb(alpha: np.ndarray) -> np.ndarray:
    return np.repeat(alpha[..., None], 3, axis=2)


def _captioned(tile: np.ndarray, text: str) -> np.ndarray:
    """The tile under a line of text."""
    line = np.full((_CAPTION, tile.shape[1], 3), 255, np.uint8)
    cv2.putText(line, text, (2, _CAPTION - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([line, tile])


def _fitted(picture: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The picture, scaled and set on white where its shape is not that of the video."""
    if picture.shape == shape:
        return picture
    scale = min(shape[0] / picture.shape[0], shape[1] / picture.shape[1])
    scaled = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[: shape[0], : shape[1]]
    canvas = np.full(shape, 255, np.uint8)
    canvas[: scaled.shape[0], : scaled.shape[1]] = scaled
    return canvas
