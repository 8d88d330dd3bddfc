"""Writing an animated GIF."""

import contextlib
import re
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import numpy as np
from PIL import Image

from rvm_jax.atomic_files import PartialFile
from rvm_jax.media.frame_source import Frame
from rvm_jax.media.sheets import as_rgb, shrunk
from rvm_jax.media.writer import Destination

_SIDE = 640
_TICK = Fraction(1, 100)  # the unit of time in the format
# A graphic control extension, whose third and fourth bytes after this are the delay, before a picture.
_CONTROL = re.compile(rb"\x21\xf9\x04.{4}\x00\x2c", re.DOTALL)


class GifWriter:
    """Writes an animated GIF, at most 640 pixels a side, each frame with its own palette of 256 colours.

    Its times are whole hundredths of a second.
    """

    workers = 1

    def __init__(self, path: Path, rate: Fraction):
        self._file = PartialFile(path)
        try:
            with self._file.errors(av.FFmpegError):
                self._container = av.open(str(self._file.path), "w", format="gif")
        except BaseException:
            self._file.discard()
            raise
        self._stream = self._container.add_stream("gif", rate=rate)
        self._stream.pix_fmt = "pal8"
        self._stream.codec_context.time_base = _TICK
        self._last = -1
        self._last_duration: Fraction | None = None

    @classmethod
    def open(cls, to: Destination) -> Self:
        """Begins the file."""
        return cls(to.path, to.rate)

    @staticmethod
    def form(to: Destination, channels: int, deep: bool) -> tuple[str, int]:
        """Returns what it will be, and the bits that it holds."""
        return "animated GIF", 8

    def write(self, made: np.ndarray, frame: Frame) -> None:
        """Appends an RGB or grey picture, uint8."""
        small = Image.fromarray(shrunk(as_rgb(made), _SIDE, frame.pixel_aspect))
        picture = small.quantize(256, method=Image.Quantize.FASTOCTREE)
        colors = np.frombuffer(bytes(picture.getpalette("RGBA") or b""), np.uint8).reshape(-1, 4)
        palette = np.zeros((256, 4), np.uint8)
        palette[: len(colors)] = colors[:, [3, 0, 1, 2]]  # FFmpeg keeps ARGB
        shown = av.VideoFrame.from_ndarray((np.asarray(picture), palette), "pal8")  # type: ignore[arg-type]
        if self._last < 0:
            self._stream.height, self._stream.width = shown.height, shown.width
        self._last = max(round(frame.time / _TICK), self._last + 1)
        shown.pts, shown.time_base = self._last, _TICK
        self._last_duration = frame.duration
        self._mux(shown)

    def close(self) -> None:
        """Finishes the file and gives it its name."""
        self._mux(None)
        with self._file.errors(av.FFmpegError):
            self._container.close()
            self._keep_last_duration()
        self._file.commit()

    def discard(self) -> None:
        """Removes what has been written."""
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()
        self._file.discard()

    def _keep_last_duration(self) -> None:
        # FFmpeg shows the last frame for as long as the one before.
        if self._last_duration is None:
            return
        data = bytearray(self._file.path.read_bytes())
        controls = list(_CONTROL.finditer(data))
        if controls:
            delay = min(max(1, round(self._last_duration / _TICK)), 65535)
            place = controls[-1].start() + 4
            data[place : place + 2] = delay.to_bytes(2, "little")
            self._file.path.write_bytes(data)

    def _mux(self, picture: av.VideoFrame | None) -> None:
        with self._file.errors(av.FFmpegError):
            self._container.mux(self._stream.encode(picture))
