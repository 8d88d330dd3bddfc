"""Writing frames as a folder of pictures, an animated GIF, a contact sheet (PyAV, OpenCV, Pillow; no JAX).

Like `VideoWriter`, each is a writer with `write(frame, time, name)`, `close` and `discard`, and what it writes has its
final name only when it is complete.
"""

import contextlib
import os
import shutil
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_picture
from rvm_jax.media.sheets import grid

_GIF_SIDE = 640
_GIF_TICK = Fraction(1, 100)  # the unit of time in the format
_SHEET_SIDE = 320
_SHEET_PICTURES = 12


class PictureFolderWriter:
    """A folder of PNG, one a frame, which lies beside its final name as `.<name>.partial` until it is complete.

    `discard` keeps what is there where frames have been written: interrupted work can go on (`resume=True`).
    Raises UserError where the folder exists already and is not empty: nothing of the user's is replaced or mixed.
    """

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

    def write(self, frame: np.ndarray, time: Fraction, name: str) -> None:
        """Writes `<name>.png`."""
        write_picture(self.partial / f"{name}.png", frame)
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


class GifWriter:
    """An animated GIF, at most 640 pixels a side, each frame with its own palette of 256 colours.

    Its times are whole hundredths of a second.
    """

    def __init__(self, path: Path, rate: Fraction):
        self.path = path
        self._partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._partial.touch()
            self._container = av.open(str(self._partial), "w", format="gif")
        except (av.FFmpegError, OSError) as error:
            raise UserError(f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})") from error
        self._stream = self._container.add_stream("gif", rate=rate)
        self._stream.pix_fmt = "pal8"
        self._stream.codec_context.time_base = _GIF_TICK
        self._last = -1

    def write(self, frame: np.ndarray, time: Fraction, name: str) -> None:
        """Appends an RGB or grey frame, uint8."""
        picture = Image.fromarray(_shrunk(_rgb(frame), _GIF_SIDE)).quantize(256, method=Image.Quantize.FASTOCTREE)
        colors = np.frombuffer(bytes(picture.getpalette("RGBA") or b""), np.uint8).reshape(-1, 4)
        palette = np.zeros((256, 4), np.uint8)
        palette[: len(colors)] = colors[:, [3, 0, 1, 2]]  # FFmpeg keeps ARGB
        shown = av.VideoFrame.from_ndarray((np.asarray(picture), palette), "pal8")  # type: ignore[arg-type]
        if self._last < 0:
            self._stream.height, self._stream.width = shown.height, shown.width
        self._last = max(round(time / _GIF_TICK), self._last + 1)
        shown.pts, shown.time_base = self._last, _GIF_TICK
        self._mux(shown)

    def close(self) -> None:
        """Finishes the file and gives it its name."""
        self._mux(None)
        try:
            self._container.close()
            self._partial.replace(self.path)
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def discard(self) -> None:
        """Removes what has been written."""
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()
        self._partial.unlink(missing_ok=True)

    def _mux(self, picture: av.VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(picture))
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> UserError:
        return UserError(f"{self.path}: cannot be written ({getattr(error, 'strerror', None) or error})")


class ContactSheetWriter:
    """A picture of up to 12 frames, spread evenly over a clip of any length."""

    def __init__(self, path: Path):
        self.path = path
        self._kept: list[np.ndarray] = []
        self._stride = 1
        self._number = 0

    def write(self, frame: np.ndarray, time: Fraction, name: str) -> None:
        """Keeps the frame, made small, if it is one of those spread evenly."""
        if self._number % self._stride == 0:
            self._kept.append(_shrunk(_rgb(frame), _SHEET_SIDE * max(1, frame.shape[1] // frame.shape[0])))
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
        """Nothing is on the disk."""


def _rgb(frame: np.ndarray) -> np.ndarray:
    return np.repeat(frame, 3, axis=2) if frame.shape[2] == 1 else frame


def _shrunk(frame: np.ndarray, side: int) -> np.ndarray:
    scale = side / max(frame.shape[:2])
    if scale >= 1:
        return frame
    size = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
