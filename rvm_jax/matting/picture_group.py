"""One folder of pictures on its way through a network: read ahead, written behind, taken up where it stopped."""

import contextlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

from rvm_jax.errors import UserError
from rvm_jax.matting.guidance import GuidanceSource
from rvm_jax.matting.mattes import MattedFrame
from rvm_jax.matting.outputs import Render
from rvm_jax.matting.picture_networks import MattedPicture, Picture, PictureNetwork
from rvm_jax.matting.progress import ClipProgress
from rvm_jax.media.frame_source import Frame
from rvm_jax.media.picture_tree import PictureGroup
from rvm_jax.media.pictures import read_picture, write_picture
from rvm_jax.networks.api import Guidance

# Pictures on their way from the disk, and as many on their way to it, while others are matted.
IN_FLIGHT = 16


class PictureReader:
    """Reads pictures, and the masks or trimaps that go with them.

    Args:
      files: of masks, trimaps or alphas, by the picture's target; empty where none are read.
      source, kind: what these are, and what becomes of them.
    """

    def __init__(
        self,
        files: Mapping[Path, Path] | None = None,
        source: GuidanceSource | None = None,
        kind: Guidance | None = None,
    ):
        self._files, self._source, self._kind = files or {}, source, kind

    def __call__(self, source: Path, target: Path) -> Picture:
        rgb = read_picture(source)
        if target not in self._files:
            return Picture(target, rgb)
        assert self._source is not None and self._kind is not None
        return Picture(target, rgb, self._source.read(self._kind, self._files[target], rgb.shape[:2]))


class GroupWork:
    """One folder: what is done of it, what is left, and, for a clip, the state in between.

    Args:
      group: the folder.
      network: what mattes it.
      read: what reads it.
      job: what was asked for.
      goes_on: whether the same job was interrupted here.
      unreadable: gets the errors of pictures that are passed over.
    """

    def __init__(
        self,
        group: PictureGroup,
        network: PictureNetwork,
        read: PictureReader,
        job: dict[str, Any],
        goes_on: bool,
        unreadable: list[str],
    ):
        self._network, self._read, self._unreadable = network, read, unreadable
        self._related = group.related and network.has_state
        self._rec: Any = None
        self._progress = ClipProgress(group.targets[0].parent, job) if self._related else None
        pairs = list(zip(group.sources, group.targets, strict=True))
        there = [goes_on and target.exists() for _, target in pairs]
        if self._progress and not all(there):
            # A clip goes on at its saved state; without one it begins anew.
            count, self._rec = self._progress.load() if goes_on else (0, None)
            there = [index < count for index in range(len(pairs))]
        self.done = [target for (_, target), is_there in zip(pairs, there, strict=True) if is_there]
        self._left = [pair for pair, is_there in zip(pairs, there, strict=True) if not is_there]

    def write(self, pool: ThreadPoolExecutor, render: Render) -> Iterator[Path]:
        """Mattes and writes what is left; yields each target, in order, when it is written."""
        reached: tuple[int, Any] | None = None
        finished = False
        places = {target: len(self.done) + index + 1 for index, (_, target) in enumerate(self._left)}
        try:
            matted = self._network.matte(self._read_ahead(pool), self._related, self._rec)
            for target, rec in _write_behind(pool, matted, render):
                if rec is not None:
                    reached = places[target], rec
                    if self._progress and self._progress.is_due(reached[0]):
                        self._progress.save(*reached)
                yield target
            finished = True
        finally:
            if self._progress:
                if finished:
                    self._progress.remove()
                elif reached:
                    with contextlib.suppress(UserError):  # a full disk: what was saved before stays valid
                        self._progress.save(*reached)

    def _read_ahead(self, pool: ThreadPoolExecutor) -> Iterator[Picture]:
        """Yields the pictures in order; what cannot be read is passed over and its error kept."""
        left = iter(self._left)
        waiting = deque(pool.submit(self._read, *pair) for pair in islice(left, IN_FLIGHT))
        while waiting:
            reading = waiting.popleft()
            waiting.extend(pool.submit(self._read, *pair) for pair in islice(left, 1))
            try:
                picture = reading.result()
            except UserError as error:
                self._unreadable.append(str(error))
            else:
                yield picture


def _write_behind(
    pool: ThreadPoolExecutor, matted: Iterable[MattedPicture], render: Render
) -> Iterator[tuple[Path, Any]]:
    """Renders and writes while later ones are computed; yields each target and its state, in order, when it is
    written."""

    def write(picture: MattedPicture) -> tuple[Path, Any]:
        frame = Frame(picture.rgb, Fraction(0), None, picture.target.stem)
        fgr = picture.rgb if picture.fgr is None else picture.fgr
        write_picture(picture.target, render([MattedFrame(frame, picture.pha, fgr, {})]))
        return picture.target, picture.rec

    waiting: deque[Future[tuple[Path, Any]]] = deque()
    for picture in matted:
        waiting.append(pool.submit(write, picture))
        if len(waiting) == IN_FLIGHT:
            yield waiting.popleft().result()
    for writing in waiting:
        yield writing.result()
