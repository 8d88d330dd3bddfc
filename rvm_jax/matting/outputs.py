"""What is made of matted frames, and the files that it goes to."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.matting.mattes import MattedFrame
from rvm_jax.matting.occlusion import OcclusionTable, occluder_alpha
from rvm_jax.matting.settings import Settings
from rvm_jax.matting.threads import WriteBehind
from rvm_jax.matting.weights import StrPath
from rvm_jax.media import composite
from rvm_jax.media.backgrounds import make_background
from rvm_jax.media.frame_source import FrameSource
from rvm_jax.media.frame_writers import ContactSheetWriter, GifWriter, PictureFolderWriter
from rvm_jax.media.pictures import PICTURE_SUFFIXES
from rvm_jax.media.video_formats import CODECS, VIDEO_SUFFIXES, choose_codec, pixel_format
from rvm_jax.media.video_writer import VideoWriter

Outputs = Mapping[str, StrPath | Sequence[StrPath]]
# A frame as each network matted it; all but comparisons take the first.
Render = Callable[[list[MattedFrame]], np.ndarray]

KINDS = {
    "alpha": "the alpha of the visible face",
    "foreground": "the foreground colours",
    "composition": "the face laid on the background",
    "occluder": "the alpha of what hides the face",
    "occlusion": "the hidden share of the face, as CSV",
    "comparison": "input, alpha and cut-out side by side",
}


def listed(outputs: Outputs, stem: str) -> list[tuple[str, Path]]:
    """Returns (kind, path) of every output; "{stem}" in a path stands for the source's name without its suffix.

    Raises UserError where a kind is unknown, a path has a suffix that the kind cannot be, or two paths are the same.
    """
    pairs = []
    for kind, paths in outputs.items():
        if kind not in KINDS:
            raise UserError(f"output '{kind}' is unknown; use one of {', '.join(KINDS)}")
        for path in [paths] if isinstance(paths, (str, os.PathLike)) else paths:
            pairs.append((kind, Path(str(path).replace("{stem}", stem))))
    if not pairs:
        raise UserError("nothing to write; name an output, such as the alpha")
    for kind, path in pairs:
        _check(kind, path)
    seen: set[Path] = set()
    for _, path in pairs:
        if path.resolve() in seen:
            raise UserError(f"{path}: two outputs would have this name; give each its own")
        seen.add(path.resolve())
    return pairs


def is_folder(path: Path) -> bool:
    """Whether an output of this name is a folder of PNG."""
    return path.suffix == "" or (path.is_dir() and path.suffix.lower() not in VIDEO_SUFFIXES)


def describe(kind: str, path: Path, settings: Settings) -> str:
    """One line for a plan: what the file will be. Raises UserError where this build of PyAV cannot write it."""
    if kind == "occlusion":
        form = "CSV"
    elif is_folder(path):
        form = "a folder of PNG"
    elif path.suffix.lower() in VIDEO_SUFFIXES:
        codec = choose_codec(path, settings.video_codec)
        channels, bits = _layout(kind, settings, codec)
        form = f"{CODECS[codec].title} video, {pixel_format(path, codec, channels, bits)}"
    else:
        form = "animated GIF" if path.suffix.lower() == ".gif" else "contact sheet"
    return f"{path}: {KINDS[kind]} ({form})"


def open_output(
    kind: str, path: Path, source: FrameSource, settings: Settings, names: Sequence[str], resume: bool = False
) -> WriteBehind:
    """Opens one output; the frames that it is given are rendered and encoded in a thread of its own."""
    if kind == "occlusion":
        table = OcclusionTable(path)
        return WriteBehind(table, lambda frames: table.write(frames[0]))
    suffix = path.suffix.lower()
    if is_folder(path):
        writer: Any = PictureFolderWriter(path, resume=resume)
    elif suffix == ".gif":
        writer = GifWriter(path, source.rate)
    elif suffix in PICTURE_SUFFIXES:
        writer = ContactSheetWriter(path)
    else:
        writer = VideoWriter(path, source.rate, settings.video_codec, mbps=settings.video_mbps, sound=source.sound)
    bits = _layout(kind, settings, writer_codec(path, settings))[1]
    render = renderer(kind, settings, names, bits)
    if isinstance(writer, VideoWriter):
        return WriteBehind(writer, _to_video(writer, render))
    return WriteBehind(writer, _to_pictures(writer, render))


def writer_codec(path: Path, settings: Settings) -> str | None:
    """The codec of a video; None for what is none."""
    is_video = not is_folder(path) and path.suffix.lower() in VIDEO_SUFFIXES
    return choose_codec(path, settings.video_codec) if is_video else None


def _check(kind: str, path: Path) -> None:
    suffix = path.suffix.lower()
    if kind == "occlusion":
        if suffix != ".csv":
            raise UserError(f"{path}: the hidden share of the face is written as CSV; name the file .csv")
        return
    if is_folder(path) or suffix in VIDEO_SUFFIXES:
        return
    if kind == "comparison" and suffix in (".gif", *PICTURE_SUFFIXES):
        return
    raise UserError(
        f"{path}: unknown output '{suffix}'; use one of {', '.join(VIDEO_SUFFIXES)}, or a name without a suffix for a "
        "folder of PNG" + (", .gif, or .png for a contact sheet" if kind == "comparison" else "")
    )


def _layout(kind: str, settings: Settings, codec: str | None) -> tuple[int, int]:
    """The channels and bits of the frames that an output gets; `codec` None for PNG."""
    channels = {"alpha": 1, "occluder": 1}.get(kind, 3)
    if kind == "composition" and settings.background == "transparent":
        channels = 4
    deep = settings.alpha_bits == 16 and (codec is None or channels in CODECS[codec].formats16)
    return channels, 16 if deep and kind in ("alpha", "composition") and channels != 3 else 8


def renderer(kind: str, settings: Settings, names: Sequence[str], bits: int = 8) -> Render:
    """What makes the frames of an output; `names` are the networks', `bits` those of the alpha."""
    if kind == "alpha":
        return lambda frames: frames[0].pha if bits == 16 else frames[0].pha8
    if kind == "foreground":
        return lambda frames: frames[0].fgr
    if kind == "occluder":
        return lambda frames: occluder_alpha(frames[0])
    background = make_background(settings.background)
    if kind == "composition":
        if background is None:
            return lambda frames: _cutout(frames[0], bits)
        return lambda frames: composite.composite(frames[0].fgr, frames[0].pha8, background(frames[0].fgr.shape[:2]))
    behind = background or make_background(composite.GREEN)
    assert behind is not None

    def comparison(frames: list[MattedFrame]) -> np.ndarray:
        plate = behind(frames[0].fgr.shape[:2])
        rows = []
        for frame, name in zip(frames, names, strict=True):
            cutout = composite.composite(frame.fgr, frame.pha8, plate)
            row = composite.comparison(frame.frame.rgb, frame.pha8, cutout)
            rows.append(_labelled(row, name) if len(frames) > 1 else row)
        return np.concatenate(rows)

    return comparison


def _cutout(frame: MattedFrame, bits: int) -> np.ndarray:
    """RGBA with straight alpha."""
    if bits == 16:
        return np.concatenate([frame.fgr * np.uint16(257), frame.pha], axis=-1)
    return np.concatenate([frame.fgr, frame.pha8], axis=-1)


def _labelled(row: np.ndarray, name: str) -> np.ndarray:
    scale = max(0.35, row.shape[0] / 600)
    place = (round(8 * scale) + row.shape[1] // 3, round(24 * scale))
    # Outlined by copies beside it: a thicker stroke would space the letters otherwise.
    for dx, dy, color in ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, 255)):
        shifted = (place[0] + dx, place[1] + dy)
        cv2.putText(row, name, shifted, cv2.FONT_HERSHEY_SIMPLEX, scale, (color,) * 3, 1, cv2.LINE_AA)
    return row


def _to_video(writer: VideoWriter, render: Render) -> Callable[[list[MattedFrame]], None]:
    def write(frames: list[MattedFrame]) -> None:
        frame = frames[0].frame
        writer.write(render(frames), frame.time, frame.duration)

    return write


def _to_pictures(writer: Any, render: Render) -> Callable[[list[MattedFrame]], None]:
    def write(frames: list[MattedFrame]) -> None:
        frame = frames[0].frame
        writer.write(render(frames), frame.time, frame.name)

    return write
