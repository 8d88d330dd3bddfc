"""What lies behind a composition: a colour, a picture, or a video (OpenCV, PyAV)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from rvm_jax.media.composite import Color, parse_color
from rvm_jax.media.pictures import PICTURE_SUFFIXES, read_picture
from rvm_jax.media.video_formats import VIDEO_SUFFIXES
from rvm_jax.media.video_reader import VideoReader

# Takes (height, width), and returns what lies behind the next frame: a colour or RGB (height, width, 3) uint8.
Background = Callable[[tuple[int, int]], Color | np.ndarray]

TRANSPARENT = "transparent"


def is_moving(what: str | Path | Color) -> bool:
    """Returns whether a background is a video: its frames have an order."""
    if isinstance(what, tuple) or str(what) == TRANSPARENT or Path(what).suffix.lower() in PICTURE_SUFFIXES:
        return False
    return Path(what).exists() or Path(what).suffix.lower() in VIDEO_SUFFIXES


def make_background(what: str | Path | Color) -> Background | None:
    """Returns the background that `what` names: a colour, a picture, or a video, which restarts at its end.

    "transparent" gives None: the composition is RGBA. Pictures are scaled to cover the frame and cut to its centre.
    Raises UserError if `what` is neither a colour nor a file that can be read.
    """
    if isinstance(what, tuple):
        return _plain(what)
    if str(what) == TRANSPARENT:
        return None
    if is_moving(what):
        return _moving(Path(what))
    if Path(what).suffix.lower() in PICTURE_SUFFIXES:
        return _still(read_picture(what))
    return _plain(parse_color(str(what)))


def _plain(color: Color) -> Background:
    return lambda size: color


def _still(picture: np.ndarray) -> Background:
    scaled: dict[tuple[int, int], np.ndarray] = {}

    def background(size: tuple[int, int]) -> np.ndarray:
        if size not in scaled:
            scaled.clear()
            scaled[size] = _cover(picture, size)
        return scaled[size]

    return background


def _moving(path: Path) -> Background:
    VideoReader(path).close()  # a mistake shows now

    def endless() -> Iterator[np.ndarray]:
        while True:
            with VideoReader(path) as video:
                yield from video

    frames = endless()
    return lambda size: _cover(next(frames), size)


def _cover(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    scale = max(size[0] / picture.shape[0], size[1] / picture.shape[1])
    height, width = (max(to, round(side * scale)) for to, side in zip(size, picture.shape[:2], strict=True))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    large = cv2.resize(picture, (width, height), interpolation=method)
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return large[top : top + size[0], left : left + size[1]]
