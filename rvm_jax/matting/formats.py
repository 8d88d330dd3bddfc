"""The formats that clips are written in: a row for each suffix."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from rvm_jax.errors import UserError
from rvm_jax.matting.occlusion import OcclusionTable
from rvm_jax.media.gif_writer import GifWriter
from rvm_jax.media.picture_formats import WRITTEN_SUFFIXES
from rvm_jax.media.picture_writers import ContactSheetWriter, PictureFolderWriter, SinglePictureWriter
from rvm_jax.media.video_formats import VIDEO_SUFFIXES
from rvm_jax.media.video_writer import VideoWriter
from rvm_jax.media.writer import Destination, Writer


class Opens(Protocol):
    """Declares what a writer's class offers beside its `Writer`."""

    def open(self, to: Destination, /) -> Writer[Any]:
        """Begins an output. Raises UserError if it cannot be written."""

    def form(self, to: Destination, channels: int, deep: bool, /) -> tuple[str, int]:
        """Returns what the output will be, for people, and the bits that it holds, 8 or 16.

        Args:
          to: where it goes.
          channels: of what it is given: 1, 3 or 4 (transparent).
          deep: whether 16 bits are wanted.

        Raises:
          UserError: if it cannot hold that.
        """


class Format(NamedTuple):
    """Joins a writer and the kinds of output that it takes."""

    writer: Opens
    kinds: tuple[str, ...]


_PICTURED = ("alpha", "foreground", "composition", "occluder", "comparison")
# By suffix; "" is a folder.
FORMATS: Mapping[str, Format] = {
    **{suffix: Format(VideoWriter, _PICTURED) for suffix in VIDEO_SUFFIXES},
    "": Format(PictureFolderWriter, _PICTURED),
    ".gif": Format(GifWriter, ("comparison",)),
    **{suffix: Format(ContactSheetWriter, ("comparison",)) for suffix in WRITTEN_SUFFIXES},
    ".csv": Format(OcclusionTable, ("occlusion",)),
}
# What a single picture becomes beside that.
STILL_FORMATS: Mapping[str, Format] = {suffix: Format(SinglePictureWriter, _PICTURED) for suffix in WRITTEN_SUFFIXES}


def is_folder(path: Path) -> bool:
    """Returns whether an output of this name is a folder of PNG, which can be resumed."""
    return path.suffix == "" or (path.is_dir() and path.suffix.lower() not in VIDEO_SUFFIXES)


def find_format(kind: str, path: Path, formats: Mapping[str, Format] = FORMATS) -> Format:
    """Returns the format of an output's name. Raises UserError if the kind cannot be written so."""
    suffix = "" if is_folder(path) else path.suffix.lower()
    found = formats.get(suffix)
    if found is not None and kind in found.kinds:
        return found
    if kind == "occlusion":
        raise UserError(f"{path}: the hidden share of the face is written as CSV; name the file .csv")
    if suffix in WRITTEN_SUFFIXES:
        raise UserError(
            f"{path}: is one picture, but the {kind} of a clip are many; give a name without a suffix for a folder of "
            "PNG, or a video's"
        )
    known = [each for each, format in formats.items() if each and kind in format.kinds]
    raise UserError(
        f"{path}: unknown output '{suffix}'; use one of {', '.join(known)}, or a name without a suffix for a folder of "
        "PNG"
    )
