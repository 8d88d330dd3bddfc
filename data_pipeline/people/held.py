"""What hands hold, in hand coordinates: meshes turned on a lathe or made of boxes."""

from collections.abc import Callable

import numpy as np

from data_pipeline.people.atlas import texture
from data_pipeline.people.colour import muted_colour, to_linear
from data_pipeline.people.geometry import rotation_y, vector
from data_pipeline.people.hands import Hand
from data_pipeline.people.regions import Region
from data_pipeline.people.surfaces import plain_surface, printed_surface
from data_pipeline.people.things import Part, Thing, box, lathe, moved

Maker = Callable[[np.random.Generator, Hand], Thing]


def cup(rng: np.random.Generator, hand: Hand) -> Thing:
    """A mug or a paper cup in a closed hand, upright when the palm faces the drinker."""
    radius, height = float(rng.uniform(0.34, 0.42)), float(rng.uniform(0.9, 1.3))
    bottom = float(rng.uniform(0.75, 1.0)) * radius
    surface = texture(printed_surface(rng, 128), Region.OBJECT, gloss=float(rng.uniform(0.2, 0.9)))
    wall = 0.03
    body = lathe(
        [
            (-height / 2, 0.0),
            (-height / 2, bottom - 0.03),
            (-height / 2 + 0.03, bottom),
            (height / 2, radius),
            (height / 2, radius - wall),
            (-height / 2 + 0.08, bottom - wall),
            (-height / 2 + 0.08, 0.0),
        ],
        surface,
    )
    return Thing("cup", (_gripped(body, hand, radius),), "hand")


def microphone(rng: np.random.Generator, hand: Hand) -> Thing:
    """A microphone with a round head."""
    dark = rng.random() < 0.7
    metal = muted_colour(rng, 0.03, 0.15, 0.2) if dark else muted_colour(rng, 0.4, 0.8, 0.2)
    shaft = texture(plain_surface(rng, 48, metal), Region.OBJECT, gloss=0.7)
    grid = plain_surface(rng, 64, muted_colour(rng, 0.15, 0.6, 0.1))
    grid[::4] *= 0.45
    grid[:, ::4] *= 0.45
    ball = float(rng.uniform(0.22, 0.30))
    top = 0.95
    parts = (
        lathe([(-1.0, 0.0), (-1.0, 0.10), (top - ball, 0.15), (top - ball * 0.9, 0.17)], shaft),
        lathe(
            [(top + ball * np.sin(a), ball * np.cos(a)) for a in np.linspace(-0.9, np.pi / 2, 9)],
            texture(grid, Region.OBJECT, gloss=0.5),
        ),
    )
    return Thing("microphone", tuple(_gripped(part, hand, 0.15, shift=0.35) for part in parts), "hand")


def phone(rng: np.random.Generator, hand: Hand) -> Thing:
    """A phone whose back is seen, flat in the palm."""
    size = (float(rng.uniform(1.35, 1.65)), 0.09, float(rng.uniform(0.68, 0.80)))
    colour = plain_surface(rng, 128, muted_colour(rng, 0.03, 0.7, 0.4), 0.02)
    if rng.random() < 0.35:
        colour = printed_surface(rng, 128)
    colour[8:34, 88:118] = to_linear(muted_colour(rng, 0.02, 0.12, 0.1))  # cameras
    for y in (14, 26):
        colour[y - 4 : y + 4, 94:102] = 0.01
        colour[y - 1 : y + 1, 97:99] = 0.4
    part = box(size, texture(colour, Region.OBJECT, gloss=float(rng.uniform(0.3, 0.9))))
    turn = rotation_y(float(rng.normal(0, 0.1)))
    return Thing("phone", (moved(part, turn, vector(0.55, 0.24, 0.0)),), "hand")


def _gripped(part: Part, hand: Hand, radius: float, shift: float = 0.0) -> Part:
    """Puts a thing turned about z into a closed hand, `shift` decimetres towards the thumb."""
    place = hand.knuckle + vector(-0.10, radius + 0.12, shift)
    return moved(part, np.eye(3, dtype=np.float32), place.astype(np.float32))


THINGS: dict[str, Maker] = {"cup": cup, "microphone": microphone, "phone": phone}


def make_held(name: str, rng: np.random.Generator, hand: Hand) -> Thing:
    """Makes a thing of `THINGS` for a hand."""
    return THINGS[name](rng, hand)
