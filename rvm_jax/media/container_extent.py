"""Whether a file is shorter than its container says: such a video is cut, while FFmpeg would just end early."""

from collections.abc import Callable
from pathlib import Path
from typing import IO

_SEGMENT = 0x18538067  # Matroska's element that holds all others


def is_cut(path: Path, format_name: str) -> bool:
    """Says whether a file of FFmpeg's format, AVI or Matroska, ends before its outermost chunk does.

    Other counts in headers say less: AVIs count frames that were dropped, Matroska's durations include how long the
    last frame stands.
    """
    check = next((check for name, check in _CHECKS.items() if name in format_name), None)
    if check is None:
        return False
    with path.open("rb") as file:
        return check(file, path.stat().st_size)


def _avi(file: IO[bytes], size: int) -> bool:
    position = 0
    while position + 8 <= size:
        file.seek(position)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] != b"RIFF" or length == 0:  # something follows that is none of its own, or it was never finished
            return False
        position += 8 + length
        if position > size:
            return True
        position += length % 2
    return False


def _matroska(file: IO[bytes], size: int) -> bool:
    while True:
        name = _number(file, keep_marker=True)
        length = _number(file, keep_marker=False)
        if name is None or length is None:  # of unknown length, as streams have it
            return False
        if name == _SEGMENT:
            return file.tell() + length > size
        if length > size:
            return False
        file.seek(length, 1)


def _number(file: IO[bytes], keep_marker: bool) -> int | None:
    """Reads a number of variable length; None at the end, or where all its bits are set: unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    value = int.from_bytes(first + file.read(more), "big")
    if keep_marker:
        return value
    mask = (1 << 7 * (more + 1)) - 1
    return None if value & mask == mask else value & mask


_CHECKS: dict[str, Callable[[IO[bytes], int], bool]] = {"avi": _avi, "matroska": _matroska}
