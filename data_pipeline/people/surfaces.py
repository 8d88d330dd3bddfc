"""The surfaces of things and what lies behind people, in linear light: the one place that asks for them."""

import numpy as np

from data_pipeline import surfaces
from data_pipeline.people.colour import LINEAR_OF_BYTE, to_linear
from data_pipeline.people.geometry import Floats, floats
from data_pipeline.people.noise import fractal_noise


def plain_surface(rng: np.random.Generator, side: int, colour: Floats, grain: float = 0.05) -> Floats:
    """Returns albedo (side, side, 3) of one sRGB colour with a little grain."""
    noise = fractal_noise(rng, side, side, side / 4, 4)
    return np.asarray(to_linear(colour) * (1 + grain * noise[..., None]), np.float32)


def surface(rng: np.random.Generator, side: int, *kinds: str) -> Floats:
    """Returns albedo (side, side, 3) of one of these kinds of `data_pipeline.surfaces`, or of any."""
    kind = kinds[int(rng.integers(len(kinds)))] if kinds else None
    return floats(LINEAR_OF_BYTE[surfaces.surface(rng, side, kind)])


def background(rng: np.random.Generator, side: int) -> Floats:
    """Returns what lies behind a person: (side, side, 3)."""
    return floats(LINEAR_OF_BYTE[surfaces.background(rng, side, side)])
