"""What everything that yields frames looks like: a video, a folder of frames, a webcam, raw bytes (no JAX)."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np

# What FFmpeg assumes where nothing states a rate.
DEFAULT_RATE = Fraction(25)


class Frame(NamedTuple):
    """One frame: RGB (H, W, 3) uint8, when it is shown, for how long (seconds; None: unknown), and its name."""

    rgb: np.ndarray
    time: Fraction
    duration: Fraction | None
    name: str


class FrameSource(Protocol):
    """Frames once through; a context manager.

    Attributes:
      name: what messages call it.
      size: (height, width) of its first frame.
      rate: frames per second, the average where it varies.
      expected_frames: a guess for progress bars, None where nothing is known.
      damaged: the numbers, from 0, of the frames that were broken and bridged so far.
      sound: the file whose sound belongs to the frames, and the time in it of the first frame; None where there is
        none.
    """

    name: str
    size: tuple[int, int]
    expected_frames: int | None
    damaged: list[int]

    @property
    def rate(self) -> Fraction: ...

    @property
    def sound(self) -> tuple[Path, Fraction] | None: ...

    def frames(self) -> Iterator[Frame]:
        """Yields the frames in the order of their display."""

    def close(self) -> None:
        """Gives back what it holds."""


def resized(frames: Iterable[Frame], size: tuple[int, int] | None) -> Iterator[Frame]:
    """Brings frames to (height, width), averaging where they shrink; None leaves them as they are."""
    for frame in frames:
        if size is None or frame.rgb.shape[:2] == size:
            yield frame
            continue
        shrinks = size[0] * size[1] < frame.rgb.shape[0] * frame.rgb.shape[1]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        yield frame._replace(rgb=cv2.resize(frame.rgb, size[::-1], interpolation=method))
