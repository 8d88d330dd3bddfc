"""Reading video: RGB frames one after the other, with the rate at which they are shown (PyAV; no JAX)."""

import os
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import VideoReformatter

from rvm_jax.errors import UserError

# What FFmpeg assumes where neither the container nor the codec states a rate.
DEFAULT_RATE = Fraction(25)
# libswscale's BILINEAR, FULL_CHR_H_INT, FULL_CHR_H_INP and ACCURATE_RND. Without them its fast path is chosen, which
# darkens the colours by a level on the way to YUV and back.
ACCURATE = 0x2 | 0x2000 | 0x4000 | 0x40000


class VideoReader:
    """The frames of a video file, once through, in the order of their display.

    Iterating yields RGB (H, W, 3) uint8, turned upright where the file asks for a rotation. The memory used does not
    grow with the length. Use it as a context manager, so that the file is closed.

        with VideoReader("clip.mp4") as video:
            for frame in video: ...

    Attributes:
      path: the file.
      size: (height, width) of the first frame as it is yielded, that is after rotation.
      rate: frames per second, exact (30000/1001 for 29.97); the average where the rate varies.
      expected_frames: how many frames the header announces or the duration suggests, None where neither is known:
        good for a progress bar, not for an array's length.

    Raises UserError, naming the file, where it is absent, no video, without a picture stream or without frames; and
    while iterating, with the frame's number, where the data is damaged.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        if not self.path.is_file():
            raise UserError(f"{self.path}: " + ("is a folder, not a video" if self.path.is_dir() else "no such file"))
        try:
            self._container = av.open(str(self.path))
        except (av.FFmpegError, OSError) as error:
            raise UserError(f"{self.path}: not a video that FFmpeg can read ({_reason(error)})") from error
        try:
            self._stream = self._picture_stream()
            self._stream.thread_type = "AUTO"
            # Only frames carry the rotation, and a header may promise frames that the file lacks: read one ahead.
            self._reformatter = VideoReformatter()
            self._number = 0
            self._frames = self._decode()
            self._first = next(self._frames, None)
            if self._first is None:
                raise UserError(f"{self.path}: the video holds no frames; record or download it again")
        except BaseException:
            self._container.close()
            raise
        self.size: tuple[int, int] = self._first.shape[:2]
        self.rate: Fraction = self._stream.average_rate or self._stream.guessed_rate or DEFAULT_RATE
        self.expected_frames: int | None = self._stream.frames or self._frames_by_duration()

    def __iter__(self) -> Iterator[np.ndarray]:
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        yield from self._frames

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._frames.close()
        self._container.close()

    def _picture_stream(self) -> av.VideoStream:
        # The cover picture of a sound file is a video stream of one frame to FFmpeg.
        streams = [s for s in self._container.streams.video if Disposition.attached_pic not in s.disposition]
        if not streams:
            kinds = ", ".join(sorted({s.type for s in self._container.streams})) or "nothing"
            raise UserError(f"{self.path}: holds no moving pictures, only {kinds}; give a video file")
        return streams[0]

    def _decode(self) -> Generator[np.ndarray]:
        try:
            for frame in self._container.decode(self._stream):
                # One reformatter for all frames: FFmpeg keeps megabytes for each that a frame would make of its own.
                rgb = self._reformatter.reformat(frame, format="rgb24", interpolation=ACCURATE).to_ndarray()
                yield np.ascontiguousarray(np.rot90(rgb, round(frame.rotation / 90)))
                self._number += 1
        except av.FFmpegError as error:
            raise UserError(f"{self.path}: damaged at frame {self._number} ({_reason(error)})") from error

    def _frames_by_duration(self) -> int | None:
        if self._container.duration is None:
            return None
        return round(Fraction(self._container.duration, av.time_base) * self.rate) or None


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
