"""Outlines of pots, cups, bottles, cans and boxes."""

import numpy as np

from data_pipeline.drawn.curves import ellipse, opened, ribbon, rounded_box, shifted
from data_pipeline.drawn.part import Part

_GLAZED = ("ceramic", "ceramic", "metal", "plastic", "wood", "print")
_FILLINGS = ("drink", "drink", "drink", "food", "plaster", "foliage")
_PRINTED = ("print", "text", "plastic", "leather", "metal")


def pot(rng: np.random.Generator) -> list[Part]:
    """Draws a turned thing: a pot, a vase, a bottle, a can, a bowl; with a handle, a lid, a drink, a saucer."""
    return _turned(rng, str(rng.choice(["cup", "cup", "cup", "pot", "bottle", "can", "bowl"])))


def dish(rng: np.random.Generator) -> list[Part]:
    """Draws a cup or a bowl, mostly with a drink or a soup in it, seen from the side or from above."""
    return _turned(rng, str(rng.choice(["cup", "cup", "bowl"])), (*("drink",) * 5, "food"))


def _turned(rng: np.random.Generator, kind: str, fillings: tuple[str, ...] = _FILLINGS) -> list[Part]:
    wide = kind in ("cup", "bowl")
    height = {"cup": 0.9, "pot": 1.1, "bottle": 2.6, "can": 1.5, "bowl": 0.5}[kind]
    height *= rng.uniform(0.5 if wide else 0.8, 1.25)
    tilt = rng.uniform(0.08, 0.95 if wide else 0.2)  # cups are seen from above, too
    y = np.linspace(0, 1, 6)
    if kind == "bottle":
        radius = np.array([0.2, 0.2, 0.28, 0.5, 0.52, 0.5]) * rng.uniform(0.85, 1.15, 6)
    elif kind == "can":
        radius = np.full(6, 0.5)
    else:
        radius = 0.5 * (1 - rng.uniform(0, 0.6) * y ** rng.uniform(1, 4)) + rng.uniform(0, 0.2) * np.sin(np.pi * y)
    side = opened(np.stack([radius, y * height], 1), 5)
    t = np.linspace(0, np.pi, 16)
    foot = np.stack([radius[-1] * np.cos(t), height + radius[-1] * tilt * np.sin(t)], 1)
    body = np.concatenate([side, foot, side[::-1] * (-1, 1)])
    parts = []
    if wide and rng.random() < 0.5:
        reach = rng.uniform(0.75, 1.1)
        middle = (0, height + 0.1 * tilt)
        parts.append(Part(ellipse(middle, reach, reach * max(tilt, 0.2), n=48), 0, 0.15, 0.95, _GLAZED))
        parts.append(Part(ellipse(middle, reach * 0.6, reach * 0.6 * max(tilt, 0.2), n=40), 0, 0.1, 0.75, _GLAZED))
    if kind in ("cup", "pot") and rng.random() < 0.7:
        reach, s = rng.uniform(0.2, 0.5), float(rng.choice([-1.0, 1.0]))
        knots = [(0.42, 0.2), (0.5 + reach, 0.2), (0.5 + reach, 0.6), (radius[-2] * 0.9, 0.8)]
        handle = opened(np.array(knots) * (s, height), 8)
        parts.append(Part(ribbon(handle, rng.uniform(0.08, 0.18)), 0, 1, 0.9, _GLAZED))
    parts.append(Part(body, 0, 1.0, 1.0, _GLAZED if kind != "can" else _PRINTED))
    if kind == "bottle" and rng.random() < 0.7:
        label = rounded_box(2 * radius[4], 0.3 * height, 0.05)
        parts.append(Part(shifted(label, 0, 0.72 * height), 1, 0.0, 0.9, _PRINTED))
    rim = radius[0]
    parts.append(Part(ellipse((0, 0), rim, rim * tilt, n=40), 0, 0.1, 1.1, _GLAZED))
    if kind in ("cup", "pot", "bowl"):
        inside = ellipse((0, 0), rim * 0.9, rim * 0.87 * tilt, n=36)
        if rng.random() < 0.65:  # most are white or cream inside, whatever they are outside
            parts.append(Part(inside, 3, 0.0, rng.uniform(0.8, 1.05), ("porcelain",)))
        else:
            parts.append(Part(inside, 0, 0.0, 0.5, _GLAZED))
        level = rng.uniform(0.7, 1)
        filling = ellipse((0, rim * tilt * (0.9 - 0.75 * level)), rim * 0.84 * level, rim * 0.75 * tilt * level, n=36)
        if rng.random() < 0.85:
            parts.append(Part(filling, 2, 0.1, 0.9, fillings))
    else:
        cap = np.array([(rim, 0), (rim, -0.2), (-rim, -0.2), (-rim, 0)]) * 1.05
        parts.append(Part(cap, 2, 0.9, 1.0, ("plastic", "metal")))
    return parts


def box(rng: np.random.Generator) -> list[Part]:
    """Draws a box of three visible faces: a package, a parcel, a crate, a cube, a device."""
    wide, tall = rng.uniform(0.4, 1.2), rng.uniform(0.4, 1.4)
    lean = np.array([rng.uniform(0.1, 0.6) * float(rng.choice([-1, 1])), -rng.uniform(0.08, 0.45)])
    front = np.array([(0, 0), (wide, 0), (wide, tall), (0, tall)], float)
    front[1:3, 1] += rng.normal(0, 0.06)
    a, b = (1, 2) if lean[0] > 0 else (0, 3)
    side = np.array([front[a], front[a] + lean, front[b] + lean, front[b]])
    top = np.array([front[0], front[0] + lean, front[1] + lean, front[1]])
    kinds = ("print", "print", "plaster", "wood", "metal", "plastic")
    same = int(rng.random() < 0.5)
    return [
        Part(side, 1 - same, 0.0, rng.uniform(0.45, 0.85), kinds),
        Part(top, 1 - same, 0.0, rng.uniform(0.9, 1.25), kinds),
        Part(front, 0, 0.0, 1.0, kinds),
    ]
