"""Real faces at the size of a training, and what a network makes of them."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

import rvm_jax
from eval.study.trainings import predict_filled, predict_with
from rvm_jax.errors import UserError
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import list_pictures, read_picture, write_bytes, write_picture

_AT_ONCE = 16  # pictures, or clips, of a batch
_DONE = "done"


def shrink_faces(faces: Path, output: Path, side: int) -> Path:
    """Writes pictures and masks whose short side is `side` below `output`, once, and returns that.

    Args:
        faces: `<category>/{img,mask}/<name>.<ext>` or `<category>/{img,mask}/<clip>/<frame>.<ext>`.
        output: gets the same layout, as PNG.
        side: in pixels; the mean of the pixels that one stands for.

    Raises:
        UserError: if there are no faces, one has no mask, or the output is of another size.
    """
    done = output / _DONE
    made_of = f"{side}"
    if done.exists():
        if done.read_text() != made_of:
            raise UserError(
                f"{output}: its faces have a side of {done.read_text()}, not {side}; give another --workdir"
            )
        return output
    pictures = [file for folder in _folders(faces, "img") for file in list_pictures(folder)]
    if not pictures:
        raise UserError(f"{faces}: no faces; they are expected as <category>/img and <category>/mask in it")
    for file in tqdm(pictures, "faces", leave=False):
        category, _, *place = file.relative_to(faces).parts
        masks = [m for m in list_pictures(faces.joinpath(category, "mask", *place[:-1])) if m.stem == file.stem]
        if len(masks) != 1:
            raise UserError(f"{file}: it has {len(masks)} masks in {category}/mask; give it one of the same name")
        for kind, picture in (("img", read_picture(file)), ("mask", read_mask(masks[0]))):
            height, width = picture.shape[:2]
            scale = side / min(height, width)
            size = (round(width * scale), round(height * scale))
            target = output.joinpath(category, kind, *place[:-1], f"{file.stem}.png")
            write_picture(target, cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    write_bytes(done, made_of.encode())
    return output


def predict_faces(run: Path, labels: Path, predictions: Path) -> None:
    """Writes a network's alphas of all faces; every clip, and every picture, starts from a zero state.

    Args:
        run: its work directory.
        labels: as `shrink_faces` writes them.
        predictions: where they go; what is there is removed.
    """
    shutil.rmtree(predictions, ignore_errors=True)
    predict = predict_with(rvm_jax.load(run))
    for part in _parts(labels):
        src = np.stack([[read_picture(file) for file in clip] for clip in part])
        for clip, alphas in zip(part, predict_filled(predict, src, _AT_ONCE), strict=True):
            for file, alpha in zip(clip, alphas, strict=True):
                category, _, *place = file.relative_to(labels).parts
                write_picture(predictions.joinpath(category, *place), alpha)


def _folders(root: Path, kind: str) -> Iterator[Path]:
    """The folders of pictures below each category: its own, then its clips'."""
    for folder in sorted(root.glob(f"*/{kind}")):
        yield folder
        yield from sorted(path for path in folder.iterdir() if path.is_dir())


def _parts(labels: Path) -> Iterator[Sequence[Sequence[Path]]]:
    """Pictures and clips of one length and size, so many at a time."""
    alike: dict[tuple[int, ...], list[list[Path]]] = {}
    for folder in _folders(labels, "img"):
        files = list_pictures(folder)
        clips = [[file] for file in files] if folder.name == "img" else [files]
        for clip in filter(None, clips):
            alike.setdefault((len(clip), *read_picture(clip[0]).shape), []).append(clip)
    for group in alike.values():
        for start in range(0, len(group), _AT_ONCE):
            yield group[start : start + _AT_ONCE]
