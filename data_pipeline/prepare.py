"""Writing a source into ArrayRecord files, by TFDS without TensorFlow; `sources/prepared.py` reads them.

Pictures without a size to shrink to are written as they are, byte for byte, so that the clips are those of the folder.
The rows keep the source's order. They come in parts, each complete or absent: a run that was interrupted goes on.
"""

import contextlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import cv2
import numpy as np
import tensorflow_datasets as tfds
from absl import logging
from tqdm import tqdm

from data_pipeline.sources.base import OPAQUE_KINDS, ClipSource, ContainerSource, Kind, Picture, Source
from data_pipeline.sources.decode import decode, decode_frames
from data_pipeline.sources.prepared import INDEX, PART
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes

_JPEG_QUALITY = 95
_FRAMES_AT_ONCE = 32
_EMPTY = {"rgb": b"", "alpha": b"", "key": "", "category": "", "problem": "", "frame": 0}


class Item(NamedTuple):
    """Where a picture or clip of a source is in the prepared set: its rows, and how many frames they hold."""

    position: int
    row: int
    rows: int
    frames: int
    container: str  # "": frames are rows; else the first row is the video file: "masked" has masks in rows after it


def plan(source: Source | ClipSource, size: int | None) -> list[Item]:
    """The rows of every item of a source, in its order."""
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


def write(
    root: Path,
    source: Source | ClipSource,
    description: Mapping[str, Any],
    *,
    entries: Callable[[Sequence[Item]], list[dict[str, Any]]],
    size: int | None = None,
    part_size: int = 2000,
    beam_options: Sequence[str] | None = None,
) -> int:
    """Writes all items of a source below `root`, but the parts that are there; returns how many rows were written.

    Args:
        root: the folder of the prepared set.
        source: what to write.
        description: what the index says of it: JSON values.
        entries: from the plan to the index's list of records.
        size: shrinks what has a longer short side to this one, as JPEG (alpha as PNG); never enlarges.
        part_size: rows a part, about; what is lost at most by an interruption.
        beam_options: writes each part by a Beam pipeline with these options (`--runner=…`); None: in this process.

    Raises:
        UserError: where the folder holds a set of other settings, or records have changed since.
    """
    items = plan(source, size)
    parts = _parts(items, part_size)
    ends = [part[-1].row + part[-1].rows for part in parts]
    index = dict(description) | {"size": size, "part_ends": ends, "items": entries(items), "complete": False}
    _check_index(root, index)
    written = 0
    with tqdm(total=ends[-1], desc="rows", unit="rows") as progress:
        for number, part in enumerate(parts):
            rows = sum(item.rows for item in part)
            if not (root / PART.format(number) / "dataset_info.json").is_file():
                _write_part(root, number, part, source, size, description, beam_options, progress)
                written += rows
            progress.n = ends[number]
            progress.refresh()
    write_bytes(root / INDEX, json.dumps(index | {"complete": True}).encode())
    return written


class _RowsBuilder(tfds.core.GeneratorBasedBuilder):
    """A part of a prepared set, its rows in the order of their numbers."""

    name = "rows"
    url_infos: ClassVar[dict] = {}  # nothing is downloaded; TFDS would look for a list of checksums beside this file
    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, make_rows: Callable[[], Any], about: str, licence: str, **options: Any):
        self._make_rows, self._about, self._licence = make_rows, about, licence
        super().__init__(**options)

    def _info(self) -> tfds.core.DatasetInfo:
        # Text is how TFDS keeps bytes as they are: Image would call on TensorFlow for what is no plain picture.
        text = {name: tfds.features.Text() for name in ("rgb", "alpha", "key", "category", "problem")}
        features = tfds.features.FeaturesDict(text | {"frame": np.int64})
        return tfds.core.DatasetInfo(
            builder=self, features=features, disable_shuffling=True, description=self._about, license=self._licence
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Any:
        return self._make_rows()


def _write_part(
    root: Path,
    number: int,
    items: Sequence[Item],
    source: Source | ClipSource,
    size: int | None,
    description: Mapping[str, Any],
    beam_options: Sequence[str] | None,
    progress: tqdm,
) -> None:
    path = root / PART.format(number)
    shutil.rmtree(path.parent, ignore_errors=True)  # what an interruption left

    def rows_here() -> Iterator[tuple[int, dict[str, Any]]]:
        for item in items:
            for numbered in rows_of(item, source, size):
                progress.update()
                yield numbered

    make_rows: Callable[[], Any] = rows_here
    options: dict[str, Any] = {}
    if beam_options is not None:
        from data_pipeline.prepare_beam import pipeline_options, rows_by_beam

        make_rows = partial(rows_by_beam, items, partial(rows_of, source=source, size=size))
        options["beam_options"] = pipeline_options(beam_options)
    with tempfile.TemporaryDirectory() as unused, _quiet():
        builder = _RowsBuilder(
            make_rows=make_rows,
            about=f"Part {number} of {description['source']} ({description['kind']}), prepared for rvm-jax",
            licence=str(description["licence"]),
            data_dir=str(root),
            config=tfds.core.BuilderConfig(name=path.parent.name, version="1.0.0"),
            file_format="array_record",
        )
        builder.download_and_prepare(download_dir=unused, download_config=tfds.download.DownloadConfig(**options))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """TFDS speaks of downloads, which there are none, and shows bars of its own beside ours."""
    verbosity = logging.get_verbosity()
    tfds.disable_progress_bar()
    logging.set_verbosity(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(verbosity)


def _parts(items: Sequence[Item], part_size: int) -> list[list[Item]]:
    parts: list[list[Item]] = [[]]
    for item in items:
        if parts[-1] and item.row + item.rows - parts[-1][0].row > part_size:
            parts.append([])
        parts[-1].append(item)
    return parts


def _check_index(root: Path, index: Mapping[str, Any]) -> None:
    path = root / INDEX
    if path.is_file():
        if json.loads(path.read_text()) | {"complete": False} != json.loads(json.dumps(index)):
            raise UserError(f"{root}: it holds a prepared set of other records or settings; give another --output_dir")
        return
    if root.exists() and any(root.iterdir()):
        raise UserError(f"{root}: the folder is not empty; give an --output_dir of its own")
    write_bytes(path, json.dumps(index).encode())


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
