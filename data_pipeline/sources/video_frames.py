"""Single frames of a video file, by their number, without decoding what comes before the nearest key frame."""

import io
from collections.abc import Sequence
from functools import lru_cache

import av
import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.media.frame_conversion import RgbConverter


def frame_count(video: str | bytes, name: str) -> int:
    """Returns how many frames a video file has, by its packets; raises UserError, naming `name`, if it is none."""
    return len(_times(video, name))


def read_frames(video: str | bytes, name: str, wanted: Sequence[int]) -> list[np.ndarray]:
    """Returns frames of a video as RGB (h, w, 3) uint8, upright, in the order wanted.

    Args:
        video: the file's path, or its content.
        name: what messages call it.
        wanted: frame numbers in the order of display, from 0.

    Raises:
        UserError: if it is no video, or damaged at one of these frames.
    """
    times = _times(video, name)
    numbers = {times[number]: number for number in wanted}
    frames: dict[int, np.ndarray] = {}
    last = max(numbers)
    try:
        with _open(video) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1  # the data workers are the parallelism
            container.seek(min(numbers), stream=stream)
            to_rgb = RgbConverter(name)
            for frame in container.decode(stream):
                if frame.pts in numbers:
                    frames[numbers[frame.pts]] = to_rgb(frame)
                if frame.pts is not None and frame.pts >= last:
                    break
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UserError(f"{name}: the video is damaged ({error})") from error
    if absent := sorted(set(wanted) - frames.keys()):
        raise UserError(f"{name}: the video is damaged; it has no frame {absent[0]} of {len(times)}")
    return [frames[number] for number in wanted]


def _open(video: str | bytes) -> av.container.InputContainer:
    return av.open(io.BytesIO(video) if isinstance(video, bytes) else video, "r", metadata_errors="replace")


def _times(video: str | bytes, name: str) -> Sequence[int]:
    """The time stamps of all frames, ascending."""
    return _times_of_file(video) if isinstance(video, str) else _read_times(video, name)


@lru_cache(maxsize=256)
def _times_of_file(path: str) -> Sequence[int]:
    return _read_times(path, path)


def _read_times(video: str | bytes, name: str) -> Sequence[int]:
    try:
        with _open(video) as container:
            if not container.streams.video:
                raise UserError(f"{name}: it holds no moving pictures")
            packets = container.demux(container.streams.video[0])
            times = sorted({packet.pts for packet in packets if packet.pts is not None and not packet.is_corrupt})
    except (av.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{name}: not a video that FFmpeg can read ({error})") from error
    if not times:
        raise UserError(f"{name}: the video holds no frames")
    return times
