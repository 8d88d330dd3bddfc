"""Whether a benchmark's sources share pictures with those of a training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_pipeline.sources import ADAPTERS, current_adapter, open_source
from data_pipeline.sources.listing import list_sources
from data_pipeline.sources.select import EmptySelectionError

_SECTIONS = ("faces", "foregrounds", "occluders", "textures")


def shared_pictures(
    benchmark: Mapping[str, Any], split: str, training: Mapping[str, Any]
) -> dict[str, tuple[int, list[str]]]:
    """Returns, by source of the benchmark, how many of its pictures the training also sees, and the first few.

    Pictures are told apart by the dataset's folder and their names in it (of sources that make their pictures by
    seed, split and number): copies under other names are not found.

    Args:
      benchmark: a `data` section, a plain mapping.
      split: the benchmark's split of its sources; the training's is "train".
      training: another `data` section.
    """
    seen: dict[tuple[str, str], set[str]] = {}
    for identity, keys in _keys(training, "train").values():
        seen[identity] = seen.get(identity, set()) | keys
    shared = {}
    for label, (identity, keys) in _keys(benchmark, split).items():
        common = sorted(keys & seen.get(identity, set()))
        if common:
            shared[label] = (len(common), common[:5])
    return shared


def _keys(data: Mapping[str, Any], split: str) -> dict[str, tuple[tuple[str, str], set[str]]]:
    """Returns, by label, which dataset a source reads (adapter and folder), and the names of its pictures."""
    found = {}
    for label, spec, request in list_sources(data, split):
        if label.partition(".")[0] not in _SECTIONS:
            continue
        name = current_adapter(spec["name"], f"{label}.name")
        if ADAPTERS[name].generates:
            identity = (f"{name} {request.kind}", str(spec.get("seed") or 0))
            keys = {f"{split}/{index:06d}" for index in range(spec.get("max_items") or 10_000)}
        else:
            identity = (name, str(Path(spec["root"]).resolve()))
            try:
                source: Any = open_source(spec, request)
            except EmptySelectionError:  # a set that is measured on alone has no training pictures
                continue
            keys = {record.key for record in source.records}
        found[label] = identity, keys
    return found
