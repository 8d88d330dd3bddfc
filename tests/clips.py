"""Small clips on the disk, written by PyAV itself, for tests of what reads them."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np

NTSC = Fraction(30000, 1001)


def moving_square(count: int = 8, height: int = 48, width: int = 64) -> np.ndarray:
    """A bright square that walks over a ramp of colours: smooth enough for a codec to keep within a few levels."""
    y, x = np.mgrid[:height, :width]
    ramp = np.stack([y * 255 // height, x * 255 // width, np.full_like(x, 90)], axis=-1).astype(np.uint8)
    frames = np.repeat(ramp[None], count, axis=0)
    for t, frame in enumerate(frames):
        frame[8:24, 4 * t % width : 4 * t % width + 16] = 230
    return frames


def write_clip(
    path: Path,
    frames: np.ndarray,
    rate: Fraction = NTSC,
    *,
    codec: str = "libx264",
    times: Sequence[int] | None = None,
    sound: str | None = None,
    streams: int = 1,
    options: dict[str, str] | None = None,
) -> Path:
    """Writes frames, shown at `times` (whole milliseconds) or at `rate`; `sound` is the name of an audio codec."""
    with av.open(str(path), "w") as container:
        pictures = []
        for _ in range(streams):
            stream = cast(
                av.VideoStream, container.add_stream(codec, rate=rate, options=options or {"crf": "12", "g": "4"})
            )
            stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
            if times is not None:
                stream.codec_context.time_base = Fraction(1, 1000)
            pictures.append(stream)
        track = cast(av.AudioStream, container.add_stream(sound, rate=48000, layout="mono")) if sound else None
        for index, stream in enumerate(pictures):
            for t, rgb in enumerate(frames if index == 0 else 255 - frames):
                frame = av.VideoFrame.from_ndarray(rgb)
                frame.pts, frame.time_base = (t, 1 / rate) if times is None else (times[t], Fraction(1, 1000))
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        if track:
            length = int(48000 * len(frames) / rate)
            wave = (8000 * np.sin(np.arange(length) * 440 * 2 * np.pi / 48000)).astype(np.int16)
            for start in range(0, length, 960):
                samples = wave[None, start : start + 960]
                heard = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
                heard.sample_rate, heard.pts, heard.time_base = 48000, start, Fraction(1, 48000)
                container.mux(track.encode(heard))
            container.mux(track.encode(None))
    return path


def tagged_clip(
    path: Path,
    frames: np.ndarray,
    codec: str = "libx264",
    setup: Callable[[av.VideoStream], object] = lambda stream: None,
    pixels: str = "yuv420p",
    rate: int = 25,
    numbers: Sequence[int] | None = None,
) -> Path:
    """Writes RGB frames as other programs do: with what `setup` says of the stream, and gaps in their `numbers`."""
    with av.open(str(path), "w") as container:
        options = {"crf": "6", "bf": "0"} if codec == "libx264" else {}
        stream = cast(av.VideoStream, container.add_stream(codec, rate=rate, options=options))
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], pixels
        setup(stream)
        for number, rgb in zip(numbers or range(len(frames)), frames, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb))
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
