"""What frames are, and what all that yields them looks like: a video, a folder, a webcam, raw bytes."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from rvm_jax.media.aspect import resized_aspect
from rvm_jax.media.face_alignment import Pose

# What FFmpeg assumes where nothing states a rate.
DEFAULT_RATE = Fraction(25)


class Shown(NamedTuple):
    """Says when a frame of a clip is shown: seconds after the first, for how long (None: unknown), and its name."""

    time: Fraction
    duration: Fraction | None
    name: str


class Guide(NamedTuple):
    """Holds what is known of a frame beside its colours.

    Attributes:
      values: masks and trimaps (H, W) uint8, by their kind.
      whole_face: where the face is, hidden parts too, (H, W) uint8.
      poses: the square of each face, by its name; None where nobody looks for faces.
    """

    values: Mapping[str, np.ndarray] = MappingProxyType({})
    whole_face: np.ndarray | None = None
    poses: Mapping[str, Pose] | None = None


class Frame(NamedTuple):
    """Is a frame of a clip, or a picture.

    Attributes:
      rgb: (H, W, 3) uint8.
      shown: when; None for a picture that is no frame of a clip.
      target: the file that its result becomes; None where a writer of the whole clip decides.
      guide: what else is known of it.
      number: its place in its source, from 0.
      pixel_aspect: the width of a pixel in its heights; 1 where they are square.
      profile: the ICC profile of its colours; None for sRGB, or a video's.
    """

    rgb: np.ndarray
    shown: Shown | None
    target: Path | None = None
    guide: Guide = Guide()
    number: int = 0
    pixel_aspect: Fraction = Fraction(1)
    profile: bytes | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Returns (height, width)."""
        height, width = self.rgb.shape[:2]
        return height, width

    @property
    def time(self) -> Fraction:
        """Seconds after the first frame; 0 for a picture."""
        return self.shown.time if self.shown else Fraction(0)

    @property
    def duration(self) -> Fraction | None:
        """Seconds for which it is shown, None where unknown."""
        return self.shown.duration if self.shown else None

    @property
    def name(self) -> str:
        """Returns what its file is called, without a suffix."""
        if self.shown:
            return self.shown.name
        return self.target.stem if self.target else f"{self.number:05d}"


class FrameSource(Protocol):
    """Yields frames, once through.

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
    expected_frames: int | None
    damaged: list[int]

    @property
    def size(self) -> tuple[int, int]: ...

    @property
    def rate(self) -> Fraction: ...

    @property
    def sound(self) -> tuple[Path, Fraction] | None: ...

    def frames(self) -> Iterator[Frame]:
        """Yields the frames in the order of their display."""

    def close(self) -> None:
        """Gives back what it holds."""


def resized(frame: Frame, size: tuple[int, int] | None) -> Frame:
    """Brings a frame to (height, width), averaging where it shrinks; None leaves it as it is.

    Pixels that are not square become what keeps the picture's proportions; square ones stay so.
    """
    if size is None or frame.size == size:
        return frame
    shrinks = size[0] * size[1] < frame.size[0] * frame.size[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    aspect = resized_aspect(frame.pixel_aspect, frame.size, size)
    return frame._replace(rgb=cv2.resize(frame.rgb, size[::-1], interpolation=method), pixel_aspect=aspect)


def pixel_aspect_of(source: FrameSource) -> Fraction:
    """Returns the aspect of a source's pixels: 1 for one that does not say."""
    return getattr(source, "pixel_aspect", Fraction(1))
