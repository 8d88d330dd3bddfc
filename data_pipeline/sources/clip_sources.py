"""Sources of clips: folders of numbered frames, lists of frames, and video files; frames are read when asked for."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from data_pipeline.sources.base import Kind
from data_pipeline.sources.records import Record, find_files, named, read_file
from data_pipeline.sources.video_frames import frame_count, read_frames
from rvm_jax.errors import UserError

# One frame of a clip: its picture, and its mask or None.
Frame = tuple[Any, Any]


class FrameClips:
    """A `ClipSource` over records whose frames are files of their own.

    Args:
        kind: of all clips.
        records: in the order of the clips.
        skipped: clips left out, and why.
        list_frames: from a record to its frames; a function of a module, so that it pickles.
        read_mask: see `Pictures`.
    """

    def __init__(
        self,
        kind: Kind,
        records: Sequence[Record],
        skipped: Mapping[str, str],
        list_frames: Callable[[Any, Any], Sequence[Frame]] | None = None,
        read_mask: Callable[[Any], Any] = read_file,
    ):
        self.kind: Kind = kind
        self.records = records
        self.skipped = skipped
        self._list_frames = list_frames or paired_frames
        self._read_mask = read_mask

    def __len__(self) -> int:
        return len(self.records)

    def frames(self, index: int) -> int:
        return len(self._frames(index))

    def read(self, index: int, frames: Sequence[int]) -> dict[str, Any]:
        listed = self._frames(index)
        # A frame that is asked for more than once is read once.
        rgbs = {frame: read_file(listed[frame][0]) for frame in frames}
        alphas = {frame: self._read_mask(listed[frame][1]) for frame in frames if listed[frame][1] is not None}
        alpha = [alphas[frame] for frame in frames] if alphas else None
        return named(self.records[index], self.kind, [rgbs[frame] for frame in frames], alpha)

    def _frames(self, index: int) -> Sequence[Frame]:
        record = self.records[index]
        frames = self._list_frames(record.picture, record.mask)
        if not frames:
            raise UserError(f"{record.key}: the clip has no frames" + (" with a mask" if record.mask else ""))
        return frames


class VideoClips:
    """A `ContainerSource` over video files; a record's mask is a folder `<frame>.png`, numbered from 0, or None.

    Where masks are asked for, the frames that have one are the clip's. Videos may hold scene cuts: those of CelebV-HQ
    are cut out by whole seconds.
    """

    def __init__(self, kind: Kind, records: Sequence[Record], skipped: Mapping[str, str]):
        self.kind: Kind = kind
        self.records = records
        self.skipped = skipped

    def __len__(self) -> int:
        return len(self.records)

    def frames(self, index: int) -> int:
        return len(self.numbers(index)[0])

    def read(self, index: int, frames: Sequence[int]) -> dict[str, Any]:
        record = self.records[index]
        numbers, masks = self.numbers(index)
        rgb = read_frames(record.picture, record.picture, [numbers[frame] for frame in frames])
        alphas = {} if masks is None else {frame: read_file(masks[frame]) for frame in frames}
        alpha = [alphas[frame] for frame in frames] if alphas else None
        return named(record, self.kind, rgb, alpha) | {"may_cut": True}

    def container(self, index: int) -> bytes:
        """Returns the video file itself, for a prepared set."""
        return read_file(self.records[index].picture)

    def numbers(self, index: int) -> tuple[Sequence[int], Sequence[str] | None]:
        """Returns the numbers in the video of the clip's frames, and their masks where it has any."""
        record = self.records[index]
        count = frame_count(record.picture, record.picture)
        if record.mask is None:
            return range(count), None
        masks = {number: file for number, file in _numbered(record.mask).items() if number < count}
        slots = hold_gaps(sorted(masks))
        if not slots:
            raise UserError(f"{record.key}: the clip has no frames with a mask in {record.mask}")
        return slots, [masks[number] for number in slots]


@lru_cache(maxsize=64)
def paired_frames(folder: str, mask_folder: str | None) -> Sequence[Frame]:
    """Returns the frames of a folder, in the order of their numbers; with a folder of masks, those that have one.

    Where numbers are missing, the frame before stands in for them, so that what moves keeps its pace.
    """
    pictures = _numbered(folder)
    masks = _numbered(mask_folder) if mask_folder else None
    numbers = sorted(pictures if masks is None else pictures.keys() & masks.keys())
    return [(pictures[number], masks[number] if masks else None) for number in hold_gaps(numbers)]


def listed_frames(frames: Sequence[Frame], _: None) -> Sequence[Frame]:
    """Returns the frames of a record that lists them itself."""
    return frames


def hold_gaps(numbers: Sequence[int]) -> list[int]:
    """Fills what is missing in ascending frame numbers with the number before; the usual step between them is no gap.

    [0, 5, 10, 25] gives [0, 5, 10, 10, 10, 25].
    """
    if len(numbers) < 2:
        return list(numbers)
    steps = [after - before for before, after in pairwise(numbers)]
    usual = Counter(steps).most_common(1)[0][0]
    held = [number for number, step in zip(numbers, steps, strict=False) for _ in range(max(1, step // usual))]
    return [*held, numbers[-1]]


@lru_cache(maxsize=64)
def _numbered(folder: str) -> dict[int, str]:
    """The pictures of a folder by the last number in their names."""
    found = {}
    for stem, file in find_files(Path(folder)):
        if digits := re.findall(r"\d+", stem):
            found[int(digits[-1])] = file
    return found
