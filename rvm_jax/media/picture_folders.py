"""Pictures in folders: which there are, what their results are called, and how they are read ahead."""

import glob
import os
import re
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from rvm_jax.errors import UserError
from rvm_jax.media.frame_source import DEFAULT_RATE, Frame, Shown
from rvm_jax.media.pictures import PICTURE_SUFFIXES, list_pictures, read_picture, read_picture_and_profile
from rvm_jax.output_paths import check_outputs

OUTPUT_FORMATS = ("png", "jpg")
# Pictures on their way from the disk, while others are matted.
_AHEAD = 16


class PictureGroup(NamedTuple):
    """Holds a folder's pictures and where their alphas go; `related` ones are one clip's frames, in their order."""

    sources: list[Path]
    targets: list[Path]
    related: bool


class PictureFolder:
    """Yields a folder's pictures: a `FrameSource` whose frames have nothing to do with each other, or are one clip's.

    They are read by several threads. What cannot be read is passed over, and its error kept
    in `unreadable` by its target.

    Args:
      group: the pictures and their targets.
      complete: what becomes of each picture in the thread that reads it; a UserError of its passes the picture over.
      done: the targets to leave out.
      rate: frames per second of clips.
    """

    sound: tuple[Path, Fraction] | None = None

    def __init__(
        self,
        group: PictureGroup,
        complete: Callable[[Frame], Frame] = lambda frame: frame,
        done: Container[Path] = (),
        rate: Fraction = DEFAULT_RATE,
    ):
        self.name, self.rate = str(group.sources[0].parent), rate
        self.damaged: list[int] = []
        self.unreadable: dict[Path, str] = {}
        self._group, self._complete = group, complete
        pairs = enumerate(zip(group.sources, group.targets, strict=True))
        self._left = [(number, *pair) for number, pair in pairs if pair[1] not in done]
        self.expected_frames: int | None = len(self._left)

    @property
    def size(self) -> tuple[int, int]:
        """Returns that of the first picture, which is read for it."""
        height, width = read_picture(self._group.sources[0]).shape[:2]
        return height, width

    def frames(self) -> Iterator[Frame]:
        left = iter(self._left)
        with ThreadPoolExecutor(_AHEAD) as pool:
            waiting = deque((item[2], pool.submit(self._read, *item)) for item in islice(left, _AHEAD))
            while waiting:
                target, reading = waiting.popleft()
                waiting.extend((item[2], pool.submit(self._read, *item)) for item in islice(left, 1))
                try:
                    frame = reading.result()
                except UserError as error:
                    self.unreadable[target] = str(error)
                else:
                    yield frame

    def close(self) -> None:
        """Does nothing: no file stays open."""

    def _read(self, number: int, source: Path, target: Path) -> Frame:
        shown = Shown(number / self.rate, 1 / self.rate, target.stem) if self._group.related else None
        rgb, profile = read_picture_and_profile(source)
        return self._complete(Frame(rgb, shown, target, number=number, profile=profile))


def find_pictures(
    source: str | os.PathLike[str],
    output_dir: str | os.PathLike[str],
    *,
    sequence: bool = False,
    output_format: str = "png",
) -> list[PictureGroup]:
    """Lists the pictures under `source` and the names of their alphas.

    Args:
      source: a picture; a folder of pictures; a pattern such as "faces/*.jpg"; a tree `<category>/img/<name>` or
        `<category>/img/<clip>/<frame>`; or one category of such a tree.
      output_dir: where the alphas go: `[<category>/][<clip>/]<name>.<output_format>`.
      sequence: take the pictures of a folder, too, as the frames of one clip.
      output_format: "png" or "jpg".

    Raises:
      UserError: if there are none, two would get one name, or an alpha would replace a picture.
    """
    source, output_dir = Path(source), Path(output_dir)
    if output_format not in OUTPUT_FORMATS:
        raise UserError(f"output format '{output_format}' is unknown; use one of {', '.join(OUTPUT_FORMATS)}")
    if not source.exists() and not glob.has_magic(str(source)):
        raise UserError(f"{source}: no such file or folder")
    groups = []
    for name, sources, related in _folders(source, sequence):
        if related:
            sources = sorted(sources, key=frame_order)
        targets = [output_dir / name / f"{path.stem}.{output_format}" for path in sources]
        groups.append(PictureGroup(sources, targets, related))
    check_outputs(results(groups), [path for group in groups for path in group.sources])
    if not groups:
        raise UserError(
            f"{source}: holds no pictures; give a folder of pictures, or a tree <category>/img/<name> or "
            "<category>/img/<clip>/<frame>"
        )
    return groups


def _folders(source: Path, sequence: bool) -> Iterator[tuple[str, list[Path], bool]]:
    """Yields (name below the output folder, pictures, whether they are one clip) for each folder with pictures."""
    if source.is_file():
        yield "", [source], False
        return
    if not source.exists():
        yield "", matching_pictures(source), sequence
        return
    if pictures := list_pictures(source):
        yield "", pictures, sequence
        return
    for category in [source] if (source / "img").is_dir() else sorted(source.iterdir()):
        folder = category / "img"
        if not folder.is_dir():
            continue
        if pictures := list_pictures(folder):
            yield category.name, pictures, sequence
        for clip in sorted(path for path in folder.iterdir() if path.is_dir()):
            if pictures := list_pictures(clip):
                yield f"{category.name}/{clip.name}", pictures, True


def results(groups: Iterable[PictureGroup]) -> dict[str, list[Path]]:
    """Returns what becomes of each picture, by its name."""
    return {
        str(source): [target] for group in groups for source, target in zip(group.sources, group.targets, strict=True)
    }


def matching_pictures(pattern: str | os.PathLike[str]) -> list[Path]:
    """Returns the picture files that a pattern such as "faces/*.jpg" matches. Raises UserError if there are none."""
    found = [Path(path) for path in sorted(glob.glob(str(pattern), recursive=True))]  # noqa: PTH207  may be absolute
    pictures = [path for path in found if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()]
    if not pictures:
        raise UserError(f"{pattern}: matches no picture")
    return pictures


def frame_order(path: Path) -> list[str | int]:
    """Sorts frame 2 before frame 10 where the numbers are not padded."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path.stem)]
