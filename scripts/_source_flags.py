"""The flags by which a script takes its sources: those of a config, or one that is described by flags alone."""

from collections.abc import Mapping
from typing import Any

from absl import flags
from ml_collections import config_flags

from scripts._literals import literal

CONFIG = config_flags.DEFINE_config_file("config", None, "A recipe, all of whose sources are taken.", lock_config=True)
SPLIT = flags.DEFINE_enum("split", None, ["train", "valid", "test", "all"], "The split to take; see the script.")
_NAME = flags.DEFINE_string("name", None, "In place of a config: one source, by its adapter (docs/data.md).")
_KIND = flags.DEFINE_string("kind", None, "What that source is used as: face, occluder, …; its first where not given.")
_ROOT = flags.DEFINE_string("root", None, "Its folder.")
_INCLUDE = flags.DEFINE_list("include", None, "Categories to take, names or patterns.")
_EXCLUDE = flags.DEFINE_list("exclude", None, "Categories to leave.")
_LIST = flags.DEFINE_string("partition", None, "Its split setting: a list file, a folder, hash:0.8/0.1/0.1 or all.")
_MAX_ITEMS = flags.DEFINE_integer("max_items", None, "The size of a subset.")
_PREPARED = flags.DEFINE_bool("prepared", None, "Whether the folder is a prepared set.")
_OPTIONS = flags.DEFINE_multi_string("option", [], "Any other setting of the adapter, --option=glasses=keep.")
_RESOLUTION = flags.DEFINE_integer("resolution", 512, "The side of what is drawn, for sources that draw.")


def sources(split: str) -> list[tuple[str, Mapping[str, Any], Any]]:
    """Returns the sources asked for, as (label, spec, request); raises UserError if flags give none or both."""
    from data_pipeline.pipeline import section_of
    from data_pipeline.sources import ADAPTERS, current_adapter
    from data_pipeline.sources.base import Request
    from data_pipeline.sources.listing import list_sources
    from rvm_jax.errors import UserError

    name = _NAME.value
    if (CONFIG.value is None) == (name is None):
        raise UserError("give either --config, for all its sources, or --name and --root, for one")
    if name is None:
        return list(list_sources(section_of(CONFIG.value.data, split), split))
    name = current_adapter(name, "--name")
    if name not in ADAPTERS:
        raise UserError(f"--name: no source '{name}'; known are {', '.join(ADAPTERS)}")
    kind: Any = _KIND.value or ADAPTERS[name].kinds[0]
    spec: dict[str, Any] = {
        "name": name,
        "root": _ROOT.value,
        "include": _INCLUDE.value,
        "exclude": _EXCLUDE.value,
        "split": _LIST.value,
        "max_items": _MAX_ITEMS.value,
        "prepared": _PREPARED.value,
    }
    for option in _OPTIONS.value:
        key, _, value = option.partition("=")
        spec[key] = literal(value)
    return [(name, spec, Request(kind, split, _RESOLUTION.value, f"--name={name}"))]
