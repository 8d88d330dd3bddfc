"""Reading what `scripts/prepare_data.py` wrote: the records of a source in ArrayRecord files, in the source's order."""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data_pipeline.sources.adapter import SELECTION, Adapter, defaults
from data_pipeline.sources.base import ClipSource, Kind, Request, Source
from data_pipeline.sources.records import Record, named, read_file
from data_pipeline.sources.select import ALL, Selection, select
from data_pipeline.sources.split import SplitFile
from data_pipeline.sources.video_frames import read_frames
from rvm_jax.errors import UserError

INDEX = "index.json"
PART = "rows/part_{:05d}/1.0.0"


class Rows:
    """Random access to the rows of all parts of a prepared set; files are opened when asked, so it pickles."""

    def __init__(self, root: Path, ends: Sequence[int]):
        self.root = root
        self.ends = ends  # of each part, the number of rows up to its end
        self._parts: dict[int, Any] = {}

    def __getitem__(self, row: int) -> Mapping[str, Any]:
        part = bisect_right(self.ends, row)
        if part not in self._parts:
            import tensorflow_datasets as tfds  # half a second, and only prepared sets need it

            path = self.root / PART.format(part)
            try:
                self._parts[part] = tfds.builder_from_directory(str(path)).as_data_source("train")
            except Exception as error:  # TFDS has no common error for what is missing or damaged
                raise UserError(f"{path}: not a part of a prepared set; prepare it again ({error})") from error
        found: Mapping[str, Any] = self._parts[part][row - (self.ends[part - 1] if part else 0)]
        if found["problem"]:
            raise UserError(found["problem"].decode())
        return found

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_parts": {}}


class PreparedPictures:
    """A `Source` over a prepared set; a record's `picture` is (first row, frames, whether a container comes first).

    `drawn` says that its items were drawn, so that only the rows know their names.
    """

    def __init__(
        self, kind: Kind, records: Sequence[Record], skipped: Mapping[str, str], rows: Rows, drawn: bool = False
    ):
        self.kind: Kind = kind
        self.records = records
        self.skipped = skipped
        self._rows = rows
        self._drawn = drawn

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> dict[str, Any]:
        record = self.records[index]
        row = self._rows[record.picture[0]]
        record = _as_drawn(record, row) if self._drawn else record
        return named(record, self.kind, row["rgb"], row["alpha"] or None)


class PreparedClips:
    """A `ClipSource` over a prepared set; see `PreparedPictures`."""

    def __init__(
        self,
        kind: Kind,
        records: Sequence[Record],
        skipped: Mapping[str, str],
        rows: Rows,
        drawn: bool = False,
        may_cut: bool = False,
    ):
        self.kind: Kind = kind
        self.records = records
        self.skipped = skipped
        self._rows = rows
        self._drawn = drawn
        self._may_cut = may_cut

    def __len__(self) -> int:
        return len(self.records)

    def frames(self, index: int) -> int:
        first, frames, _ = self.records[index].picture
        if not frames:
            self._rows[first]  # raises what is wrong with the clip
        return int(frames)

    def read(self, index: int, frames: Sequence[int]) -> dict[str, Any]:
        record = self.records[index]
        first, _, container = record.picture
        numbers, rgbs = frames, {}
        if container:
            video, masked = self._rows[first]["rgb"], container == "masked"
            rows = {frame: self._rows[first + 1 + frame] for frame in frames} if masked else {}
            numbers = [int(rows[frame]["frame"]) for frame in frames] if masked else frames
            rgbs = dict(zip(frames, read_frames(video, record.key, numbers), strict=True))
        else:
            rows = {frame: self._rows[first + frame] for frame in frames}
            rgbs = {frame: row["rgb"] for frame, row in rows.items()}
            record = _as_drawn(record, rows[frames[0]]) if self._drawn else record
        alphas = {frame: row["alpha"] for frame, row in rows.items() if row["alpha"]}
        alpha = [alphas[frame] for frame in frames] if alphas else None
        return named(record, self.kind, [rgbs[frame] for frame in frames], alpha) | {"may_cut": self._may_cut}


def open_prepared(
    root: Path, name: str, adapter: Adapter, request: Request, settings: Mapping[str, Any]
) -> Source | ClipSource:
    """Opens a prepared set as the source `name` with these settings; it has the records that the source itself has.

    Raises:
        UserError: if the folder holds none, an unfinished one, or one of another source, kind or setting.
    """
    where = request.where
    if not (root / INDEX).is_file():
        raise UserError(f"{where}.root: {root} is no prepared set; write it with scripts/prepare_data.py")
    index = json.loads(read_file(str(root / INDEX)))
    if not index["complete"]:
        raise UserError(f"{where}.root: {root} is not complete; run scripts/prepare_data.py again, it resumes there")
    if (index["source"] not in (name, *adapter.former_names)) or index["kind"] != request.kind:
        raise UserError(f"{where}: {root} was prepared from '{index['source']}' as {index['kind']}; use it as that")
    if index["split"] not in (ALL, request.split):
        raise UserError(f"{where}.split: {root} was prepared for the split '{index['split']}' alone")
    for key, value in (defaults(adapter) | dict(settings)).items():
        if key in index["settings"] and index["settings"][key] != _as_read(value):
            raise UserError(f"{where}.{key}: {root} was prepared with {key}={index['settings'][key]!r}, not {value!r}")
    # What decided what was drawn does not choose among it once more.
    chosen = [key for key in SELECTION if key in settings and key not in index["settings"]]
    selection = Selection(**{key: settings[key] for key in chosen})
    found = [_record(entry) for entry in index["items"]]

    def own_split(_: Sequence[Record], __: Path, split: str) -> str | SplitFile | None:
        partition = index["own_splits"].get(split)
        return SplitFile(tuple(partition)) if isinstance(partition, list) else partition

    records, skipped = select(found, root, request, selection, own_split)
    rows = Rows(root, index["part_ends"])
    if index["clips"]:
        return PreparedClips(request.kind, records, skipped, rows, index["drawn"], index["may_cut"])
    return PreparedPictures(request.kind, records, skipped, rows, index["drawn"])


def _as_read(value: Any) -> Any:
    """A setting as JSON gives it back."""
    return list(value) if isinstance(value, tuple) else value


def _record(entry: Mapping[str, Any]) -> Record:
    picture = (entry["row"], entry["frames"], entry["container"]) if "row" in entry else entry["file"]
    return Record(entry["key"], picture, None, entry["category"], entry.get("problem"))


def _as_drawn(record: Record, row: Mapping[str, Any]) -> Record:
    return record._replace(key=row["key"].decode(), category=row["category"].decode() or None)
