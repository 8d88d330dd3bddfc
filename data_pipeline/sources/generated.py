"""Sources that are made, not read: the embedded one, and clips that were synthesised before the training."""

from collections.abc import Sequence
from typing import Literal

from data_pipeline.sources.adapter import adapter
from data_pipeline.sources.base import Request, Source
from rvm_jax.errors import UserError


@adapter(
    "Rendered heads and occluders with exact alpha",
    ("face", "occluder"),
    generates=True,
    layout="nothing to download",
    origin="this project",
    licence="Apache-2.0",
    example='include=["hand", "mug"], surfaces=0.7',
    former_names=("procedural",),
)
def drawn(
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
    """Renders heads and occluders of `size` pixels (the clips' resolution where not given).

    `surfaces` is the share in [0, 1] of occluders, clothes and backgrounds with surfaces and scenes like photographs,
    half of them from a folder of `pictures` where it is given; above 0 there are occluders of the category `object`.
    """
    from data_pipeline.drawn import ProceduralFaces, ProceduralOccluders  # the renderer loads slowly

    size = size or request.resolution
    if request.kind == "occluder":
        return ProceduralOccluders(size, request.split, max_items, include, exclude, seed, surfaces, pictures)
    return ProceduralFaces(size, request.split, max_items, seed, surfaces, pictures)


@adapter(
    "Drawn surfaces (wood, cloth, food, fur, print …) and scenes, with the statistics of photographs",
    ("texture", "background"),
    generates=True,
    layout="nothing to download",
    origin="this project",
    licence="Apache-2.0",
)
def surfaces(
    request: Request,
    *,
    size: int | None = None,
    max_items: int = 10_000,
    seed: int = 0,
    pictures: str | None = None,
) -> Source:
    """Draws surfaces as textures, or scenes as backgrounds, of `size` pixels; half of them parts of `pictures`."""
    from data_pipeline.surfaces.source import Surfaces  # loads slowly

    kind: Literal["texture", "background"] = "texture" if request.kind == "texture" else "background"
    return Surfaces(kind, size or request.resolution, request.split, max_items, seed, pictures)


@adapter(
    "Clips of a config, synthesised offline",
    ("face",),
    generates=True,
    layout="a prepared set of scripts/prepare_data.py --synthesize",
    origin="this project, from the sources of the config",
    licence="those of the sources",
    example="prepared=True",
)
def synthesized(request: Request) -> Source:
    """Clips of a whole config, with the visible face as their alpha; they exist as a prepared set alone."""
    raise UserError(
        f"{request.where}.prepared: synthesised clips are read from a prepared set; write one with "
        "scripts/prepare_data.py --config=… --synthesize=…, and set prepared=True"
    )
