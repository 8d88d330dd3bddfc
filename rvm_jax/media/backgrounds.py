"""What lies behind a composition: a colour, a picture, or a video (OpenCV, PyAV)."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.media.aspect import display_size
from rvm_jax.media.composite import Color, parse_color
from rvm_jax.media.frame_source import Frame
from rvm_jax.media.pictures import PICTURE_SUFFIXES, read_picture
from rvm_jax.media.video_formats import VIDEO_SUFFIXES
from rvm_jax.media.video_reader import VideoReader


class Background(Protocol):
    """Tells what lies behind a frame."""

    def __call__(
        self, size: tuple[int, int], time: Fraction = ..., pixel_aspect: Fraction = ..., /
    ) -> Color | np.ndarray:
        """Returns a colour, or RGB (height, width, 3) uint8.

        Args:
          size: (height, width) of the frame.
          time: when it is shown, in seconds after the first; it does not go back.
          pixel_aspect: the width of its pixels in their heights.
        """


TRANSPARENT = "transparent"


def is_moving(what: str | Path | Color) -> bool:
    """Returns whether a background is a video: its frames have an order."""
    if isinstance(what, tuple) or str(what) == TRANSPARENT or Path(what).suffix.lower() in PICTURE_SUFFIXES:
        return False
    return Path(what).exists() or Path(what).suffix.lower() in VIDEO_SUFFIXES


def make_background(what: str | Path | Color) -> Background | None:
    """Returns the background that `what` names: a colour, a picture, or a video, which restarts at its end.

    Videos, GIFs among them, keep their own times: each frame of the composition shows what is shown then.
    "transparent" gives None: the composition is RGBA. Pictures are scaled to cover the frame and cut to its centre.
    Raises UserError if `what` is neither a colour nor a file that can be read.
    """
    if isinstance(what, tuple):
        return _plain(what)
    if str(what) == TRANSPARENT:
        return None
    if is_moving(what):
        return _Moving(Path(what))
    if Path(what).suffix.lower() in PICTURE_SUFFIXES:
        return _Still(read_picture(what))
    return _plain(parse_color(str(what)))


def _plain(color: Color) -> Background:
    return lambda size, time=Fraction(0), pixel_aspect=Fraction(1): color


class _Still:
    """A picture behind all frames."""

    def __init__(self, picture: np.ndarray):
        self._picture = picture
        self._scaled: dict[tuple[tuple[int, int], Fraction], np.ndarray] = {}

    def __call__(
        self, size: tuple[int, int], time: Fraction = Fraction(0), pixel_aspect: Fraction = Fraction(1), /
    ) -> np.ndarray:
        key = size, pixel_aspect
        if key not in self._scaled:
            self._scaled = {key: _cover(self._picture, size, pixel_aspect)}
        return self._scaled[key]


class _Moving:
    """A video behind frames whose times go forward."""

    def __init__(self, path: Path):
        with VideoReader(path):  # a mistake shows now
            self._path = path
        if not path.is_file():
            raise UserError(f"{path}: a background is read again and again; give a file")
        self._frames: Iterator[tuple[Frame, Fraction]] | None = None
        self._time = Fraction(0)
        self._covered: tuple[object, np.ndarray] | None = None

    def __call__(
        self, size: tuple[int, int], time: Fraction = Fraction(0), pixel_aspect: Fraction = Fraction(1), /
    ) -> np.ndarray:
        if self._frames is None or time < self._time:  # another clip begins
            self._frames, self._covered = self._endless(), None
            self._frame, self._end = next(self._frames)
        self._time = time
        while self._end <= time:
            self._frame, self._end = next(self._frames)
        wanted = (self._end, size, pixel_aspect)
        if self._covered is None or self._covered[0] != wanted:
            own = self._frame.pixel_aspect
            self._covered = wanted, _cover(self._frame.rgb, size, pixel_aspect / own)
        return self._covered[1]

    def _endless(self) -> Iterator[tuple[Frame, Fraction]]:
        """Yields each frame and the time at which it ends."""
        start = Fraction(0)
        while True:
            last: Frame | None = None
            with VideoReader(self._path) as video:
                rate = video.rate
                count = 0
                for frame in video.frames():
                    count += 1
                    if last is not None:
                        yield last, start + frame.time
                    last = frame
            assert last is not None
            start += last.time + (last.duration or 1 / rate)
            while count == 1:  # a still picture need not be read again
                yield last, start
                start += 1
            yield last, start


def _cover(picture: np.ndarray, size: tuple[int, int], aspect: Fraction = Fraction(1)) -> np.ndarray:
    """Scales a picture, on the way to a size of pixels of another aspect, to cover it, and cuts it to its centre."""
    shown = display_size(size, aspect)
    large = _covering(picture, shown)
    return large if shown == size else cv2.resize(large, size[::-1], interpolation=cv2.INTER_AREA)


def _covering(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    scale = max(size[0] / picture.shape[0], size[1] / picture.shape[1])
    height, width = (max(to, round(side * scale)) for to, side in zip(size, picture.shape[:2], strict=True))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    large = cv2.resize(picture, (width, height), interpolation=method)
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return large[top : top + size[0], left : left + size[1]]
