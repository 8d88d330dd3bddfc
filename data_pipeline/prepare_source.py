"""Preparing a source of a config, or the clips of a whole config; see `prepare.py` for what is written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data_pipeline.prepare import write
from data_pipeline.prepare_rows import Item
from data_pipeline.sources import ADAPTERS, open_source, read_spec
from data_pipeline.sources.adapter import SELECTION, defaults
from data_pipeline.sources.base import ClipSource, ContainerSource, Request
from data_pipeline.sources.records import Record, existing_folder
from data_pipeline.sources.select import ALL, Selection, own_partition, select
from data_pipeline.sources.split import SPLITS, SplitFile
from data_pipeline.synthesis import SynthesizedClips
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes


def prepare_source(output: Path, spec: Mapping[str, Any], request: Request, split: str, **options: Any) -> int:
    """Writes the source that a config's entry describes; returns how many rows were written.

    Args:
        output: the folder of the prepared set; the entry reads it with `root=<output>, prepared=True`.
        spec: the entry.
        request: its `kind` and `where` count, and its resolution for a source that is drawn.
        split: "all", for a set from which each split takes its part as from the folder; or one split, for its part
            alone (with `max_items`, that is needed: a subset is one of a split).
        options: see `prepare.write`.
    """
    if spec.get("prepared"):
        raise UserError(f"{request.where}.prepared: this source is prepared already; give the original")
    name, adapter, settings = read_spec(spec, request)
    description: dict[str, Any] = {"source": name, "kind": request.kind, "split": split, "licence": adapter.licence}
    own = defaults(adapter) | {key: value for key, value in settings.items() if key in adapter.own_settings}
    # Of what is drawn, all but the number decides what is drawn; of a dataset, what is taken of it is not written down.
    apart = ("max_items",) if adapter.generates else SELECTION
    description["settings"] = {key: value for key, value in own.items() if key not in apart}
    if adapter.generates:
        if split == ALL:
            raise UserError(f"{request.where}: '{name}' draws other items for each split; give --split")
        source = open_source(spec, request._replace(split=split))
        return _write_drawn(output, source, description, **options)
    if split == ALL and "max_items" in settings:
        raise UserError(f"{request.where}.max_items: a subset is one of a split; give --split, or no max_items")

    root = existing_folder(Path(settings["root"]), f"{request.where}.root")
    asked = {key: value for key, value in settings.items() if key in SELECTION}
    selection = Selection(**asked | {"split": ALL}) if split == ALL else Selection(**asked)
    request = request if split == ALL else request._replace(split=split)
    found = list(adapter.find(root, request, **{key: settings[key] for key in adapter.own_settings if key in settings}))
    if not found:
        raise UserError(f"{request.where}.root: no pictures in {root}; its layout is {adapter.layout}")
    records, _ = select(found, root, request, selection, adapter.own_split)
    problems = [record for record in found if record.problem] if split == ALL else []
    partitions = {part: own_partition(found, root, part, adapter.own_split) for part in SPLITS}
    description |= {
        "drawn": False,
        "own_splits": {part: list(p.names) if isinstance(p, SplitFile) else p for part, p in partitions.items()},
    }

    def entries(items: Sequence[Item]) -> list[dict[str, Any]]:
        usable = [_entry(record, item) for record, item in zip(records, items, strict=True)]
        left_out = [
            {"key": r.key, "category": r.category, "file": str(r.picture), "problem": r.problem} for r in problems
        ]
        return usable + left_out

    source = adapter.source(request.kind, records, {})
    description |= {"clips": isinstance(source, ClipSource), "may_cut": isinstance(source, ContainerSource)}
    written = write(output, source, description, entries=entries, **options)
    _copy_lists(settings.get("split"), root, output)
    return written


def prepare_synthesis(
    output: Path, data: Mapping[str, Any], *, split: str, seed: int | None, num_clips: int, **options: Any
) -> int:
    """Writes the first clips of a config's stream; a config reads them as faces of the source `synthesized`."""
    source = SynthesizedClips(data, split, seed, num_clips)
    description = {
        "source": "synthesized",
        "kind": "face",
        "split": ALL,
        "licence": ADAPTERS["synthesized"].licence,
        "settings": {},
        "stream": {"data": {key: value for key, value in data.items() if key != "workers"}, "split": split},
    }
    return _write_drawn(output, source, description | {"seed": seed}, **options)


def _write_drawn(output: Path, source: Any, description: dict[str, Any], **options: Any) -> int:
    def entries(items: Sequence[Item]) -> list[dict[str, Any]]:
        return [_entry(Record(f"{item.position:08d}", ""), item) for item in items]

    description |= {"drawn": True, "own_splits": {}, "clips": isinstance(source, ClipSource), "may_cut": False}
    return write(output, source, description, entries=entries, **options)


def _entry(record: Record, item: Item) -> dict[str, Any]:
    return {
        "key": record.key,
        "category": record.category,
        "row": item.row,
        "frames": item.frames,
        "container": item.container,
    }


def _copy_lists(split: str | Mapping[str, str] | None, root: Path, output: Path) -> None:
    """Brings along the list files that the split names relative to the root, so that they are found there, too."""
    for name in split.values() if isinstance(split, Mapping) else (split,):
        if name and (root / name).is_file() and not Path(name).is_absolute():
            write_bytes(output / name, (root / name).read_bytes())
