"""Clips of people that are rendered in three dimensions, not read."""

from data_pipeline.sources.adapter import adapter
from data_pipeline.sources.base import ClipSource, Request


@adapter(
    "People rendered in three dimensions, with hands, hair, shadows and exact alpha",
    ("face",),
    generates=True,
    layout="nothing to download",
    origin="this project, on the mesh of MakeHuman/MPFB",
    licence="Apache-2.0; the mesh is CC0",
    example="hands=0.8, frames=24",
)
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
    glasses: bool = False,
    lenses: bool = False,
    samples: int = 2,
    veils: float = 0.06,
    blown: float = 0.1,
    backgrounds: str | None = None,
    surfaces: str | None = None,
) -> ClipSource:
    """Clips of people of `size` pixels (the clips' resolution where not given); see `data_pipeline.people.clip`."""
    from data_pipeline.people.clip import Options  # the renderer loads slowly
    from data_pipeline.people.source import People

    options = Options(
        hands, shadows, camera, hair, wear, beard, glasses, lenses, samples, veils, blown, backgrounds, surfaces
    )
    return People(size or request.resolution, request.split, max_items, frames, seed, options)
