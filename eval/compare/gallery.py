"""Pictures of an evaluation: held-out clips with their true and predicted alphas, to look at."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from eval.folders.pairs import Pair, find_pairs
from rvm_jax.errors import UserError
from rvm_jax.media.composite import GREEN, composite
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import list_pictures, read_picture, write_picture
from rvm_jax.media.sheets import grid
from rvm_jax.media.video_writer import VideoWriter

T = TypeVar("T")

SIDE = 128  # pixels; smaller frames are enlarged to it
_COLUMNS = "input | true alpha | predicted alpha | cut-out"


def contact_sheet(label_dir: Path, pred_dir: Path, output: Path, num_clips: int = 12) -> None:
    """Writes a picture with the middle frame of so many clips, two a row, all categories in turn.

    Each shows the input, the true alpha, the predicted alpha and the face cut out on green.

    Raises:
      UserError: if a folder does not hold what `eval.folders.pairs.find_pairs` expects.
    """
    clips = clips_in_turn(find_pairs(pred_dir, label_dir))[:num_clips]
    rows = [
        [picture for clip in pair for picture in views(clip[len(clip) // 2], label_dir)] for pair in _by_twos(clips)
    ]
    titles = [", ".join(clip[0].category for clip in pair) + f"   ({_COLUMNS})" for pair in _by_twos(clips)]
    write_picture(output, grid(rows, titles=titles))


def comparison_video(label_dir: Path, pred_dir: Path, output: Path, num_clips: int = 16, rate: int = 8) -> None:
    """Writes a video of so many clips, eight at a time, each with the four views of `contact_sheet`."""
    clips = clips_in_turn(find_pairs(pred_dir, label_dir))[:num_clips]
    with VideoWriter(output, Fraction(rate)) as writer:
        for page in (clips[i : i + 8] for i in range(0, len(clips), 8)):
            for index in range(max(len(clip) for clip in page)):
                frames = [views(clip[min(index, len(clip) - 1)], label_dir) for clip in page]
                frames += [[np.zeros_like(frames[0][0])] * 4] * (8 - len(frames))
                rows = [[picture for views in pair for picture in views] for pair in _by_twos(frames)]
                writer.write(grid(rows))


def clips_in_turn(pairs: Iterable[Pair]) -> list[list[Pair]]:
    """Returns all clips, their frames in order; the categories take turns. Single pictures are clips of one frame."""
    clips: dict[str, dict[str, list[Pair]]] = {}
    for pair in pairs:
        clips.setdefault(pair.category, {}).setdefault(pair.unit, []).append(pair)
    turns = zip_longest(*(list(of_category.values()) for of_category in clips.values()))
    return [clip for turn in turns for clip in turn if clip is not None]


def views(pair: Pair, label_dir: Path) -> list[np.ndarray]:
    """Returns the input, the true alpha, the predicted alpha and the face cut out on green, none smaller than `SIDE`.

    Raises:
      UserError: if their sizes differ.
    """
    src, true, pred = (
        read_picture(input_of(pair, label_dir)),
        read_mask(pair.label),
        read_mask(pair.pred, rescale=False),
    )
    if not src.shape[:2] == true.shape == pred.shape:
        raise UserError(f"{pair.pred}: its size differs from its input's or its label's")
    views = [src, true, pred, composite(src, pred[..., None], GREEN)]
    scale = max(1.0, SIDE / min(src.shape[:2]))
    return [cv2.resize(view, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR) for view in views]


def input_of(pair: Pair, label_dir: Path) -> Path:
    """Returns the picture that a label `<category>/mask/[<clip>/]<name>` belongs to, in `img` beside `mask`."""
    category, _, *clip = pair.label.parent.relative_to(label_dir).parts
    folder = label_dir.joinpath(category, "img", *clip)
    for picture in list_pictures(folder):
        if picture.stem == pair.label.stem:
            return picture
    raise UserError(f"{folder / pair.label.stem}: no such picture beside its mask")


def _by_twos(items: list[T]) -> list[list[T]]:
    return [items[i : i + 2] for i in range(0, len(items), 2)]
