"""Sources that are made, not read: the embedded one, and clips that were synthesised before the training."""

from collections.abc import Sequence
from typing import Literal

from data_pipeline.sources.base import ClipSource, Request, Source
from rvm_jax.errors import UserError


def procedural(
    request: Request,
    *,
    size: int | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    max_items: int = 10_000,
    seed: int = 0,
    surfaces: float = 0.0,
    pictures: str | None = None,
) -> Source:
    """Rendered heads and occluders of `size` pixels (the clips' resolution where not given).

    `surfaces` is the share in [0, 1] of occluders, clothes and backgrounds with surfaces and scenes like photographs,
    half of them from a folder of `pictures` where it is given; above 0 there are occluders of the category `object`.
    """
    from data_pipeline.drawn import ProceduralFaces, ProceduralOccluders  # the renderer loads slowly

    size = size or request.resolution
    if request.kind == "occluder":
        return ProceduralOccluders(size, request.split, max_items, seed, include, exclude, surfaces, pictures)
    return ProceduralFaces(size, request.split, max_items, seed, surfaces, pictures)


def people(
    request: Request,
    *,
    size: int | None = None,
    frames: int = 16,
    max_items: int = 2000,
    seed: int = 0,
    hands: float = 0.6,
    wear: bool = True,
    hair: bool = True,
    shadows: bool = True,
    camera: bool = True,
    beard: bool = True,
    samples: int = 2,
) -> ClipSource:
    """Clips of people rendered in three dimensions, of `size` pixels (the clips' resolution where not given)."""
    from data_pipeline.people.clip import Options  # the renderer loads slowly
    from data_pipeline.people.source import People

    options = Options(hands, shadows, camera, hair, wear, beard, samples)
    return People(size or request.resolution, request.split, max_items, frames, seed, options)


def surfaces(
    request: Request,
    *,
    size: int | None = None,
    max_items: int = 10_000,
    seed: int = 0,
    pictures: str | None = None,
) -> Source:
    """Drawn surfaces as textures, or scenes as backgrounds, of `size` pixels; half of them parts of `pictures`."""
    from data_pipeline.surfaces.source import Surfaces  # loads slowly

    kind: Literal["texture", "background"] = "texture" if request.kind == "texture" else "background"
    return Surfaces(kind, size or request.resolution, request.split, max_items, seed, pictures)


def synthesized(request: Request) -> Source:
    """Clips of a whole config, with the visible face as their alpha; they exist as a prepared set alone."""
    raise UserError(
        f"{request.where}.prepared: synthesised clips are read from a prepared set; write one with "
        "scripts/prepare_data.py --config=… --synthesize=…, and set prepared=True"
    )
