"""Writing video: frames in, a file that appears under its name when it is complete (PyAV; no JAX)."""

import contextlib
import os
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from rvm_jax.errors import UserError
from rvm_jax.media.video_reader import ACCURATE

# In the order of preference, with options for a quality at which a soft alpha edge survives. Builds of FFmpeg without
# GPL parts lack x264; MPEG-4 part 2 is in all of them.
CODECS = {
    "libx264": {"crf": "16", "preset": "fast"},
    "mpeg4": {"flags": "+qscale", "global_quality": str(2 * 118)},  # quantiser 2 of 1..31, in FFmpeg's lambda units
}
_BT709 = 1  # the code point of its primaries and of its transfer curve (ISO/IEC 23091-2)


class VideoWriter:
    """Writes frames to a video file (YUV 4:2:0, BT.709), whose container is the suffix of `path`.

    The file grows beside its final name and takes it in `close`; leaving the context by an exception removes it.
    The first frame decides the size. YUV 4:2:0 wants even sides: an odd one is made even by repeating the last row or
    column.

        with VideoWriter("alpha.mp4", rate=Fraction(30000, 1001)) as writer:
            writer.write(alpha)

    Args:
      path: the file to write; missing folders are made, an old file of the name is replaced.
      rate: frames per second.
      codec: a name in `CODECS`; by default the first of them that this build of PyAV has.

    Raises UserError, naming the file, where it cannot be written, its suffix names no container, or the build lacks
    the codec (it then names those at hand).
    """

    def __init__(self, path: str | os.PathLike, rate: Fraction, codec: str | None = None):
        self.path = Path(path)
        self.frames = 0
        codec = self._available_codec(codec)
        self._partial = self.path.with_name(f".{self.path.stem}.{os.getpid()}.partial{self.path.suffix}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._partial.touch()  # PyAV opens the file at the first frame only, which may come minutes later
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror})") from error
        try:
            self._container = av.open(str(self._partial), "w")
            stream = self._container.add_stream(codec, rate=rate, options=CODECS[codec])
        except (av.FFmpegError, ValueError, OSError) as error:
            self._partial.unlink(missing_ok=True)
            raise UserError(f"{self.path}: cannot hold {codec} video ({error}); name it .mp4, .mkv or .mov") from error
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries = context.color_trc = _BT709
        self._stream = stream
        self._rate = rate
        self._reformatter = VideoReformatter()
        self._size: tuple[int, ...] | None = None

    def write(self, frame: np.ndarray) -> None:
        """Appends an RGB frame (H, W, 3) or a grey one (H, W) or (H, W, 1), uint8."""
        height, width = frame.shape[:2]
        if self._size is None:
            self._size = (height, width)
            self._stream.height, self._stream.width = height + height % 2, width + width % 2
        if (height, width) != self._size:
            raise UserError(
                f"{self.path}: frame {self.frames} has {height}x{width} pixels (height x width), those before it "
                f"{self._size[0]}x{self._size[1]}; a video has frames of one size"
            )
        if frame.ndim == 3 and frame.shape[2] == 1:
            frame = frame[..., 0]
        if height % 2 or width % 2:
            frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0))[: frame.ndim], mode="edge")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "gray" if frame.ndim == 2 else "rgb24")
        picture = self._reformatter.reformat(
            picture,
            format="yuv420p",
            interpolation=ACCURATE,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        picture.pts = self.frames
        picture.time_base = 1 / self._rate
        self._encode(picture)
        self.frames += 1

    def close(self) -> None:
        """Finishes the file and gives it its name. Raises UserError if no frame was written."""
        if not self.frames:
            raise UserError(f"{self.path}: not written, since no frame came; a video has one at least")
        try:
            self._encode(None)
            self._container.close()
            self._partial.replace(self.path)
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def discard(self) -> None:
        """Gives up: removes what has been written."""
        with contextlib.suppress(av.FFmpegError, OSError):  # a full disk or a failed encoder: the file goes anyway
            self._container.close()
        self._partial.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, value, traceback) -> None:
        if kind is not None:
            self.discard()
            return
        try:
            self.close()
        except BaseException:
            self.discard()
            raise

    def _available_codec(self, codec: str | None) -> str:
        available = [name for name in CODECS if name in av.codecs_available]
        if codec is None and available:
            return available[0]
        if codec in available:
            return codec
        wanted = f"the codec '{codec}'" if codec else "a video codec it could use"
        raise UserError(
            f"{self.path}: this build of PyAV has not {wanted}; at hand: {', '.join(available) or 'none'} "
            f"(`pip install av` brings one with {', '.join(CODECS)})"
        )

    def _encode(self, picture: av.VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(picture))
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> UserError:
        return UserError(f"{self.path}: cannot be written ({getattr(error, 'strerror', None) or error})")
