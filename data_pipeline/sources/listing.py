"""Lists of sources: those of a config's `data` section, and all that there are, as a table."""

from collections.abc import Iterator, Mapping
from typing import Any

from data_pipeline.sources.adapter import Adapter
from data_pipeline.sources.base import Kind, Request

SECTIONS: Mapping[str, Kind] = {
    "faces": "face",
    "occluders": "occluder",
    "textures": "texture",
    "foregrounds": "foreground",
    "backgrounds": "background",
    "segmentation": "segmentation",
}


def list_sources(data: Mapping[str, Any], split: str) -> Iterator[tuple[str, Mapping[str, Any], Request]]:
    """Yields (label, spec, request) of each source of a `data` section, but those of weight 0.

    The label is `<section>.<name>`; `data` is a plain mapping, of one split.
    """
    for section, kind in SECTIONS.items():
        for name, spec in (data.get(section) or {}).items():
            if spec.get("weight", 1) > 0:
                yield f"{section}.{name}", spec, Request(kind, split, data["resolution"], f"data.{section}.{name}")


def source_roots(data: Mapping[str, Any]) -> list[str]:
    """Returns the folders that the sources of a `data` section are read from, in all its sections and splits.

    Those of the pictures that drawn things are covered with are among them.
    """
    roots = []
    for name, value in data.items():
        if isinstance(value, Mapping):
            roots += source_roots(value)
        elif name in ("root", "pictures") and isinstance(value, str) and value:
            roots.append(str(value))
    return roots


def table(adapters: Mapping[str, Adapter]) -> str:
    """Returns all adapters as a Markdown table, for docs/data.md."""
    columns = ("name", "dataset", "used as", "layout of `root`", "where from", "licence")
    rows = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for name, adapter in adapters.items():
        layout = f"`{adapter.layout}`" if not adapter.generates else adapter.layout
        cells = (f"`{name}`", adapter.title, ", ".join(adapter.kinds), layout, adapter.origin, adapter.licence)
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def config_lines(adapters: Mapping[str, Adapter]) -> str:
    """Returns a config's entry for each adapter, as it is usually given, for docs/data.md."""
    lines = []
    for name, adapter in adapters.items():
        needs_root = not adapter.generates or "prepared" in adapter.example
        root = f'root="datasets/{name}"' if needs_root else ""
        settings = filter(None, (f'name="{name}"', root, adapter.example))
        lines.append(f"dict({', '.join(settings)})")
    return "\n".join(lines)
