"""The surfaces of things and what lies behind people, in linear light: the one place that asks for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import numpy as np

from data_pipeline import surfaces
from data_pipeline.people.colour import linear_of, to_linear
from data_pipeline.people.geometry import Floats, floats
from data_pipeline.people.noise import fractal_noise
from data_pipeline.surfaces.scenes import defocused

_FROM_FOLDER = 0.5  # of the surfaces, where there is a folder
_DEFOCUSED = 0.5  # of the photographs behind people
_folder: ContextVar[str | None] = ContextVar("folder of surfaces", default=None)


@contextmanager
def pictures_from(folder: str | None) -> Iterator[None]:
    """Within it, half of what `surface` returns is cut from the pictures of a folder, if one is given."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


@lru_cache(maxsize=4)
def picture_folder(root: str, where: str) -> surfaces.PictureFolder:
    """Returns a folder of pictures, listed once a process; `where` is its setting, for messages."""
    return surfaces.PictureFolder(root, where)


def plain_surface(rng: np.random.Generator, side: int, colour: Floats, grain: float = 0.05) -> Floats:
    """Returns albedo (side, side, 3) of one sRGB colour with a little grain."""
    noise = fractal_noise(rng, side, side, side / 4, 4)
    return np.asarray(to_linear(colour) * (1 + grain * noise[..., None]), np.float32)


def surface(rng: np.random.Generator, side: int, *kinds: str) -> Floats:
    """Returns albedo (side, side, 3) of one of these kinds of `data_pipeline.surfaces`, or of any."""
    folder = _folder.get()
    if folder is not None and rng.random() < _FROM_FOLDER:
        return linear_of(picture_folder(folder, "surfaces").crop(rng, side, side))
    kind = kinds[int(rng.integers(len(kinds)))] if kinds else None
    return linear_of(surfaces.surface(rng, side, kind))


def background(rng: np.random.Generator, side: int, folder: str | None = None) -> Floats:
    """Returns what lies behind a person: (side, side, 3), drawn, or a part of a picture of a folder."""
    if folder is None:
        return linear_of(surfaces.background(rng, side, side))
    picture: Floats = floats(picture_folder(folder, "backgrounds").crop(rng, side, side)) / np.float32(255)
    if rng.random() < _DEFOCUSED:
        picture = floats(defocused(picture, side * float(rng.uniform(0.003, 0.03))))
    return to_linear(np.clip(picture, 0, 1))
