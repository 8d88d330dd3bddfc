"""People and their hands that are rendered in three dimensions, not read."""

import inspect
from collections.abc import Sequence

from data_pipeline.sources.adapter import adapter
from data_pipeline.sources.base import ClipSource, Request, Source
from rvm_jax.errors import UserError

# Settings of one kind alone.
_OF_FACES = ("frames", "hands", "wear", "hair", "camera", "beard", "glasses", "lenses", "veils", "blown", "backgrounds")
_OF_OCCLUDERS = ("include", "exclude")


@adapter(
    "People rendered in three dimensions, with hands, hair, shadows and exact alpha; their hands and things, cut out",
    ("face", "occluder"),
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
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Source | ClipSource:
    """Clips of people, or hands and things as occluders, of `size` pixels (the clips' resolution where not given).

    See `data_pipeline.people.clip` for what the settings of clips mean, `data_pipeline.people.occluders` for those of
    occluders: `include` and `exclude` name categories of these; `size`, `max_items`, `seed`, `shadows`, `samples` and
    `surfaces` are of both.

    Raises:
        UserError: if a setting is out of its range, or of the other kind.
    """
    given = dict(locals())
    _check_kind(request, given)
    if request.kind == "occluder":
        from data_pipeline.people.occluders import PeopleOccluders  # the renderer loads slowly

        side = size or request.resolution
        return PeopleOccluders(
            side, request.split, max_items, include, exclude, seed, shadows=shadows, samples=samples, surfaces=surfaces
        )
    from data_pipeline.people.clip import Options
    from data_pipeline.people.source import People

    options = Options(
        hands, shadows, camera, hair, wear, beard, glasses, lenses, samples, veils, blown, backgrounds, surfaces
    )
    return People(size or request.resolution, request.split, max_items, frames, seed, options)


def _check_kind(request: Request, given: dict[str, object]) -> None:
    """Refuses settings that would be passed over without a word."""
    others, kind = (_OF_FACES, "faces") if request.kind == "occluder" else (_OF_OCCLUDERS, "occluders")
    usual = inspect.signature(people).parameters
    for name in others:
        if given[name] != usual[name].default:
            raise UserError(f"{request.where}.{name}: is a setting of people as {kind}; leave it out here")
