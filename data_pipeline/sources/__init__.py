"""Where faces, occluders and textures come from. `ADAPTERS` is the whole list; `open_source` reads a config's entry."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from data_pipeline.sources.base import Request, Source
from data_pipeline.sources.folder import folder
from rvm_jax.errors import UserError


def procedural(
    request: Request,
    *,
    size: int | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    max_items: int = 10_000,
    seed: int = 0,
) -> Source:
    """Rendered heads and occluders of `size` pixels (the clips' resolution where not given); nothing is read."""
    from data_pipeline.sources.procedural import ProceduralFaces, ProceduralOccluders  # the renderer loads slowly

    size = size or request.resolution
    if request.kind == "occluder":
        return ProceduralOccluders(size, request.split, max_items, seed, include=include, exclude=exclude)
    if request.kind == "texture":
        raise UserError(f"{request.where}.name: there are no procedural textures; give a folder")
    return ProceduralFaces(size, request.split, max_items, seed)


ADAPTERS: dict[str, Callable[..., Source]] = {
    "folder": folder,
    "procedural": procedural,
}


def open_source(spec: Mapping[str, Any], request: Request) -> Source:
    """Opens the source that `spec` describes: `name` is the adapter, the other keys are the adapter's arguments.

    Keys that are None count as not given; `weight` is the mixture's.

    Raises:
        UserError: where the adapter or a key is unknown, one is missing, or the adapter finds nothing.
    """
    settings = {key: value for key, value in spec.items() if value is not None and key != "weight"}
    if settings.pop("prepared", False):
        raise UserError(f"{request.where}.prepared: prepared sets are not read yet; use prepared=False")
    name = settings.pop("name", None)
    if name not in ADAPTERS:
        raise UserError(f"{request.where}.name: no source '{name}'; known are {', '.join(ADAPTERS)}")
    parameters = list(inspect.signature(ADAPTERS[name]).parameters.values())[1:]
    known = [parameter.name for parameter in parameters]
    for key in settings:
        if key not in known:
            raise UserError(f"{request.where}.{key}: '{name}' has no such setting; it has {', '.join(known)}")
    for parameter in parameters:
        if parameter.default is parameter.empty and parameter.name not in settings:
            raise UserError(f"{request.where}.{parameter.name}: '{name}' needs it; give it a value")
    return ADAPTERS[name](request, **settings)
