"""Reading video: RGB frames one after the other, with the times at which they are shown (PyAV)."""

import os
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import numpy as np
from av.stream import Disposition

from rvm_jax.errors import UserError
from rvm_jax.file_kinds import describe
from rvm_jax.media.container_extent import is_cut
from rvm_jax.media.display_matrix import IDENTITY, display_matrix, swaps_sides
from rvm_jax.media.frame_conversion import RgbConverter
from rvm_jax.media.frame_source import DEFAULT_RATE, Frame, Shown
from rvm_jax.media.picture_formats import has_frames_without_times, refuse_unread

_MAX_ERRORS = 64


class VideoReader:
    """Yields the frames of a video file, once through, in the order of their display: a `FrameSource`.

    Iterating yields RGB (H, W, 3) uint8, rotated and mirrored as the file asks for, its colours as `RgbConverter` has
    them; `frames` yields the times too. The memory used does not grow with the length. Use it as a context manager, so
    that the file is closed.

        with VideoReader("clip.mp4") as video:
            for frame in video: ...

    Args:
      path: the file; or what is read but once: a pipe, /dev/stdin, an address such as https://… or rtsp://….
      stream: which of its video streams, from 0.
      bridge: what to do about a broken frame in the middle: repeat the frame before it, keeping its number in
        `damaged`, or raise. A file that is cut short raises in either case.

    Attributes:
      path, name: the file, and the same as text.
      size: (height, width) of the first frame as it is yielded, that is after rotation.
      pixel_aspect: the width of a pixel as it is yielded, in its heights; 1 where they are square.
      rate: frames per second, exact (30000/1001 for 29.97); the average where the rate varies.
      expected_frames: how many frames the header announces or the duration suggests, None where neither is known:
        good for a progress bar, not for an array's length.

    Raises UserError, naming the file, if it is absent, no video, without a picture stream or without frames; and
    while iterating, with the frame's number, if the data is damaged.
    """

    def __init__(self, path: str | os.PathLike[str], *, stream: int = 0, bridge: bool = False):
        self.path = Path(path)
        self.name = str(path)
        self.damaged: list[int] = []
        if self.path.is_dir():
            raise UserError(f"{self.path}: is a folder, not a video")
        if not self.path.exists() and not is_address(path):
            raise UserError(f"{self.path}: no such file")
        refuse_unread(self.path)  # of a HEIC FFmpeg would give one tile
        self._is_file = self.path.is_file()
        try:
            # Absolute: FFmpeg takes what stands before a colon for a protocol.
            named = str(self.path.absolute()) if self.path.exists() else self.name
            self._container = av.open(named, metadata_errors="replace")
        except (av.FFmpegError, OSError) as error:
            what = describe(self.path)
            why = f"is {what}, not a video" if what else f"not a video that FFmpeg can read ({_reason(error)})"
            raise UserError(f"{self.path}: {why}") from error
        try:
            self._stream = self._picture_stream(stream)
            self._stream.thread_type = "AUTO"
            self._check_extent()
            self._bridge = bridge
            # Only frames carry the rotation, and a header may promise frames that the file lacks: read one ahead.
            self._to_rgb = RgbConverter(self.name)
            self._matrix = IDENTITY
            self._number = 0
            self._last: np.ndarray | None = None
            self._start: int | None = None
            self._broken = False
            self._frames = self._decode()
            self._first = next(self._frames, None)
            if self._first is None:
                what = describe(self.path)
                why = f"is {what}, not a video" if what else "the video holds no frames; record or download it again"
                raise UserError(f"{self.path}: {why}")
        except BaseException:
            self._container.close()
            raise
        height, width = self._first.rgb.shape[:2]
        self.size: tuple[int, int] = (height, width)
        self.expected_frames: int | None = self._stream.frames or self._frames_by_duration()

    @property
    def rate(self) -> Fraction:
        return self._stream.average_rate or self._stream.guessed_rate or DEFAULT_RATE

    @property
    def pixel_aspect(self) -> Fraction:
        stated = self._stream.sample_aspect_ratio
        if not stated or stated <= 0:
            return Fraction(1)
        return 1 / stated if swaps_sides(self._matrix) else Fraction(stated)

    @property
    def sound(self) -> tuple[Path, Fraction] | None:
        # A pipe cannot be read twice.
        if not self._container.streams.audio or not (self._is_file or is_address(self.name)):
            return None
        return self.path, (self._start or 0) * self._time_base

    def frames(self) -> Iterator[Frame]:
        """Yields the frames with their times; the first has time 0."""
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        yield from self._frames

    def __iter__(self) -> Iterator[np.ndarray]:
        return (frame.rgb for frame in self.frames())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._frames.close()
        self._container.close()

    @property
    def _time_base(self) -> Fraction:
        return self._stream.time_base or 1 / self.rate

    def _picture_stream(self, index: int) -> av.VideoStream:
        # The cover picture of a sound file is a video stream of one frame to FFmpeg.
        streams = [s for s in self._container.streams.video if Disposition.attached_pic not in s.disposition]
        if not streams:
            kinds = ", ".join(sorted({s.type for s in self._container.streams})) or "nothing"
            raise UserError(f"{self.path}: holds no moving pictures, only {kinds}; give a video file")
        if index >= len(streams):
            raise UserError(f"{self.path}: holds {len(streams)} video streams; give one of 0 to {len(streams) - 1}")
        return streams[index]

    def _decode(self) -> Generator[Frame]:
        # The times of the packets whose frames have not come. The decoder's threads report an error some packets later,
        # so that only these tell which frame was lost.
        awaited: set[int] = set()
        try:
            for packet in self._container.demux(self._stream):
                if packet.size == 0 and packet.dts is not None:  # the frame before is shown on; the end has no time
                    continue
                if packet.pts is not None:
                    awaited.add(packet.pts)
                for frame in self._decoded(packet):
                    yield from self._with_bridges(frame, awaited)
        except av.FFmpegError as error:
            raise UserError(
                f"{self.path}: cut short or damaged after frame {self._number} ({_reason(error)}); copy it again"
            ) from error
        if self._last is not None and self._broken:
            for pts in sorted(awaited):
                yield self._bridged(self._last, pts)

    def _decoded(self, packet: "av.Packet[av.VideoStream]") -> Iterator[av.VideoFrame]:
        for _ in range(_MAX_ERRORS if packet.size == 0 else 1):  # the last packet asks for all that wait in the threads
            try:
                yield from packet.decode()
                return
            except av.InvalidDataError as error:
                if not self._bridge:
                    raise UserError(f"{self.path}: damaged at frame {self._number} ({_reason(error)})") from error
                self._broken = True
            except av.EOFError:
                return

    def _with_bridges(self, frame: av.VideoFrame, awaited: set[int]) -> Iterator[Frame]:
        """Yields the frames that were lost before this one, as copies of the last good one, and then this one."""
        upright = self._to_rgb(frame)
        if self._last is None:
            self._matrix = display_matrix(frame)
        if frame.pts is not None:
            lost = sorted(pts for pts in awaited if pts < frame.pts)
            awaited.difference_update((*lost, frame.pts))
            for pts in lost if self._broken else ():
                yield self._bridged(upright if self._last is None else self._last, pts)
            self._broken = self._broken and not lost
        self._last = upright
        if self._bridge and frame.is_corrupt:  # the decoder has concealed the damage itself
            self.damaged.append(self._number)
        yield self._timed(upright, frame.pts, frame.duration)

    def _bridged(self, rgb: np.ndarray, pts: int) -> Frame:
        self.damaged.append(self._number)
        return self._timed(rgb, pts, None)

    def _timed(self, rgb: np.ndarray, pts: int | None, duration: int | None) -> Frame:
        if pts is None:
            time = self._number / self.rate
        else:
            self._start = pts if self._start is None else self._start
            time = (pts - self._start) * self._time_base
        shown = Shown(time, duration * self._time_base if duration else None, f"{self._number:05d}")
        self._number += 1
        return Frame(rgb, shown, pixel_aspect=self.pixel_aspect)

    def _check_extent(self) -> None:
        """A file that is shorter than its index or container says is cut; FFmpeg would just end early."""
        if not self._is_file:
            return
        size = self.path.stat().st_size
        beyond = any(entry.pos + entry.size > size for entry in self._stream.index_entries)
        if beyond or is_cut(self.path, self._container.format.name):
            raise UserError(f"{self.path}: cut short, the end of the file is missing; copy it again")
        if self._container.format.name == "gif" and has_frames_without_times(self.path):
            raise UserError(
                f"{self.path}: its frames have no times, and FFmpeg takes them for one; save it with a duration"
            )

    def _frames_by_duration(self) -> int | None:
        if self._container.duration is None:
            return None
        return round(Fraction(self._container.duration, av.time_base) * self.rate) or None


def is_address(path: str | os.PathLike[str]) -> bool:
    """Says whether FFmpeg is to fetch it: https://…, rtsp://…."""
    return "://" in str(path)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
