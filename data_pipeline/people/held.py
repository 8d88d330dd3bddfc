"""What hands hold, in hand coordinates: meshes turned on a lathe or made of boxes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from data_pipeline.people.atlas import texture
from data_pipeline.people.colour import muted_colour, to_linear
from data_pipeline.people.finishes import any_surface, coloured
from data_pipeline.people.geometry import Floats, floats, normalised, rotation_about, rotation_x, rotation_y, vector
from data_pipeline.people.hands import Hand
from data_pipeline.people.regions import Region
from data_pipeline.people.surfaces import plain_surface, surface
from data_pipeline.people.tableware import CERAMICS, liquid, tableware
from data_pipeline.people.things import Part, Thing, box, lathe, moved

Maker = Callable[[np.random.Generator, Hand], Thing]
_TILT = rotation_y(-0.5) @ rotation_x(np.pi - 0.25)  # of what is pinched, before it is aimed
_FILLED = 0.7  # of the cups
AHEAD = normalised(vector(0.8, 0.55, 0.1))  # past the tips of thumb and first finger, in hand coordinates


def cup(rng: np.random.Generator, hand: Hand) -> Thing:
    """Makes a mug, glass-shaped or straight, upright in a closed hand."""
    radius, height = float(rng.uniform(0.34, 0.42)), float(rng.uniform(0.9, 1.3))
    bottom, wall = float(rng.uniform(0.75, 1.0)) * radius, 0.03
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
        any_surface(rng, *CERAMICS),
    )
    full = float(rng.uniform(0.5, 0.95))
    drink = liquid(rng, bottom + full * (radius - bottom) - wall, (full - 0.5) * height)
    parts = [body, drink] if rng.random() < _FILLED else [body]
    return Thing("cup", tuple(_gripped(part, hand, radius) for part in parts), "hand")


def bottle(rng: np.random.Generator, hand: Hand) -> Thing:
    """Makes a bottle or a can, upright in a closed hand."""
    radius, height = float(rng.uniform(0.28, 0.36)), float(rng.uniform(1.5, 2.2))
    if rng.random() < 0.3:  # a can
        height = 1.2
        profile = [
            (-0.6, 0.0),
            (-0.6, radius * 0.8),
            (-0.52, radius),
            (0.52, radius),
            (0.6, radius * 0.85),
            (0.57, 0.0),
        ]
    else:
        neck = 0.11
        profile = [
            (-height * 0.4, 0.0),
            (-height * 0.4, radius),
            (height * 0.25, radius),
            (height * 0.36, neck * 1.5),
            (height * 0.42, neck),
            (height * 0.58, neck),
            (height * 0.58, neck * 1.25),
            (height * 0.66, neck * 1.25),
            (height * 0.66, 0.0),
        ]
    body = lathe(profile, any_surface(rng, "print", "plastic", "metal"))
    return Thing("bottle", (_gripped(body, hand, radius),), "hand")


def microphone(rng: np.random.Generator, hand: Hand) -> Thing:
    """Makes a microphone with a round head of wire."""
    dark = rng.random() < 0.7
    colour = muted_colour(rng, 0.03, 0.15, 0.2) if dark else muted_colour(rng, 0.4, 0.8, 0.2)
    grid = plain_surface(rng, 64, muted_colour(rng, 0.15, 0.6, 0.1))
    grid[::4] *= 0.45
    grid[:, ::4] *= 0.45
    ball, top = float(rng.uniform(0.22, 0.30)), 0.95
    shaft = [(-1.0, 0.0), (-1.0, 0.10), (top - ball, 0.15), (top - ball * 0.9, 0.17)]
    round_head = [(float(top + ball * np.sin(a)), float(ball * np.cos(a))) for a in np.linspace(-0.9, np.pi / 2, 9)]
    parts = (
        lathe(shaft, coloured(rng, colour, 0.7)),
        lathe(round_head, texture(grid, Region.OBJECT, gloss=0.5)),
    )
    return Thing("microphone", tuple(_gripped(part, hand, 0.15, shift=0.35) for part in parts), "hand")


def phone(rng: np.random.Generator, hand: Hand) -> Thing:
    """Makes a phone whose back is seen, flat in the palm."""
    size = (float(rng.uniform(1.35, 1.65)), 0.09, float(rng.uniform(0.68, 0.80)))
    if rng.random() < 0.35:
        colour = surface(rng, 128, "print", "leather", "fabric", "wood")
    else:
        colour = plain_surface(rng, 128, muted_colour(rng, 0.03, 0.7, 0.4), 0.02)
    colour[8:34, 88:118] = to_linear(muted_colour(rng, 0.02, 0.12, 0.1))  # the cameras
    for y in (14, 26):
        colour[y - 4 : y + 4, 94:102] = 0.01
        colour[y - 1 : y + 1, 97:99] = 0.4
    part = box(size, texture(colour, Region.OBJECT, gloss=float(rng.uniform(0.3, 0.9))))
    return Thing("phone", (moved(part, rotation_y(float(rng.normal(0, 0.1))), vector(0.55, 0.24, 0.0)),), "hand")


def cigarette(rng: np.random.Generator, hand: Hand) -> Thing:
    """Makes a cigarette between the first fingers."""
    paper = plain_surface(rng, 32, vector(0.93, 0.92, 0.90))
    paper[:11] = to_linear([0.75, 0.5, 0.28])  # the end that goes into the mouth
    paper[30:] = to_linear([0.5, 0.2, 0.1])
    stick = lathe([(-0.4, 0.0), (-0.4, 0.04), (0.4, 0.04), (0.4, 0.0)], texture(paper, Region.OBJECT))
    return Thing("cigarette", (_pinched(stick, hand, 0.05),), "hand")


def fork(rng: np.random.Generator, hand: Hand) -> Thing:
    """Makes a fork or a spoon."""
    steel = any_surface(rng, "metal")
    handle = moved(box((1.4, 0.04, 0.10), steel, 0.01), rotation_y(np.pi / 2), vector(0, 0, -0.25))
    if rng.random() < 0.5:
        tines = [
            moved(box((0.45, 0.03, 0.025), steel, 0.005), rotation_y(np.pi / 2), vector(x, 0, 0.78))
            for x in (-0.09, -0.03, 0.03, 0.09)
        ]
        parts = [handle, moved(box((0.2, 0.03, 0.22), steel, 0.01), rotation_y(np.pi / 2), vector(0, 0, 0.5)), *tines]
        category = "fork"
    else:
        bowl = lathe([(0.45, 0.0), (0.5, 0.09), (0.65, 0.15), (0.8, 0.13), (0.88, 0.06), (0.9, 0.0)], steel)
        parts, category = [handle, bowl], "spoon"
    return Thing(category, tuple(_pinched(part, hand, 0.3) for part in parts), "hand")


def brush(rng: np.random.Generator, hand: Hand) -> Thing:
    """Makes a brush for make-up, a toothbrush, or a pen."""
    colour = muted_colour(rng, 0.05, 0.9, 0.8)
    handle = lathe([(-0.9, 0.0), (-0.85, 0.05), (0.2, 0.06), (0.5, 0.045), (0.55, 0.0)], coloured(rng, colour, 0.6))
    kind = int(rng.integers(0, 3))
    if kind == 0:
        hairs = plain_surface(rng, 32, muted_colour(rng, 0.1, 0.6, 0.3), 0.3)
        size = float(rng.uniform(0.8, 1.6))
        tip = lathe(
            [(0.5, 0.05), (0.75, 0.14 * size), (0.95, 0.15 * size), (1.08, 0.08 * size), (1.1, 0.0)],
            texture(hairs, Region.OBJECT, gloss=0.02),
        )
        parts, category = [handle, tip], "brush"
    elif kind == 1:
        head = moved(
            box((0.3, 0.05, 0.14), coloured(rng, colour, 0.6), 0.01), rotation_y(np.pi / 2), vector(0, 0, 0.68)
        )
        bristles = coloured(rng, muted_colour(rng, 0.6, 0.95, 0.4), 0.05)
        tuft = moved(box((0.26, 0.12, 0.11), bristles, 0.01), rotation_y(np.pi / 2), vector(0, 0.08, 0.68))
        parts, category = [handle, head, tuft], "toothbrush"
    else:
        parts, category = [handle], "pen"
    return Thing(category, tuple(_pinched(part, hand, 0.35) for part in parts), "hand")


def book(rng: np.random.Generator, hand: Hand) -> Thing:
    """Makes a book, a card or a sheet of paper held up."""
    size = (float(rng.uniform(1.2, 2.2)), float(rng.uniform(0.02, 0.25)), float(rng.uniform(1.0, 1.7)))
    part = box(size, any_surface(rng, "print", "text", "fabric", "leather"), 0.01)
    return Thing(
        "book", (moved(part, rotation_y(float(rng.normal(0, 0.2))), vector(0.75, 0.2 + size[1] / 2, 0.0)),), "hand"
    )


THINGS: dict[str, Maker] = {
    "tableware": tableware,
    "cup": cup,
    "bottle": bottle,
    "microphone": microphone,
    "phone": phone,
    "cigarette": cigarette,
    "fork": fork,
    "brush": brush,
    "book": book,
}


def make_held(name: str, rng: np.random.Generator, hand: Hand, pinch: Floats | None = None) -> Thing:
    """Makes a thing of `THINGS` for a hand.

    Args:
        name: of the thing.
        rng: draws it.
        hand: that holds it.
        pinch: (3,), in hand coordinates, where thumb and first finger meet; thin things go through there and on along
            `AHEAD`.
    """
    thing = THINGS[name](rng, hand)
    if pinch is None:
        return thing
    before = _TILT @ vector(0, 0, 1)
    angle = float(np.arccos(np.clip(before @ AHEAD, -1, 1)))
    turn = rotation_about(np.cross(before, AHEAD), angle)
    offset = floats(pinch - turn @ _between(hand))
    return replace(thing, parts=tuple(moved(part, turn, offset) for part in thing.parts))


def end_of(thing: Thing, pinch: Floats) -> Floats:
    """Returns where the end of a thin thing is, in hand coordinates; see `make_held`."""
    reach = max(float(((part.vertices - pinch) @ AHEAD).max()) for part in thing.parts)
    return floats(pinch + np.float32(reach) * AHEAD)


def _gripped(part: Part, hand: Hand, radius: float, shift: float = 0.0) -> Part:
    """Puts a thing that stands along z into a closed hand, `shift` decimetres towards the thumb."""
    return moved(part, rotation_x(np.pi), hand.knuckle + vector(-0.10, radius + 0.12, -shift))


def _pinched(part: Part, hand: Hand, along: float) -> Part:
    """Puts a thin thing that lies along z between thumb and first finger, `along` decimetres further out."""
    return moved(part, _TILT, _between(hand) + _TILT @ vector(0, 0, along))


def _between(hand: Hand) -> Floats:
    """About where thumb and first finger meet."""
    return floats(hand.knuckle + vector(0.25, 0.42, -0.45))
