"""The rows of a prepared set: where each picture or clip of a source is in it, and what a row holds.

Pictures without a size to shrink to are kept as they are, byte for byte, so that the clips are those of the folder.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
from tqdm import tqdm

from data_pipeline.sources.base import OPAQUE_KINDS, ClipSource, ContainerSource, Kind, Picture, Source
from data_pipeline.sources.decode import decode, decode_frames
from rvm_jax.errors import UserError

_JPEG_QUALITY = 95
_FRAMES_AT_ONCE = 32
_EMPTY: dict[str, Any] = {"rgb": b"", "alpha": b"", "key": "", "category": "", "problem": "", "frame": 0}


class Item(NamedTuple):
    """Where a picture or clip of a source is in the prepared set: its rows, and how many frames they hold."""

    position: int
    row: int
    rows: int
    frames: int
    container: str  # "": frames are rows; else the first row is the video file: "masked" has masks in rows after it


def plan(source: Source | ClipSource, size: int | None) -> list[Item]:
    """Returns the rows of every item of a source, in its order."""
    items, row = [], 0
    for index in tqdm(range(len(source)), "listing", unit="items", leave=False):
        frames, container = 1, ""
        if isinstance(source, ClipSource):
            try:
                frames = source.frames(index)
            except UserError:
                frames = 0
            if frames and size is None and isinstance(source, ContainerSource):
                container = "plain" if source.numbers(index)[1] is None else "masked"
        rows = {"": max(frames, 1), "plain": 1, "masked": frames + 1}[container]
        items.append(Item(index, row, rows, frames, container))
        row += rows
    return items


def rows_of(item: Item, source: Source | ClipSource, size: int | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (number, row) of an item; what cannot be read becomes a row that says so."""
    rows = _clip_rows(item, source, size) if isinstance(source, ClipSource) else _picture_rows(item, source, size)
    written = 0
    try:
        for row in rows:
            yield item.row + written, _EMPTY | row
            written += 1
    except UserError as error:
        for number in range(written, item.rows):
            yield item.row + number, _EMPTY | {"problem": str(error)}


def _picture_rows(item: Item, source: Source, size: int | None) -> Iterator[dict[str, Any]]:
    read = source[item.position]
    if size is None:
        yield _named(read) | _as_it_is(read["rgb"], read["alpha"], read["key"])
    else:
        yield _named(read) | _shrunk(decode(read, ""), size, read["kind"])


def _clip_rows(item: Item, source: Any, size: int | None) -> Iterator[dict[str, Any]]:
    if not item.frames:
        source.frames(item.position)  # raises what is wrong
    if item.container:
        numbers, masks = source.numbers(item.position)
        yield {"rgb": source.container(item.position), "key": source.records[item.position].key}
        for number, mask in zip(numbers, masks or (), strict=False):
            yield {"alpha": Path(mask).read_bytes(), "frame": number}
        return
    for start in range(0, item.frames, _FRAMES_AT_ONCE):
        wanted = range(start, min(start + _FRAMES_AT_ONCE, item.frames))
        read = source.read(item.position, wanted)
        alphas = read["alpha"] or [None] * len(wanted)
        if size is None:
            rows = [_as_it_is(rgb, alpha, read["key"]) for rgb, alpha in zip(read["rgb"], alphas, strict=True)]
        else:
            rows = [_shrunk(frame, size, read["kind"]) for frame in decode_frames(read, "")]
        for frame, row in zip(wanted, rows, strict=True):
            yield _named(read) | row | {"frame": frame}


def _named(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": item["key"], "category": item.get("category") or ""}


def _as_it_is(rgb: Any, alpha: Any, key: str) -> dict[str, bytes]:
    if isinstance(alpha, bytes) and not alpha:
        raise UserError(f"{key} (mask): the file is empty")
    return {"rgb": _encoded(rgb), "alpha": b"" if alpha is None else _encoded(alpha)}


def _shrunk(picture: Picture, size: int, kind: Kind) -> dict[str, bytes]:
    height, width = picture.rgb.shape[:2]
    scale = min(1.0, size / min(height, width))
    target = (round(width * scale), round(height * scale))
    rgb, alpha = (
        cv2.resize(plane, target, interpolation=cv2.INTER_AREA) if scale < 1 else plane
        for plane in (picture.rgb, picture.alpha)
    )
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)[1].tobytes()
    return {"rgb": jpeg, "alpha": b"" if kind in OPAQUE_KINDS else _encoded(alpha)}


def _encoded(picture: Any) -> bytes:
    """Encoded bytes as they are; an array, (h, w) or RGB, as PNG."""
    if isinstance(picture, bytes):
        return picture
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()
