"""Writing video: frames in, a file that appears under its name when it is complete (PyAV)."""

import contextlib
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from rvm_jax.atomic_files import PartialFile
from rvm_jax.errors import UserError
from rvm_jax.media.aspect import display_size
from rvm_jax.media.frame_conversion import ACCURATE
from rvm_jax.media.frame_source import Frame
from rvm_jax.media.matroska_aspect import write_display_size
from rvm_jax.media.sound import SoundCopy
from rvm_jax.media.video_formats import CODECS, choose_codec, keeps_aspect, pixel_format
from rvm_jax.media.writer import Destination
from rvm_jax.notices import notice

_BT709 = 1  # the code point of its primaries and of its transfer curve (ISO/IEC 23091-2)
_RAW_FORMATS = {
    (1, 8): "gray",
    (3, 8): "rgb24",
    (4, 8): "rgba",
    (1, 16): "gray16le",
    (3, 16): "rgb48le",
    (4, 16): "rgba64le",
}
_KEEPS_DURATIONS = 1 << 8  # AV_CODEC_FLAG_FRAME_DURATION: without it encoders forget how long frames are shown
# Times are rounded to ticks of 1/60000 s or finer: MPEG-4 part 2 takes at most 65535 a second.
_TICKS = 60_000


class VideoWriter:
    """Writes frames to a video file, whose container and codec follow from the suffix of `path`.

    .mp4 becomes H.264 (or MPEG-4, where this build lacks it), .mov ProRes 4444, .webm VP9, .mkv FFV1. All but the
    first hold RGBA too; its alpha is straight. The file grows beside its final name and takes it in `close`; leaving
    the context by an exception removes it. The first frame decides the size and the channels. YUV 4:2:0 (BT.709) wants
    even sides: an odd one is made even by repeating the last row or column.

        with VideoWriter("alpha.mp4", rate=Fraction(30000, 1001)) as writer:
            writer.write(alpha)

    Args:
      path: the file to write; missing folders are made, an old file of the name is replaced.
      rate: frames per second.
      codec: a name in `CODECS`, for another codec than the suffix stands for.
      mbps: megabits per second; by default the codec keeps a quality instead.
      sound: the file whose sound is copied, and the time in it of the first frame.
      pixel_aspect: the width of a pixel in its heights.

    Raises UserError, naming the file, if it cannot be written, its suffix names no container, or the build lacks
    the codec (it then names those at hand).
    """

    workers = 1

    def __init__(
        self,
        path: str | os.PathLike[str],
        rate: Fraction,
        codec: str | None = None,
        *,
        mbps: float | None = None,
        sound: tuple[Path, Fraction] | None = None,
        pixel_aspect: Fraction = Fraction(1),
    ):
        self.path = Path(path)
        self.frames = 0
        self._codec = choose_codec(self.path, codec)
        if self.path.is_dir():
            raise UserError(f"{self.path}: is a folder; give the video another name")
        self._file = PartialFile(self.path)  # PyAV opens it at the first frame only, which may come minutes later
        options = CODECS[self._codec].options
        if mbps:
            options = {key: value for key, value in options.items() if key not in ("crf", "flags", "global_quality")}
            options["b"] = str(round(mbps * 1e6))
        try:
            self._container = av.open(str(self._file.path), "w")
            stream = self._container.add_stream(self._codec, rate=rate, options=options)
            self._sound = SoundCopy(self._container, *sound) if sound else None
        except (av.FFmpegError, ValueError, OSError) as error:
            self._file.discard()
            raise UserError(
                f"{self.path}: cannot hold {self._codec} video ({error}); name it .mp4, .mov, .webm or .mkv"
            ) from error
        assert isinstance(stream, av.VideoStream)
        self._stream = stream
        self._rate = rate
        # AVI knows no times, but a rate: where a frame is left out, the one before is shown on.
        finest = Fraction(1, rate.numerator * max(1, _TICKS // rate.numerator))
        self._tick = 1 / rate if self.path.suffix.lower() == ".avi" else finest
        context = self._stream.codec_context
        context.time_base = self._tick
        context.flags |= _KEEPS_DURATIONS
        self._pixel_aspect = pixel_aspect.limit_denominator(1000)
        if pixel_aspect != 1 and not keeps_aspect(self.path, self._codec):
            notice(
                f"{self.path}: {CODECS[self._codec].title} in {self.path.suffix} does not say that pixels are not "
                "square; name it .mp4 or .mov where it is to lie over its source in an editor"
            )
        self._last_tick = -1
        self._reformatter = VideoReformatter()
        self._shape: tuple[int, ...] | None = None

    @classmethod
    def open(cls, to: Destination) -> Self:
        """Begins the file."""
        return cls(to.path, to.rate, to.codec, mbps=to.mbps, sound=to.sound, pixel_aspect=to.pixel_aspect)

    @staticmethod
    def form(to: Destination, channels: int, deep: bool) -> tuple[str, int]:
        """Returns what it will be, and the bits that it holds. Raises UserError if this build cannot write it."""
        codec = choose_codec(to.path, to.codec)
        bits = 16 if deep and channels in CODECS[codec].formats16 else 8
        return f"{CODECS[codec].title} video, {pixel_format(to.path, codec, channels, bits)}", bits

    def write(self, made: np.ndarray, frame: Frame | None = None) -> None:
        """Appends a grey (H, W) or (H, W, 1), RGB (H, W, 3) or RGBA (H, W, 4) picture, uint8 or uint16.

        Args:
          made: the picture.
          frame: says when it is shown, and for how long; by default the number of those before decides, by the rate.
        """
        if made.ndim == 2:
            made = made[..., None]
        if self._shape is None:
            self._begin(made)
        if made.shape != self._shape:
            assert self._shape is not None
            raise UserError(
                f"{self.path}: frame {self.frames} has {made.shape[0]}x{made.shape[1]} pixels (height x width), "
                f"those before it {self._shape[0]}x{self._shape[1]}; a video has frames of one size"
            )
        rows, columns = self._stream.height - made.shape[0], self._stream.width - made.shape[1]
        if rows or columns:
            made = np.pad(made, ((0, rows), (0, columns), (0, 0)), mode="edge")
        raw = made[..., 0] if made.shape[2] == 1 else made
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(raw), _RAW_FORMATS[made.shape[2], 8 * made.itemsize])
        if picture.format.name != self._stream.pix_fmt:
            picture = self._reformatter.reformat(
                picture,
                format=self._stream.pix_fmt,
                interpolation=ACCURATE,
                dst_colorspace=Colorspace.ITU709 if self._is_yuv else None,
                dst_color_range=ColorRange.MPEG if self._is_yuv else ColorRange.JPEG,
            )
        picture.pts = self._ticks(self.frames / self._rate if frame is None else frame.time)
        picture.time_base = self._tick
        shown_until = (frame.time if frame else self.frames / self._rate) + (
            (frame.duration if frame else None) or 1 / self._rate
        )
        picture.duration = max(1, round(self._snapped(shown_until) / self._tick) - picture.pts)
        self._encode(picture)
        self.frames += 1

    def close(self) -> None:
        """Finishes the file and gives it its name. Raises UserError if no frame was written."""
        if not self.frames:
            raise UserError(f"{self.path}: not written, since no frame came; a video has one at least")
        self._encode(None)
        with self._file.errors(av.FFmpegError):
            if self._sound:
                self._sound.write_until(None)
                self._sound.close()
            self._container.close()
        if self._pixel_aspect != 1 and self.path.suffix.lower() in (".mkv", ".webm"):
            height, width = display_size((self._stream.height, self._stream.width), self._pixel_aspect)
            with self._file.errors():
                write_display_size(self._file.path, width, height)
        self._file.commit()

    def discard(self) -> None:
        """Gives up: removes what has been written."""
        with contextlib.suppress(av.FFmpegError, OSError):  # a full disk or a failed encoder: the file goes anyway
            self._container.close()
        if self._sound:
            self._sound.close()
        self._file.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
            return
        try:
            self.close()
        except BaseException:
            self.discard()
            raise

    def _begin(self, frame: np.ndarray) -> None:
        height, width, channels = self._shape = frame.shape
        self._stream.pix_fmt = pixel_format(self.path, self._codec, channels, 8 * frame.itemsize)
        self._is_yuv = self._stream.pix_fmt.startswith("yuv")
        halved = "420" in self._stream.pix_fmt
        self._stream.height = height + (height % 2 if halved else 0)
        self._stream.width = width + (width % 2 if halved else 0)
        context = self._stream.codec_context
        if self._pixel_aspect != 1:
            context.sample_aspect_ratio = self._pixel_aspect
        context.color_range = ColorRange.MPEG if self._is_yuv else ColorRange.JPEG
        if self._is_yuv:
            context.colorspace = Colorspace.ITU709
            context.color_primaries = context.color_trc = _BT709

    def _ticks(self, seconds: Fraction) -> int:
        """Rounds to ticks; to a whole number of frames where that is within the milliseconds that Matroska counts in,
        so that a constant rate stays exact."""
        self._last_tick = max(round(self._snapped(seconds) / self._tick), self._last_tick + 1)
        return self._last_tick

    def _snapped(self, seconds: Fraction) -> Fraction:
        snapped = round(seconds * self._rate) / self._rate
        return snapped if abs(snapped - seconds) <= Fraction(1, 1900) else seconds

    def _encode(self, picture: av.VideoFrame | None) -> None:
        with self._file.errors(av.FFmpegError):
            for packet in self._stream.encode(picture):
                if self._sound and packet.dts is not None and packet.time_base is not None:
                    self._sound.write_until(packet.dts * packet.time_base)
                self._container.mux(packet)
