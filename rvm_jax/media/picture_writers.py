"""Writing frames as pictures: a folder of them, files of names of their own, a contact sheet."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Self

import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.media.frame_source import Frame
from rvm_jax.media.pictures import write_picture
from rvm_jax.media.sheets import as_rgb, grid, shrunk
from rvm_jax.media.writer import Destination

_SHEET_SIDE = 320
_SHEET_PICTURES = 12
_TRANSPARENT = (".png", ".webp", ".tif", ".tiff")
_DEEP = (".png", ".tif", ".tiff")


class PictureFolderWriter:
    """Writes a folder of PNG, one a frame, which lies beside its final name as `.<name>.partial` until it is complete.

    `discard` keeps what is there where frames have been written: interrupted work can be resumed (`resume=True`).

    Raises:
      UserError: if the folder exists already and is not empty: nothing of the user's is replaced or mixed.
    """

    workers = 4

    def __init__(self, path: Path, *, resume: bool = False):
        self.path = path
        self.partial = path.with_name(f".{path.name}.partial")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise UserError(f"{path}: exists already; remove it, or name another folder")
        try:
            if self.partial.exists() and not resume:
                shutil.rmtree(self.partial)
            self.partial.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror})") from error
        self._written = resume

    @classmethod
    def open(cls, to: Destination) -> Self:
        """Makes the folder."""
        return cls(to.path, resume=to.resume)

    @staticmethod
    def form(to: Destination, channels: int, deep: bool) -> tuple[str, int]:
        """Returns what it will be, and the bits that it holds."""
        return "a folder of PNG", 16 if deep else 8

    def write(self, made: np.ndarray, frame: Frame) -> None:
        """Writes `<name of the frame>.png`."""
        write_picture(self.partial / f"{frame.name}.png", made, profile=frame.profile)
        self._written = True

    def close(self) -> None:
        """Gives the folder its name."""
        try:
            if self.path.exists():
                self.path.rmdir()
            self.partial.replace(self.path)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror})") from error

    def discard(self) -> None:
        """Removes the folder, unless frames were written."""
        if not self._written:
            shutil.rmtree(self.partial, ignore_errors=True)


class PictureFilesWriter:
    """Writes each picture to its own target.

    Args:
      write_file: takes a path and a picture, and writes it whole; by default `write_picture`, with the input's profile.
    """

    workers = 16

    def __init__(self, write_file: Callable[[Path, np.ndarray], None] | None = None):
        self._write_file = write_file

    def write(self, made: np.ndarray, frame: Frame) -> None:
        """Writes `frame.target`."""
        assert frame.target is not None
        if self._write_file is None:
            write_picture(frame.target, made, profile=frame.profile)
        else:
            self._write_file(frame.target, made)

    def close(self) -> None:
        """Does nothing: no file stays open."""

    def discard(self) -> None:
        """Leaves what is written, which is whole."""


class ContactSheetWriter:
    """Writes a picture of up to 12 frames, spread evenly over a clip of any length."""

    workers = 1

    def __init__(self, path: Path):
        self.path = path
        self._kept: list[np.ndarray] = []
        self._stride = 1
        self._number = 0

    @classmethod
    def open(cls, to: Destination) -> Self:
        """Begins a sheet."""
        return cls(to.path)

    @staticmethod
    def form(to: Destination, channels: int, deep: bool) -> tuple[str, int]:
        """Returns what it will be, and the bits that it holds."""
        return "contact sheet", 8

    def write(self, made: np.ndarray, frame: Frame) -> None:
        """Keeps what was made, in small, if it is one of those spread evenly."""
        if self._number % self._stride == 0:
            side = _SHEET_SIDE * max(1, made.shape[1] // made.shape[0])
            self._kept.append(shrunk(as_rgb(made), side, frame.pixel_aspect))
            if len(self._kept) == 2 * _SHEET_PICTURES:
                self._kept = self._kept[::2]
                self._stride *= 2
        self._number += 1

    def close(self) -> None:
        """Writes the sheet."""
        if not self._kept:
            raise UserError(f"{self.path}: not written, since no frame came")
        wanted = min(_SHEET_PICTURES, len(self._kept))
        chosen = [self._kept[round(i)] for i in np.linspace(0, len(self._kept) - 1, wanted)]
        columns = 2 if chosen[0].shape[1] > 2 * chosen[0].shape[0] else 4
        rows = [chosen[i : i + columns] for i in range(0, wanted, columns)]
        write_picture(self.path, grid(rows))

    def discard(self) -> None:
        """Does nothing: no file is on the disk yet."""


class SinglePictureWriter:
    """Writes the picture that is made of a single one."""

    workers = 1

    def __init__(self, path: Path):
        self.path = path
        self._made: tuple[np.ndarray, bytes | None] | None = None

    @classmethod
    def open(cls, to: Destination) -> Self:
        """Begins the picture."""
        return cls(to.path)

    @staticmethod
    def form(to: Destination, channels: int, deep: bool) -> tuple[str, int]:
        """Returns what it will be, and the bits that it holds. Raises UserError if its format cannot hold that."""
        suffix = to.path.suffix.lower()
        if (channels == 4 and suffix not in _TRANSPARENT) or (deep and suffix not in _DEEP):
            raise UserError(f"{to.path}: '{suffix}' holds no {'16 bits' if deep else 'transparency'}; name it .png")
        return "a picture", 16 if deep else 8

    def write(self, made: np.ndarray, frame: Frame) -> None:
        """Takes the picture."""
        if self._made is not None:
            raise UserError(f"{self.path}: holds one picture; for several give a folder, or a video")
        self._made = made, frame.profile

    def close(self) -> None:
        """Writes it."""
        if self._made is None:
            raise UserError(f"{self.path}: not written, since no picture came")
        write_picture(self.path, self._made[0], profile=self._made[1])

    def discard(self) -> None:
        """Does nothing: no file is on the disk yet."""
