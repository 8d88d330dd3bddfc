"""What an adapter is: how a dataset is found on disk, read, partitioned, and under which licence it comes."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from data_pipeline.sources.base import ClipSource, Kind, Source
from data_pipeline.sources.records import Pictures
from data_pipeline.sources.select import OwnSplit, Selection

SELECTION = tuple(field.name for field in fields(Selection))


@dataclass(frozen=True)
class Adapter:
    """One dataset, or one layout.

    Attributes:
        title: what the dataset is called.
        kinds: what it can be used as.
        find: from (root, request, its own settings) to all records on disk; None where nothing is read.
        source: from (kind, records, skipped) to a source of them.
        own_split: the dataset's own partition, where it has one.
        generate: from (request, its own settings) to a source, in place of `find`.
        layout: what the root holds, for people.
        origin, licence: where it comes from, and what its owners allow.
        example: settings that a config would usually give, beside name and root, as they are written there.
    """

    title: str
    kinds: tuple[Kind, ...]
    find: Callable[..., Iterable[Any]] | None = None
    source: Callable[..., Source | ClipSource] = Pictures
    own_split: OwnSplit | None = None
    generate: Callable[..., Source | ClipSource] | None = None
    layout: str = ""
    origin: str = ""
    licence: str = ""
    example: str = ""

    @property
    def own_settings(self) -> Mapping[str, inspect.Parameter]:
        """The settings that this adapter alone has, by name."""
        function = self.generate or self.find
        assert function is not None
        parameters = inspect.signature(function).parameters
        return {name: p for name, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}

    @property
    def settings(self) -> list[str]:
        """All settings, those of every source on disk among them."""
        shared = () if self.generate else ("root", *SELECTION)
        return [*shared, *(name for name in self.own_settings if name not in shared)]


def defaults(adapter: Adapter) -> dict[str, Any]:
    """The values of an adapter's own settings where a config gives none."""
    return {name: p.default for name, p in adapter.own_settings.items() if p.default is not p.empty}
