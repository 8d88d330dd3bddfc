"""Reading and writing still pictures (OpenCV)."""

import os
from pathlib import Path

import cv2
import numpy as np

from rvm_jax.atomic_files import write_bytes as write_bytes  # long known by this name
from rvm_jax.errors import UserError
from rvm_jax.media.picture_formats import (
    LISTED_SUFFIXES,
    READ_SUFFIXES,
    WRITTEN_SUFFIXES,
    check_header,
    decode_by_pillow,
    encode,
    read_profile,
    refuse_unread,
    why_unread,
)

PICTURE_SUFFIXES = READ_SUFFIXES


def decode_picture(data: bytes, name: str) -> np.ndarray:
    """Returns the RGB picture (H, W, 3) uint8 held in the encoded bytes `data`; EXIF rotation is applied.

    Raises UserError, naming `name`, if the bytes are no picture or are cut short.
    """
    return cv2.cvtColor(decode_raw(data, name, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def decode_raw(data: bytes, name: str, flags: int) -> np.ndarray:
    """Returns the picture in the encoded bytes `data` as OpenCV has it (BGR or BGRA), by its `IMREAD_…` flags.

    Raises UserError, naming `name`, if the bytes are no picture or are cut short.
    """
    if not _is_complete(data):
        raise UserError(f"{name}: the picture is cut short or damaged; copy or download it again")
    check_header(data, name)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:  # more pixels than OpenCV takes
        picture = None
    if data and (picture is None or picture.size == 0):
        picture = decode_by_pillow(data, flags)
    if picture is None or picture.size == 0:
        raise UserError(f"{name}: {why_unread(data)}")
    return picture


def read_picture(path: str | os.PathLike[str]) -> np.ndarray:
    """Reads a picture file as RGB (H, W, 3) uint8; see `decode_picture`."""
    return decode_picture(read_bytes(path), str(path))


def read_picture_and_profile(path: str | os.PathLike[str]) -> tuple[np.ndarray, bytes | None]:
    """Reads a picture file as RGB, as `read_picture` does, and its ICC profile (None: sRGB)."""
    data = read_bytes(path)
    return decode_picture(data, str(path)), read_profile(data)


def list_pictures(folder: str | os.PathLike[str]) -> list[Path]:
    """Returns the picture files directly inside `folder`, sorted by name. Raises UserError if it is no folder."""
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in LISTED_SUFFIXES and not p.name.startswith("."))


def write_picture(
    path: str | os.PathLike[str], picture: np.ndarray, jpeg_quality: int = 95, profile: bytes | None = None
) -> None:
    """Writes (H, W), (H, W, 1), RGB (H, W, 3) or RGBA (H, W, 4) uint8 or uint16; the suffix of `path` is the format.

    Colours keep their ICC `profile` in PNG, JPEG and WebP. The file appears under its name only when it is complete;
    missing folders are made.
    Raises UserError if the suffix is unknown or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in WRITTEN_SUFFIXES:
        raise UserError(f"{path}: unknown picture format '{path.suffix}'; use one of {', '.join(WRITTEN_SUFFIXES)}")
    if picture.ndim == 3 and picture.shape[2] >= 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    options: list[int] = []
    if path.suffix.lower() == ".png":
        options = [cv2.IMWRITE_PNG_COMPRESSION, 1]  # three times as fast as OpenCV's default at nearly the size
    elif path.suffix.lower() in (".jpg", ".jpeg"):
        options = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality]
    encoded = encode(path.suffix.lower(), picture, options, profile)
    if encoded is None:
        raise UserError(f"{path}: OpenCV could not encode an array of shape {picture.shape}, {picture.dtype}")
    write_bytes(path, encoded)


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Returns what a file holds. Raises UserError, naming it, if it cannot be read."""
    refuse_unread(Path(path))
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def _is_complete(data: bytes) -> bool:
    """Whether a PNG or JPEG reaches its end marker (OpenCV decodes cut files without a word, the rest grey).

    It also fills as much memory as a damaged PNG's chunk says it is long, so each must lie inside the file.
    """
    if data.startswith(b"\x89PNG"):
        position = 8
        while position < len(data):
            position += 12 + int.from_bytes(data[position : position + 4], "big")
            if data[position - 8 : position - 4] == b"IEND":  # an empty chunk: its name, then its checksum
                return True
        return False
    if not data.startswith(b"\xff\xd8"):
        return True
    position = 2  # over the segments before the scan: they may hold a thumbnail with an end marker of its own
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] != 0xDA:
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return data.find(b"\xff\xd9", position) != -1
