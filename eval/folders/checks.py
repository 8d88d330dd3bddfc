"""Whether all pictures of an evaluation can be used, found out before any is decoded: readable, whole, of one size."""

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from eval.folders.pairs import Pair, raise_problems
from rvm_jax.errors import UserError
from rvm_jax.media.orientation import orientation, swaps_sides

_PNG = b"\x89PNG\r\n\x1a\n"
_LARGE = 50_000_000  # pixels, from which on Pillow is asked whether it is too large


def check_pictures(pairs: Sequence[Pair], progress: bool = True) -> None:
    """Looks at every file's header, and at a PNG's check sums, which takes a twentieth of the time to decode it.

    Args:
      pairs: of predictions and labels.
      progress: whether a bar is shown.

    Raises:
      UserError: with all that is wrong: files that cannot be read, that are no pictures or cut short, predictions of
        another size than their label, clips whose frames differ in size.
    """
    problems: list[str] = []
    clip_sizes: dict[str, tuple[Pair, tuple[int, int]]] = {}
    bar = tqdm(map(_sizes, pairs), "checking", len(pairs), unit="picture", disable=not progress)
    for pair, found in zip(pairs, bar, strict=True):
        problems += [text for text in found if isinstance(text, str)]
        size, *others = found
        if isinstance(size, str):
            continue
        for path, other in zip(pair.files[1:], others, strict=True):
            if not isinstance(other, str) and other != size:
                problems.append(
                    f"{path}: {other[0]}×{other[1]} pixels, but its label {pair.label} has {size[0]}×{size[1]}; "
                    "matte at the label's size"
                )
        if pair.in_clip:
            first, first_size = clip_sizes.setdefault(pair.unit, (pair, size))
            if first_size != size:
                problems.append(
                    f"{pair.label}: {size[0]}×{size[1]} pixels, but the clip's first frame {first.label} has "
                    f"{first_size[0]}×{first_size[1]}; frames of one clip have one size"
                )
    raise_problems(problems)


def _sizes(pair: Pair) -> list[tuple[int, int] | str]:
    """Returns each file's (width, height), or what is wrong with it; the label's first."""
    found: list[tuple[int, int] | str] = []
    for path in pair.files:
        try:
            found.append(_size(path))
        except UserError as error:
            found.append(str(error))
    return found


def _size(path: Path) -> tuple[int, int]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    whole = _whole_png(data)
    if whole is not None:
        return whole[::-1] if swaps_sides(orientation(data)) else whole
    try:
        with Image.open(io.BytesIO(data)) as picture:
            size = picture.size
            if swaps_sides(orientation(data)):
                size = size[::-1]
            if picture.format == "PNG":
                picture.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        what = "is cut short or damaged" if data.startswith((b"\x89PNG", b"\xff\xd8")) else "is no picture"
        raise UserError(f"{path}: {what}; write it again") from error
    if data.startswith(b"\xff\xd8") and b"\xff\xd9" not in data[-4096:]:
        raise UserError(f"{path}: is cut short or damaged; write it again")
    return size


def _whole_png(data: bytes) -> tuple[int, int] | None:
    """Returns the (width, height) of a PNG whose chunks are all there and have the right sums; None of all else."""
    if not data.startswith(_PNG) or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", data[16:24])
    place, view = len(_PNG), memoryview(data)
    while place + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        end = place + 8 + length
        if data[end : end + 4] != zlib.crc32(view[place + 4 : end]).to_bytes(4, "big"):
            return None
        if kind == b"IEND":
            return (width, height) if 0 < width * height < _LARGE else None
        place = end + 4
    return None
