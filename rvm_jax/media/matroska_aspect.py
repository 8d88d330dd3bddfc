"""Telling in a finished Matroska or WebM file at what size its frames are shown: PyAV has no way to say it before.

The header that FFmpeg writes has unused bytes (Void) before the tracks. What lies between moves into them, so that the
tracks can grow and nothing behind them moves.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_SEGMENT, _SEEK_HEAD, _SEEK, _TRACKS, _TRACK, _VIDEO = 0x18538067, 0x114D9B74, 0x4DBB, 0x1654AE6B, 0xAE, 0xE0
_VOID, _CRC, _CLUSTER, _SEEK_POSITION = 0xEC, 0xBF, 0x1F43B675, 0x53AC
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
_HEADER = 1 << 16  # bytes of which the header is a part


class _Element(NamedTuple):
    """An element of EBML: its name, where it starts, where what it holds starts, and its end."""

    name: int
    start: int
    body: int
    end: int


def write_display_size(path: Path, width: int, height: int) -> bool:
    """Writes the size at which frames are shown into the header of a file that FFmpeg wrote.

    Args:
        path: the file; it is changed in place.
        width: in pixels.
        height: in pixels.

    Returns:
        Whether there was room for it; if not, the file is as it was.
    """
    with path.open("r+b") as file:
        data = file.read(_HEADER)
        segment = next((each for each in _elements(data, 0, len(data)) if each.name == _SEGMENT), None)
        if segment is None:
            return False
        parts: dict[int, _Element] = {}
        for each in _elements(data, segment.body, min(segment.end, len(data))):
            if each.name == _CLUSTER:
                break
            parts.setdefault(each.name, each)
        if not {_SEEK_HEAD, _VOID, _TRACKS} <= parts.keys() or parts[_TRACKS].end > len(data):
            return False
        head, void, tracks = parts[_SEEK_HEAD], parts[_VOID], parts[_TRACKS]
        grown = _with_size(data, tracks, width, height)
        more = len(grown) - (tracks.end - tracks.start)
        room = void.end - void.start - more
        if not head.end <= void.start < tracks.start or room < 9:
            return False
        changed = _moved(data, head, range(void.end - segment.body, tracks.start - segment.body + 1), more)
        filling = bytes([_VOID]) + _size(room - 9) + bytes(room - 9)
        file.seek(head.start)
        file.write(changed + data[head.end : void.start] + filling + data[void.end : tracks.start] + grown)
    return True


def _with_size(data: bytes, element: _Element, width: int, height: int) -> bytes:
    """Returns an element with the size in the video that it is or holds."""
    inner = b""
    for each in _elements(data, element.body, element.end):
        if each.name in (_TRACK, _VIDEO):
            inner += _with_size(data, each, width, height)
        elif each.name not in (_CRC, _DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT):
            inner += data[each.start : each.end]
    if element.name == _VIDEO:  # the unit is pixels where nothing else is said
        for name, pixels in ((_DISPLAY_WIDTH, width), (_DISPLAY_HEIGHT, height)):
            inner += name.to_bytes(2, "big") + b"\x84" + pixels.to_bytes(4, "big")
    return _whole(data, element, inner)


def _moved(data: bytes, head: _Element, moved: range, more: int) -> bytes:
    """Returns the list of places, of which those in a range lie some bytes earlier now."""
    changed = bytearray(data[head.start : head.end])
    for entry in _elements(data, head.body, head.end):
        for part in _elements(data, entry.body, entry.end) if entry.name == _SEEK else ():
            place = int.from_bytes(data[part.body : part.end], "big")
            if part.name == _SEEK_POSITION and place in moved:
                inside = slice(part.body - head.start, part.end - head.start)
                changed[inside] = (place - more).to_bytes(part.end - part.body, "big")
    first = next(_elements(data, head.body, head.end))
    if first.name == _CRC:
        at = first.body - head.start
        changed[at : at + 4] = zlib.crc32(changed[at + 4 :]).to_bytes(4, "little")
    return bytes(changed)


def _whole(data: bytes, element: _Element, inner: bytes) -> bytes:
    """Returns an element that holds something else, with its checksum if it had one."""
    first = next(_elements(data, element.body, element.end), None)
    if first is not None and first.name == _CRC:
        inner = bytes([_CRC, 0x84]) + zlib.crc32(inner).to_bytes(4, "little") + inner
    name = element.name.to_bytes((element.name.bit_length() + 7) // 8, "big")
    return name + _size(len(inner)) + inner


def _size(length: int) -> bytes:
    return ((1 << 56) | length).to_bytes(8, "big")


def _elements(data: bytes, position: int, end: int) -> Iterator[_Element]:
    """Yields the elements between two places, until one has no length or is cut off in its own beginning."""
    while position < end:
        start = position
        numbers = []
        for marked in (True, False):
            first = data[position]
            length = 9 - first.bit_length()
            if not first or position + length > len(data):
                return
            value = int.from_bytes(data[position : position + length], "big")
            numbers.append(value if marked else value & ((1 << 7 * length) - 1))
            position += length
            if position >= len(data) and marked:
                return
        name, length = numbers
        yield _Element(name, start, position, position + length)
        position += length
