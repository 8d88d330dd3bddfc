"""What things are made of: textures that count as objects."""

import numpy as np

from data_pipeline.people.atlas import Texture, texture
from data_pipeline.people.geometry import Floats
from data_pipeline.people.regions import Region
from data_pipeline.people.surfaces import plain_surface, surface


def any_surface(rng: np.random.Generator, *kinds: str) -> Texture:
    """Draws one of these surfaces, often enough any at all: things are of every kind, some have skin's colours."""
    chosen = kinds if rng.random() < 0.7 else ()
    return texture(surface(rng, 128, *chosen), Region.OBJECT, gloss=float(rng.uniform(0.05, 0.9)))


def coloured(rng: np.random.Generator, colour: Floats, gloss: float, grain: float = 0.05) -> Texture:
    """Makes a surface of one sRGB colour with a little grain."""
    return texture(plain_surface(rng, 48, colour, grain), Region.OBJECT, gloss=gloss)
