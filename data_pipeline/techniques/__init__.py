"""The occlusion techniques, by name: each makes a clip of a face, occluders and a random generator.

A module of this folder that has a `TECHNIQUE` is one.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from data_pipeline.techniques.technique import Synthesizer, Technique, with_options
from rvm_jax.errors import UserError

__all__ = ["TECHNIQUES", "Synthesizer", "Technique", "find_techniques", "open_technique"]


def find_techniques(folders: Iterable[str], package: str) -> dict[str, Technique[Any]]:
    """Returns the techniques of a package's modules, by the modules' names, sorted.

    Args:
        folders: where the package lies, its `__path__`.
        package: its name.
    """
    modules = {found.name: import_module(f"{package}.{found.name}") for found in iter_modules(folders)}
    return {name: module.TECHNIQUE for name, module in sorted(modules.items()) if hasattr(module, "TECHNIQUE")}


TECHNIQUES = find_techniques(__path__, __name__)


def open_technique(
    spec: Mapping[str, Any], where: str, *, resolution: int, seq_length: int, trimap: bool
) -> Synthesizer:
    """Reads a technique's settings: `name`, `preset` and options of the preset to override.

    Args:
        spec: the settings; `weight` is the mixture's, and None counts as not given.
        where: their key, for messages.
        resolution: the side of the frames.
        seq_length: how many frames a clip has.
        trimap: whether clips have one.

    Raises:
        UserError: naming the key, if a name, a preset, an option or its value is not known.
    """
    settings = {key: value for key, value in spec.items() if value is not None and key != "weight"}
    name = settings.pop("name", None)
    if name not in TECHNIQUES:
        raise UserError(f"{where}.name: no technique '{name}'; known are {', '.join(TECHNIQUES)}")
    shared = {"resolution": resolution, "seq_length": seq_length, "trimap": trimap}
    for key in shared.keys() & settings.keys():
        raise UserError(f"{where}.{key}: it is the same for all techniques; set data.{key}")
    return Synthesizer(TECHNIQUES[name], with_options(TECHNIQUES[name], name, settings | shared, where))
