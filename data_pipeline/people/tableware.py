"""What is seen before a face without a hand: cups on saucers, bowls, plates, fruit, balls, toys; upright along z."""

from collections.abc import Callable

import numpy as np

from data_pipeline.people.atlas import Texture
from data_pipeline.people.colour import muted_colour
from data_pipeline.people.finishes import any_surface, coloured
from data_pipeline.people.geometry import floats, rotation_x, rotation_z, vector
from data_pipeline.people.hands import Hand
from data_pipeline.people.things import Part, Thing, disc, lathe, moved, tube

_AS_IT_IS = np.eye(3, dtype=np.float32)
CERAMICS = ("ceramic", "print", "plastic", "metal", "wood")
# sRGB: coffee, coffee with milk, tea, milk, juice, berries, soup.
_LIQUIDS = floats([
    (0.16, 0.09, 0.05), (0.66, 0.44, 0.28), (0.62, 0.28, 0.08), (0.92, 0.89, 0.84), (0.94, 0.60, 0.12),
    (0.50, 0.07, 0.10), (0.80, 0.36, 0.14),
])  # fmt: skip


def liquid(rng: np.random.Generator, radius: float, height: float) -> Part:
    """Makes the surface of a drink or a soup, (radius, height) of its vessel in decimetres."""
    colour = np.clip(_LIQUIDS[int(rng.integers(len(_LIQUIDS)))] * rng.uniform(0.75, 1.2), 0, 1)
    return disc(radius, height, coloured(rng, floats(colour), float(rng.uniform(0.2, 0.9)), float(rng.uniform(0, 0.2))))


def _cup(rng: np.random.Generator) -> list[Part]:
    """A cup with a handle and a drink, mostly on a saucer."""
    radius, height, wall = float(rng.uniform(0.36, 0.55)), float(rng.uniform(0.45, 0.9)), 0.03
    bottom = float(rng.uniform(0.4, 0.9)) * radius
    finish = any_surface(rng, *CERAMICS)
    belly = bottom + 0.75 * (radius - bottom)
    inside = finish if rng.random() < 0.5 else coloured(rng, vector(0.92, 0.90, 0.86), 0.6)
    full = float(rng.uniform(0.5, 0.92)) * height
    heights = floats([0, 0.5 * height, height])
    at_level = float(np.interp(full, heights, [bottom, belly, radius])) - wall
    angles = np.linspace(-np.pi / 2, np.pi / 2, 9)
    up = height * (0.55 + 0.3 * np.sin(angles))
    loop = np.stack([np.interp(up, heights, [bottom, belly, radius]) + 0.25 * np.cos(angles), 0 * up, up], 1)
    parts = [
        lathe([(0, 0), (0, bottom), (0.5 * height, belly), (height, radius)], finish),
        lathe([(height, radius), (height, radius - wall), (0.5 * height, belly - wall), (0.05, 0)], inside),
        liquid(rng, at_level, full),
        moved(tube(floats(loop), 0.05, finish), rotation_z(float(rng.uniform(0, 2 * np.pi))), vector(0, 0, 0)),
    ]
    if rng.random() < 0.7:
        wide = radius * float(rng.uniform(1.5, 2.0))
        rim = [(-0.08, 0), (-0.08, 0.5 * wide), (0.04, wide), (0.06, wide), (-0.02, 0.55 * wide), (-0.04, 0)]
        parts.append(lathe(rim, finish, spokes=40))
    return parts


def _dish(rng: np.random.Generator) -> list[Part]:
    """A plate or a bowl, with food or a soup."""
    wide, deep = float(rng.uniform(0.8, 1.2)), float(rng.choice([0.12, 0.5]))
    finish = any_surface(rng, *CERAMICS)
    rim = [(0, 0), (0, 0.5 * wide), (deep, wide), (deep + 0.02, wide), (deep * 0.5, 0.7 * wide), (0.03, 0)]
    level = deep * 0.5 + 0.01
    filled = liquid(rng, 0.7 * wide, level)
    if rng.random() < 0.6:
        filled = disc(0.68 * wide, level, any_surface(rng, "food", "foliage"))
    return [lathe(rim, finish, spokes=40), filled]


def _ball(rng: np.random.Generator) -> list[Part]:
    """A ball, a fruit or an egg."""
    finish = any_surface(rng, "food", "plastic", "leather")
    if rng.random() < 0.5:
        finish = coloured(rng, muted_colour(rng, 0.2, 0.95, 0.9), float(rng.uniform(0, 0.9)), 0.1)
    return [_round(0.6, float(rng.uniform(0.8, 1.4)), finish)]


def _toy(rng: np.random.Generator) -> list[Part]:
    """A head of plush, with ears and glossy eyes."""
    fur = any_surface(rng, "fur")
    size = float(rng.uniform(0.85, 1.15))
    parts = [_round(0.7, size, fur), moved(_round(0.25, 0.8, fur), _AS_IT_IS, vector(0, -0.62, -0.15))]
    pointed = float(rng.uniform(0.0, 0.15))
    ear = lathe([(-0.2, 0.24), (0.1, 0.2), (0.38, pointed), (0.4, 0)], fur, spokes=12)
    eye = coloured(rng, muted_colour(rng, 0.03, 0.7, 0.9), 0.9)
    for side in (-1, 1):
        parts.append(moved(ear, _AS_IT_IS, vector(0.42 * side, 0, 0.52 * size)))
        parts.append(moved(_round(0.11, 1.0, eye), _AS_IT_IS, vector(0.27 * side, -0.58, 0.2)))
    # Its face looks where a cup's opening does.
    return [moved(part, rotation_x(-np.pi / 2), vector(0, 0, 0)) for part in parts]


def _round(radius: float, stretch: float, finish: Texture) -> Part:
    angles = np.linspace(-np.pi / 2, np.pi / 2, 15)
    profile = [(float(stretch * radius * np.sin(a)), max(float(radius * np.cos(a)), 0.0)) for a in angles]
    return lathe(profile, finish)


MAKERS: dict[str, Callable[[np.random.Generator], list[Part]]] = {
    "cup": _cup,
    "dish": _dish,
    "ball": _ball,
    "toy": _toy,
}


def tableware(rng: np.random.Generator, hand: Hand) -> Thing:
    """Makes any of these, upright where a closed hand holds a cup."""
    name = str(rng.choice([*MAKERS]))
    upright = rotation_x(np.pi)
    return Thing(name, tuple(moved(part, upright, hand.knuckle) for part in MAKERS[name](rng)), "hand")
