"""A folder of pictures as the frames of one clip."""

import glob
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.media.frame_source import DEFAULT_RATE, Frame, Shown
from rvm_jax.media.picture_folders import frame_order, matching_pictures
from rvm_jax.media.picture_formats import left_out, left_out_line
from rvm_jax.media.pictures import list_pictures, read_picture_and_profile
from rvm_jax.notices import notice


class FrameFolder:
    """Yields the pictures of a folder in the order of their numbers: a `FrameSource`.

    Args:
      path: the folder, a pattern such as "frames/*.png", or a single picture.
      rate: frames per second, for the videos that are made of it.
      bridge: whether a picture that cannot be read is replaced by the one before it (or after, for the first ones), its
        number kept in `damaged`; otherwise it raises.

    Raises UserError if the folder is absent, or no picture in it can be read.
    """

    sound: tuple[Path, Fraction] | None = None

    def __init__(self, path: str | os.PathLike[str], rate: Fraction = DEFAULT_RATE, *, bridge: bool = False):
        self.name = str(path)
        self.rate = rate
        self.damaged: list[int] = []
        self._bridge = bridge
        self._paths = sorted(_found(path), key=frame_order)
        if not self._paths:
            raise UserError(f"{path}: holds no pictures; give a folder of frames, or a video")
        if Path(path).is_dir() and (others := left_out(Path(path))):
            notice(left_out_line(others))
        self.expected_frames: int | None = len(self._paths)
        self._sample = self._first_readable()
        height, width = self._sample[0].shape[:2]
        self.size: tuple[int, int] = (height, width)

    def frames(self) -> Iterator[Frame]:
        last = self._sample
        for number, path in enumerate(self._paths):
            try:
                last = read_picture_and_profile(path)
            except UserError:
                if not self._bridge:
                    raise
                self.damaged.append(number)
            rgb, profile = last
            yield Frame(rgb, Shown(number / self.rate, 1 / self.rate, path.stem), profile=profile)

    def close(self) -> None:
        """Does nothing: no file stays open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _first_readable(self) -> tuple[np.ndarray, bytes | None]:
        for path in self._paths:
            try:
                return read_picture_and_profile(path)
            except UserError:
                if not self._bridge:
                    raise
        raise UserError(f"{self.name}: none of its {len(self._paths)} pictures can be read")


def _found(path: str | os.PathLike[str]) -> list[Path]:
    if Path(path).is_dir():
        return list_pictures(path)
    if Path(path).exists():
        return [Path(path)]
    if glob.has_magic(str(path)):
        return matching_pictures(path)
    raise UserError(f"{path}: no such file or folder")
