"""Outlines of things of all sorts, as parts from the farthest to the nearest: shapes, fruit, tools, sheets, flowers."""

from collections.abc import Callable

import numpy as np

from data_pipeline.drawn.animals import animal, animal_head
from data_pipeline.drawn.containers import box, pot
from data_pipeline.drawn.curves import closed, ellipse, mirrored, opened, ribbon, rotated, rounded_box, shifted
from data_pipeline.drawn.part import Part

Silhouette = Callable[[np.random.Generator], list[Part]]


def pebble(rng: np.random.Generator) -> list[Part]:
    """Draws a smooth closed shape: a few waves around a circle."""
    t = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = np.ones_like(t)
    for k in range(1, 7):
        radius += rng.normal(0, 0.32 / k) * np.cos(k * t + rng.uniform(0, 2 * np.pi))
    radius = np.maximum(radius, 0.25)
    slim = rng.uniform(0.45, 1.0)
    return [Part(np.stack([radius * np.cos(t), slim * radius * np.sin(t)], 1), bulge=rng.uniform(0, 1))]


def polygon(rng: np.random.Generator) -> list[Part]:
    """Draws a shape with corners, sharp ones or rounded."""
    count = int(rng.integers(3, 9))
    t = np.sort((np.arange(count) + rng.uniform(-0.35, 0.35, count)) * 2 * np.pi / count)
    corners = np.stack([np.cos(t), np.sin(t)], 1) * rng.uniform(0.35, 1.0, (count, 1))
    if rng.random() < 0.3:
        middle = (corners + np.roll(corners, -1, 0)) / 2
        corners = closed(np.stack([corners * 0.9 + middle * 0.1, middle], 1).reshape(-1, 2), 5)
    return [Part(corners, bulge=float(rng.choice([0.0, 0.0, 0.25])))]


def fruit(rng: np.random.Generator) -> list[Part]:
    """Draws an apple, a pear, a ball, an egg, a loaf; some with a stem and a leaf."""
    t = np.linspace(0, 2 * np.pi, 56, endpoint=False)
    radius = 1 + rng.normal(0, 0.08) * np.cos(2 * t) + rng.normal(0, 0.05) * np.cos(3 * t)
    radius -= 0.06 * np.exp(-((t - 4.71) ** 2) * 8)
    body = np.stack([radius * np.cos(t), radius * np.sin(t) * rng.uniform(0.6, 1.2)], 1)
    kinds = ("food", "food", "plastic", "ceramic", "leather", "wood", "fabric", "stone")
    parts = [Part(body, 0, 1.0, 1.0, kinds)]
    if rng.random() < 0.5:
        stem = opened([(0, -0.8), (0.05, -1.05), (rng.normal(0, 0.15), -1.3)], 6)
        parts.append(Part(ribbon(stem, 0.08), 1, 0.8, 0.7, ("wood",)))
        leaf = shifted(rotated(ellipse((0.3, 0), 0.32, 0.14), rng.uniform(-1, 1)), 0, -1.1)
        parts.append(Part(leaf, 2, 0.3, 1.0, ("foliage", "plaster")))
    return parts


def tool(rng: np.random.Generator) -> list[Part]:
    """Draws something long: a stick, pen, brush, spoon, umbrella, cable; with a head or without."""
    long = rng.uniform(2.0, 4.5)
    bend = rng.normal(0, 0.15, 2)
    path = opened([(0, 0), (bend[0], long * 0.35), (bend[1], long * 0.7), (0, long)], 8)
    width = rng.uniform(0.1, 0.4) * np.linspace(rng.uniform(0.5, 1), 1, len(path))
    parts = [Part(ribbon(path, width), 0, 0.95, 1.0, ("wood", "metal", "plastic", "fabric"))]
    kind = rng.integers(4)
    if kind == 0:
        parts.append(Part(ellipse((0, -0.35), rng.uniform(0.25, 0.6), 0.55), 1, 0.6, 1.0, ("metal", "wood", "plastic")))
    elif kind == 1:
        hairs = rng.uniform(0.2, 0.5)
        head = closed([(-0.15, 0.1), (-hairs, -0.4), (0, -rng.uniform(0.7, 1.2)), (hairs, -0.4), (0.15, 0.1)], 6)
        parts.append(Part(head, 1, 0.7, 1.0, ("fur", "ground", "feathers")))
    elif kind == 2:
        parts.append(Part(shifted(rounded_box(rng.uniform(0.6, 1.6), rng.uniform(0.3, 0.8), 0.1), 0, -0.1), 1, 0.5))
    return parts


def band(rng: np.random.Generator) -> list[Part]:
    """Draws a ring, a strap, a rope, a snake, a tape: a band along a curve."""
    knots = np.cumsum(rng.normal(0, 1, (int(rng.integers(3, 7)), 2)), 0)
    path = opened(knots, 12)
    if rng.random() < 0.35:
        t = np.linspace(0, 2 * np.pi * rng.uniform(0.7, 1), 60)
        path = np.stack([np.cos(t), np.sin(t) * rng.uniform(0.3, 1)], 1) * 1.5
    return [Part(ribbon(path, rng.uniform(0.25, 0.9)), 0, float(rng.choice([0.0, 0.9, 0.9])))]


def card(rng: np.random.Generator) -> list[Part]:
    """Draws a sheet in perspective: a card, a note, a magazine, a cloth, a bag."""
    wide = rng.uniform(0.4, 1.2)
    corners = np.array([(-wide, -1), (wide, -1), (wide, 1), (-wide, 1)]) + rng.normal(0, 0.12, (4, 2))
    t = np.linspace(0, 1, 7)[:-1, None]
    sides = [a + (b - a) * t for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)]
    waves = rng.uniform(0, 0.05)
    outline = np.concatenate(sides)
    outline = outline + waves * np.sin(outline[:, ::-1] * rng.uniform(2, 6) + rng.uniform(0, 6))
    kinds = ("print", "text", "print", "fabric", "leather", "plastic")
    return [Part(outline, 0, float(rng.choice([0.0, 0.0, 0.15])), 1.0, kinds)]


def flower(rng: np.random.Generator) -> list[Part]:
    """Draws a flower or a star of petals around a heart, or a bunch of leaves."""
    count, slim = int(rng.integers(4, 14)), rng.uniform(0.15, 0.45)
    petal = ellipse((0.6, 0), 0.5, slim)
    turns = np.arange(count) * 2 * np.pi / count + rng.normal(0, 0.05, count)
    kinds = ("foliage", "fabric", "plaster", "plastic")
    parts = [Part(rotated(petal, turn), 0, 0.5, rng.uniform(0.7, 1.1), kinds) for turn in turns]
    return [*parts, Part(ellipse((0, 0), 0.28, 0.28), 1, 0.8, 1.0, ("food", "ground", "fur"))]


def heap(rng: np.random.Generator) -> list[Part]:
    """Draws several shapes over each other."""
    parts = []
    for k in range(int(rng.integers(2, 6))):
        part = (pebble, polygon, fruit, band)[int(rng.integers(4))](rng)[0]
        middle, reach = part.outline.mean(0), np.abs(part.outline).max()
        outline = (part.outline - middle) / reach * rng.uniform(0.4, 1.0) + rng.normal(0, 0.4, 2)
        parts.append(part._replace(outline=outline, material=k))
    return parts


def cushion(rng: np.random.Generator) -> list[Part]:
    """Draws a cushion, a bag, a pouch: corners drawn out, sides bulging or hollow."""
    half = [(0, -0.9), (0.5, -0.95), (1, -1.05), (0.93, -0.4), (0.9, 0), (0.95, 0.5), (1.03, 1), (0.5, 0.94), (0, 0.9)]
    outline = mirrored(opened(half, 5)) * (rng.uniform(0.6, 1.3), 1)
    body = Part(outline, 0, rng.uniform(0.4, 0.9), 1.0, ("fabric", "fabric", "leather", "fur", "plastic"))
    if rng.random() < 0.4:
        strap = ribbon(opened([(-0.6, -0.9), (-0.4, -1.7), (0.4, -1.7), (0.6, -0.9)], 8), 0.12)
        return [Part(strap, 1, 0.6, 0.8, ("leather", "fabric")), body]
    return [body]


SILHOUETTES: tuple[tuple[Silhouette, float], ...] = (
    (pebble, 1.5), (polygon, 1.5), (pot, 5.0), (box, 1.5), (animal_head, 2.5), (animal, 1.0), (fruit, 1.5), (tool, 1.0),
    (band, 0.8), (card, 1.5), (flower, 0.8), (heap, 1.2), (cushion, 0.8),
)  # fmt: skip
