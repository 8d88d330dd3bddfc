"""Writes a source into ArrayRecord files, by TFDS without TensorFlow; `sources/prepared.py` reads them.

The rows keep the source's order. They come in parts, each complete or absent: a run that was interrupted resumes.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data_pipeline.prepare_part import Part, PartWriter, write_part
from data_pipeline.prepare_rows import Item, plan
from data_pipeline.sources.base import ClipSource, Source
from data_pipeline.sources.prepared import INDEX
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes


def write(
    root: Path,
    source: Source | ClipSource,
    description: Mapping[str, Any],
    *,
    entries: Callable[[Sequence[Item]], list[dict[str, Any]]],
    size: int | None = None,
    part_size: int = 2000,
    beam_options: Sequence[str] | None = None,
    write_part: PartWriter = write_part,
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
        write_part: writes a part that is not there yet.

    Raises:
        UserError: if the folder holds a set of other settings, or records have changed since.
    """
    items = plan(source, size)
    parts = _parts(items, part_size)
    ends = [part[-1].row + part[-1].rows for part in parts]
    index = dict(description) | {"size": size, "part_ends": ends, "items": entries(items), "complete": False}
    _check_index(root, index)
    written = 0
    with tqdm(total=ends[-1], desc="rows", unit="rows") as progress:
        for number, of_part in enumerate(parts):
            part = Part(root, number, of_part, source, size, description, beam_options)
            if not part.is_complete:
                write_part(part, progress.update)
                written += part.rows
            progress.n = ends[number]
            progress.refresh()
    write_bytes(root / INDEX, json.dumps(index | {"complete": True}).encode())
    return written


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
