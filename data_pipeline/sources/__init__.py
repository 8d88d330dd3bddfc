"""Where faces, occluders, textures, backgrounds and clips come from: `ADAPTERS` is the whole list.

A function of a module of this folder that is decorated with `adapter` is one.
"""

from importlib import import_module
from pkgutil import iter_modules

from data_pipeline.sources.adapter import registered
from data_pipeline.sources.opening import current_adapter, open_source, read_spec

__all__ = ["ADAPTERS", "current_adapter", "open_source", "read_spec"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

ADAPTERS = registered()
