"""Opening the source that a config's entry describes: `dict(name=, root=, weight=, include=, exclude=, split=, …)`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_pipeline.former_names import current_name
from data_pipeline.sources.adapter import SELECTION, Adapter, registered
from data_pipeline.sources.base import ClipSource, Request, Source
from data_pipeline.sources.folder import expectation
from data_pipeline.sources.prepared import open_prepared
from data_pipeline.sources.records import existing_folder
from data_pipeline.sources.select import Selection, select
from rvm_jax.errors import UserError


def open_source(spec: Mapping[str, Any], request: Request) -> Source | ClipSource:
    """Opens the source that `spec` describes: `name` is the adapter, the other keys are its settings.

    Every source on disk has the settings of `Selection`, and `prepared=True` for one that `scripts/prepare_data.py`
    wrote to `root`. Keys that are None count as not given; `weight` is the mixture's.

    Raises:
        UserError: if the adapter or a key is unknown, one is missing, or the adapter finds nothing.
    """
    name, adapter, settings = read_spec(spec, request)
    where = request.where
    if settings.pop("prepared", False):
        if "root" not in settings:
            raise UserError(f"{where}.root: a prepared source needs it; give the folder that prepare_data.py wrote")
        root = existing_folder(Path(settings.pop("root")), f"{where}.root")
        return open_prepared(root, name, adapter, request, settings)
    if adapter.generates:
        return adapter.generate(request, **settings)
    root = existing_folder(Path(settings.pop("root")), f"{where}.root")
    selection = Selection(**{key: settings.pop(key) for key in SELECTION if key in settings})
    found = list(adapter.find(root, request, **settings))
    if not found:
        more = expectation(request) if name == "folder" else f"its layout is {adapter.layout}"
        raise UserError(f"{where}.root: no pictures in {root}; {more}")
    records, skipped = select(found, root, request, selection, adapter.own_split)
    return adapter.source(request.kind, records, skipped)


def read_spec(spec: Mapping[str, Any], request: Request) -> tuple[str, Adapter, dict[str, Any]]:
    """Reads an entry: returns the adapter's name, the adapter, and its settings.

    Raises:
        UserError: if these are wrong.
    """
    where = request.where
    settings = {key: value for key, value in spec.items() if value is not None and key != "weight"}
    adapters = registered()
    name = current_adapter(settings.pop("name", None), f"{where}.name")
    if name not in adapters:
        raise UserError(f"{where}.name: no source '{name}'; known are {', '.join(adapters)}")
    adapter = adapters[name]
    if request.kind not in adapter.kinds:
        raise UserError(
            f"{where}.name: '{name}' is no source of kind {request.kind}, but of {', '.join(adapter.kinds)}"
        )
    known = [*adapter.settings, "prepared", *(("root", *SELECTION) if settings.get("prepared") else ())]
    for key in settings:
        if key not in known:
            raise UserError(f"{where}.{key}: '{name}' has no such setting; it has {', '.join(adapter.settings)}")
    needed = [key for key, parameter in adapter.own_settings.items() if parameter.default is parameter.empty]
    for key in ([] if adapter.generates else ["root"]) + needed:
        if key not in settings:
            raise UserError(f"{where}.{key}: '{name}' needs it; give it a value")
    return name, adapter, settings


def current_adapter(name: str, where: str) -> str:
    """Returns what an adapter is called now, whose name may be a former one, which the log then says."""
    adapters = registered()
    former = {old: new for new, adapter in adapters.items() for old in adapter.former_names}
    return current_name(name, adapters, former, where)
