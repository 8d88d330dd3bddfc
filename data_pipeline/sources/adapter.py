"""What an adapter is: how a dataset is found on disk, read, partitioned, and under which licence it comes."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from data_pipeline.sources.base import ClipSource, Kind, Source
from data_pipeline.sources.records import Pictures, Record
from data_pipeline.sources.select import OwnSplit, Selection

SELECTION = tuple(field.name for field in fields(Selection))
_REGISTERED: "dict[str, Adapter]" = {}


@dataclass(frozen=True)
class Adapter:
    """One dataset, or one layout.

    Attributes:
        title: what the dataset is called.
        kinds: what it can be used as.
        function: from (root, request, its own settings) to all records on disk, or, if it `generates`, from (request,
            its own settings) to a source. Its own settings are its keyword-only parameters.
        source: from (kind, records, skipped) to a source of them.
        own_split: the dataset's own partition, where it has one.
        generates: whether nothing is read.
        layout: what the root holds, for people.
        origin: where it comes from.
        licence: what its owners allow.
        faults: what is known to be wrong with it, for people.
        example: settings that a config would usually give, beside name and root, as they are written there.
        former_names: those that configs of earlier versions use.
    """

    title: str
    kinds: tuple[Kind, ...]
    function: Callable[..., Any]
    source: Callable[..., Source | ClipSource] = Pictures
    own_split: OwnSplit | None = None
    generates: bool = False
    layout: str = ""
    origin: str = ""
    licence: str = ""
    faults: str = ""
    example: str = ""
    former_names: tuple[str, ...] = ()

    def find(self, *arguments: Any, **settings: Any) -> Iterable[Record]:
        """Finds the records on disk, of an adapter that generates nothing."""
        records: Iterable[Record] = self.function(*arguments, **settings)
        return records

    def generate(self, *arguments: Any, **settings: Any) -> Source | ClipSource:
        """Makes the source, of an adapter that generates it."""
        source: Source | ClipSource = self.function(*arguments, **settings)
        return source

    @property
    def own_settings(self) -> Mapping[str, inspect.Parameter]:
        """The settings that this adapter alone has, by name."""
        parameters = inspect.signature(self.function).parameters
        return {name: p for name, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}

    @property
    def settings(self) -> list[str]:
        """All settings, those of every source on disk among them."""
        shared = () if self.generates else ("root", *SELECTION)
        return [*shared, *(name for name in self.own_settings if name not in shared)]


_Function = TypeVar("_Function", bound=Callable[..., Any])


def adapter(title: str, kinds: tuple[Kind, ...], **about: Any) -> Callable[[_Function], _Function]:
    """Makes a function of a module of this folder an adapter, by the function's name; see `Adapter`.

    Raises:
        ValueError: if there is an adapter of that name.
    """

    def register(function: _Function) -> _Function:
        name = function.__name__
        if name in _REGISTERED:
            raise ValueError(f"two adapters are called '{name}'; rename one of the functions")
        _REGISTERED[name] = Adapter(title, kinds, function, **about)
        return function

    return register


def unregister(name: str) -> None:
    """Takes an adapter out again, if there is one of that name."""
    _REGISTERED.pop(name, None)


def registered() -> dict[str, Adapter]:
    """Returns the adapters of all modules imported so far, sorted by name."""
    return dict(sorted(_REGISTERED.items()))


def defaults(adapter: Adapter) -> dict[str, Any]:
    """Returns the values of an adapter's own settings where a config gives none."""
    return {name: p.default for name, p in adapter.own_settings.items() if p.default is not p.empty}
