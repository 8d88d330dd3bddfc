"""What is made of matted frames, and where it goes."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.matting.formats import FORMATS, Format, find_format
from rvm_jax.matting.matted import Matted
from rvm_jax.matting.occlusion import hidden_faces, occluder_alpha
from rvm_jax.matting.options import Settings
from rvm_jax.matting.threads import WriteBehind
from rvm_jax.matting.weights import StrPath
from rvm_jax.media import composite
from rvm_jax.media.aspect import resized_aspect
from rvm_jax.media.backgrounds import TRANSPARENT, Background, is_moving, make_background
from rvm_jax.media.frame_source import Frame, FrameSource, pixel_aspect_of
from rvm_jax.media.writer import Destination, Writer
from rvm_jax.output_paths import check_outputs

Outputs = Mapping[str, StrPath | Sequence[StrPath]]
# A frame as each network matted it; all but comparisons take the first.
Items = tuple[Matted, ...]
Render = Callable[[Items], Any]

KINDS = {
    "alpha": "the alpha of the visible face",
    "foreground": "the foreground colours",
    "composition": "the face laid on the background",
    "occluder": "the alpha of what hides the face",
    "occlusion": "the hidden share of the face, as CSV",
    "comparison": "input, alpha and cut-out side by side",
}


def listed(outputs: Outputs, stem: str, formats: Mapping[str, Format] = FORMATS) -> list[tuple[str, Path]]:
    """Returns (kind, path) of every output; "{stem}" in a path stands for the source's name without its suffix.

    Raises:
      UserError: if a kind is unknown, a path has a suffix that the kind cannot be, or two paths are the same.
    """
    pairs = []
    for kind, paths in outputs.items():
        if kind not in KINDS:
            raise UserError(f"output '{kind}' is unknown; use one of {', '.join(KINDS)}")
        for path in [paths] if isinstance(paths, (str, os.PathLike)) else paths:
            if not Path(path).name:  # "", "." and "/"
                raise UserError(f"output '{kind}' has no name of its own ('{path}'); give a file, or a folder for PNG")
            pairs.append((kind, Path(str(path).replace("{stem}", stem))))
    if not pairs:
        raise UserError("nothing to write; name an output, such as the alpha")
    for kind, path in pairs:
        find_format(kind, path, formats)
    check_outputs([path for _, path in pairs])
    return pairs


def check_kinds(kinds: Sequence[str], how: Settings, name: str = "outputs") -> None:
    """Raises UserError, beginning with `name`, if settings lack what a kind needs, or ask for what no kind shows."""
    if {"occluder", "occlusion"} & set(kinds) and how.faces is None and how.face_mask is None:
        raise UserError(
            f"{name}: the network shows the visible face only; to tell what is hidden, say where the whole face is "
            "(face_mask, or faces by a file or a detector)"
        )
    if how.compare_with and "comparison" not in kinds:
        raise UserError(
            f"{name}: further networks appear in comparisons alone; ask for a comparison, or give one network"
        )


def describe(kind: str, path: Path, how: Settings, formats: Mapping[str, Format] = FORMATS) -> str:
    """Returns a line for a plan: what the file will be. Raises UserError if this build cannot write it."""
    form, _ = _form(kind, _destination(path, how), how, formats)
    return f"{path}: {KINDS[kind]} ({form})"


def open_output(
    kind: str,
    path: Path,
    source: FrameSource,
    how: Settings,
    names: Sequence[str],
    resume: bool = False,
    formats: Mapping[str, Format] = FORMATS,
) -> WriteBehind[Items]:
    """Opens one output; the frames that it is given are rendered and encoded in threads of its own.

    Args:
      kind: one of `KINDS`.
      path: where it goes.
      source: whose rate, sound and shape of pixels it gets.
      how: the settings.
      names: the networks', for comparisons.
      resume: whether frames that are there already belong to the same work.
      formats: the formats by suffix.
    """
    aspect = resized_aspect(pixel_aspect_of(source), source.size, how.input_resize)
    to = _destination(path, how)._replace(rate=source.rate, sound=source.sound, resume=resume, pixel_aspect=aspect)
    bits = _form(kind, to, how, formats)[1]
    return write_behind(find_format(kind, path, formats).writer.open(to), kind, how, names, bits)


def write_behind(writer: Writer[Any], kind: str, how: Settings, names: Sequence[str], bits: int) -> WriteBehind[Items]:
    """Returns what renders an output of a kind and hands it to its writer."""
    # A video behind the face has its own order of frames.
    in_order = is_moving(how.background) and kind in ("composition", "comparison")
    return WriteBehind(writer, renderer(kind, how, names, bits), _frame, in_order)


def renderer(kind: str, how: Settings, names: Sequence[str], bits: int = 8) -> Render:
    """Returns what makes the frames of an output; `names` are the networks', `bits` those of the alpha."""
    if kind == "occlusion":
        return lambda items: hidden_faces(items[0])
    if kind == "alpha":
        return lambda items: items[0].pha if bits == 16 else items[0].pha8
    if kind == "foreground":
        return lambda items: items[0].fgr
    if kind == "occluder":
        return lambda items: occluder_alpha(items[0])
    background = make_background(how.background)
    if kind == "composition":
        if background is None:
            return lambda items: _cutout(items[0], bits, how.keep_hidden_colours)
        return lambda items: composite.composite(items[0].fgr, items[0].pha8, _behind(background, items[0].frame))
    behind = background or make_background(composite.GREEN)
    assert behind is not None

    def comparison(items: Items) -> np.ndarray:
        plate = _behind(behind, items[0].frame)
        rows = []
        for matted, name in zip(items, names, strict=True):
            cutout = composite.composite(matted.fgr, matted.pha8, plate)
            row = composite.comparison(matted.frame.rgb, matted.pha8, cutout)
            rows.append(_labelled(row, name) if len(items) > 1 else row)
        return np.concatenate(rows)

    return comparison


def _frame(items: Items) -> Frame:
    return items[0].frame


def _destination(path: Path, how: Settings) -> Destination:
    return Destination(path, how.input_rate, None, how.video_codec, how.video_mbps)


def _form(kind: str, to: Destination, how: Settings, formats: Mapping[str, Format]) -> tuple[str, int]:
    """Returns what an output will be, and the bits of its frames."""
    channels = {"alpha": 1, "occluder": 1}.get(kind, 3)
    if kind == "composition" and how.background == TRANSPARENT:
        channels = 4
    deep = how.alpha_bits == 16 and kind in ("alpha", "composition") and channels != 3
    return find_format(kind, to.path, formats).writer.form(to, channels, deep)


def _behind(background: Background, frame: Frame) -> composite.Color | np.ndarray:
    return background(frame.size, frame.time, frame.pixel_aspect)


def _cutout(matted: Matted, bits: int, keeps_hidden: bool) -> np.ndarray:
    """Returns RGBA with straight alpha; where it is 0, black, as RVM has it: nobody is to find the background there."""
    alpha = matted.pha if bits == 16 else matted.pha8
    colours = matted.fgr * np.uint16(257) if bits == 16 else matted.fgr
    if not keeps_hidden:
        colours = np.where(alpha > 0, colours, 0)
    return np.concatenate([colours, alpha], axis=-1, dtype=alpha.dtype)


def _labelled(row: np.ndarray, name: str) -> np.ndarray:
    scale = max(0.35, row.shape[0] / 600)
    place = (round(8 * scale) + row.shape[1] // 3, round(24 * scale))
    # Outlined by copies beside it: a thicker stroke would space the letters otherwise.
    for dx, dy, color in ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, 255)):
        shifted = (place[0] + dx, place[1] + dy)
        cv2.putText(row, name, shifted, cv2.FONT_HERSHEY_SIMPLEX, scale, (color,) * 3, 1, cv2.LINE_AA)
    return row
