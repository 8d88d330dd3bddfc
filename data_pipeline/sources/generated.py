"""Sources that are made, not read: the embedded one, and clips that were synthesised before the training."""

from collections.abc import Sequence

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
    example='include=["hand", "mug"]',
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
) -> Source:
    """Rendered heads and occluders of `size` pixels (the clips' resolution where not given)."""
    from data_pipeline.drawn import ProceduralFaces, ProceduralOccluders  # the renderer loads slowly

    size = size or request.resolution
    if request.kind == "occluder":
        return ProceduralOccluders(size, request.split, max_items, seed, include=include, exclude=exclude)
    return ProceduralFaces(size, request.split, max_items, seed)


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
