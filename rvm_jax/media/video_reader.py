"""Reading video: RGB frames one after the other, with the times at which they are shown (PyAV)."""

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
from rvm_jax.media.frame_source import DEFAULT_RATE, Frame, Shown

# libswscale's BILINEAR, FULL_CHR_H_INT, FULL_CHR_H_INP and ACCURATE_RND. Without them its fast path is chosen, which
# darkens the colours by a level on the way to YUV and back.
ACCURATE = 0x2 | 0x2000 | 0x4000 | 0x40000

# How much earlier, in seconds, the last frame may end than Matroska's header says.
_SLACK = Fraction(1, 2)
_MAX_ERRORS = 64


class VideoReader:
    """The frames of a video file, once through, in the order of their display: a `FrameSource`.

    Iterating yields RGB (H, W, 3) uint8, turned upright where the file asks for a rotation; `frames` yields the times
    too. The memory used does not grow with the length. Use it as a context manager, so that the file is closed.

        with VideoReader("clip.mp4") as video:
            for frame in video: ...

    Args:
      path: the file.
      stream: which of its video streams, from 0.
      bridge: what to do about a broken frame in the middle: repeat the frame before it, keeping its number in
        `damaged`, or raise. A file that is cut short raises in either case.

    Attributes:
      path, name: the file, and the same as text.
      size: (height, width) of the first frame as it is yielded, that is after rotation.
      rate: frames per second, exact (30000/1001 for 29.97); the average where the rate varies.
      expected_frames: how many frames the header announces or the duration suggests, None where neither is known:
        good for a progress bar, not for an array's length.

    Raises UserError, naming the file, where it is absent, no video, without a picture stream or without frames; and
    while iterating, with the frame's number, where the data is damaged.
    """

    def __init__(self, path: str | os.PathLike[str], *, stream: int = 0, bridge: bool = False):
        self.path = Path(path)
        self.name = str(path)
        self.damaged: list[int] = []
        if not self.path.is_file():
            raise UserError(f"{self.path}: " + ("is a folder, not a video" if self.path.is_dir() else "no such file"))
        try:
            self._container = av.open(str(self.path))
        except (av.FFmpegError, OSError) as error:
            raise UserError(f"{self.path}: not a video that FFmpeg can read ({_reason(error)})") from error
        try:
            self._stream = self._picture_stream(stream)
            self._stream.thread_type = "AUTO"
            self._check_index()
            self._bridge = bridge
            # Only frames carry the rotation, and a header may promise frames that the file lacks: read one ahead.
            self._reformatter = VideoReformatter()
            self._number = 0
            self._last: np.ndarray | None = None
            self._start: int | None = None
            self._end = Fraction(0)
            self._broken = False
            self._frames = self._decode()
            self._first = next(self._frames, None)
            if self._first is None:
                raise UserError(f"{self.path}: the video holds no frames; record or download it again")
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
    def sound(self) -> tuple[Path, Fraction] | None:
        if not self._container.streams.audio:
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
        self._check_complete()

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
        # One reformatter for all frames: FFmpeg keeps megabytes for each that a frame would make of its own.
        rgb = self._reformatter.reformat(frame, format="rgb24", interpolation=ACCURATE).to_ndarray()
        upright = np.ascontiguousarray(np.rot90(rgb, round(frame.rotation / 90)))
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
            self._end = (pts + (duration or 0)) * self._time_base
        shown = Shown(time, duration * self._time_base if duration else None, f"{self._number:05d}")
        self._number += 1
        return Frame(rgb, shown)

    def _check_index(self) -> None:
        """A file that is shorter than its index says is cut; FFmpeg would just end early."""
        size = self._container.size
        if size and any(entry.pos + entry.size > size for entry in self._stream.index_entries):
            raise UserError(f"{self.path}: cut short, the end of the file is missing; copy it again")

    def _check_complete(self) -> None:
        # QuickTime's edit lists hide frames that its header counts; there the index tells.
        if "mov" not in self._container.format.name and self._number < self._stream.frames:
            raise UserError(
                f"{self.path}: cut short, it holds {self._number} of {self._stream.frames} frames; copy it again"
            )
        stated = _seconds(self._stream.metadata.get("DURATION", ""))  # Matroska's, beside each stream
        if stated is not None and self._end + _SLACK < stated:
            raise UserError(
                f"{self.path}: cut short, it ends after {float(self._end):.1f} of {float(stated):.1f} seconds; "
                "copy it again"
            )

    def _frames_by_duration(self) -> int | None:
        if self._container.duration is None:
            return None
        return round(Fraction(self._container.duration, av.time_base) * self.rate) or None


def _seconds(text: str) -> Fraction | None:
    """Reads "hours:minutes:seconds"."""
    parts = text.split(":")
    if len(parts) != 3:
        return None
    try:
        hours, minutes, seconds = map(Fraction, parts)
    except ValueError:
        return None
    return 3600 * hours + 60 * minutes + seconds


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
