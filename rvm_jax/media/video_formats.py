"""Which codec and pixel format a video file gets (PyAV)."""

from pathlib import Path
from typing import NamedTuple

import av

from rvm_jax.errors import UserError


class Codec(NamedTuple):
    """Describes an FFmpeg encoder: what it is called in messages, its options, and its pixel formats.

    These are for frames of 1 (grey), 3 (RGB) and 4 (RGBA, straight) channels, of 8 and of 16 bits. A format that is
    absent cannot be held.
    """

    title: str
    options: dict[str, str]
    formats: dict[int, str]
    formats16: dict[int, str]


_YUV420 = {1: "yuv420p", 3: "yuv420p"}
_PRORES = {1: "yuv444p10le", 3: "yuv444p10le", 4: "yuva444p10le"}

# Options for a quality at which a soft alpha edge survives.
CODECS = {
    # Without B-frames: their order costs MP4 the durations of frames, and AVI knows no order but one.
    "libx264": Codec("H.264", {"crf": "16", "preset": "fast", "bf": "0"}, _YUV420, {}),
    # quantiser 2 of 1..31, in FFmpeg's lambda units
    "mpeg4": Codec("MPEG-4", {"flags": "+qscale", "global_quality": str(2 * 118)}, _YUV420, {}),
    "prores_ks": Codec("ProRes 4444", {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"}, _PRORES, _PRORES),
    "libvpx-vp9": Codec(
        "VP9",
        {"crf": "16", "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"},
        _YUV420 | {4: "yuva420p"},
        {},
    ),
    "ffv1": Codec(
        "FFV1 (lossless)",
        {"level": "3", "slicecrc": "1"},
        {1: "gray", 3: "bgr0", 4: "bgra"},
        {1: "gray16le", 4: "gbrap16le"},
    ),
}
# By suffix, in the order of preference. Builds of FFmpeg without GPL parts lack x264; MPEG-4 part 2 is in all of them.
_BY_SUFFIX = {
    ".mov": ("prores_ks",),
    ".webm": ("libvpx-vp9",),
    ".mkv": ("ffv1",),
}
_ELSE = ("libx264", "mpeg4")
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")


def choose_codec(path: Path, codec: str | None = None) -> str:
    """Returns the encoder for a file of this name, or checks the one asked for.

    Raises UserError if this build of FFmpeg lacks it; the message names those at hand.
    """
    wanted = (codec,) if codec else _BY_SUFFIX.get(path.suffix.lower(), _ELSE)
    for name in wanted:
        if name in CODECS and name in av.codecs_available:
            return name
    at_hand = [f"{name} ({CODECS[name].title})" for name in CODECS if name in av.codecs_available]
    raise UserError(
        f"{path}: this build of PyAV has not the codec '{wanted[0]}'; at hand: {', '.join(at_hand) or 'none'} "
        f"(`pip install av` brings one with {', '.join(CODECS)})"
    )


def keeps_aspect(path: Path, codec: str) -> bool:
    """Whether a file of this name says that its pixels are not square: in its header, or by H.264 or MPEG-4."""
    return path.suffix.lower() != ".avi" or codec in ("libx264", "mpeg4")


def pixel_format(path: Path, codec: str, channels: int, bits: int = 8) -> str:
    """Returns the encoder's pixel format for such frames. Raises UserError if it can hold none."""
    kind = CODECS[codec]
    formats = kind.formats16 if bits == 16 else kind.formats
    if channels in formats:
        return formats[channels]
    what = "transparency" if channels == 4 else f"{bits} bits a channel"
    raise UserError(
        f"{path}: {kind.title} cannot hold {what}; name the file .mov (ProRes 4444), .mkv (FFV1)"
        + (" or .webm (VP9)" if bits == 8 else "")
        + ", or write a folder of PNG"
    )
