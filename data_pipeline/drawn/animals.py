"""Outlines of animals and soft toys."""

import numpy as np

from data_pipeline.drawn.curves import closed, ellipse, opened, ribbon, rotated, shifted
from data_pipeline.drawn.part import Part

_FURRY = ("fur", "fur", "fur", "fabric", "feathers")


def animal_head(rng: np.random.Generator) -> list[Part]:
    """Draws the head of a cat, dog, bear, rabbit or owl from the front: ears, muzzle, eyes, a nose."""
    wide, tall = rng.uniform(0.85, 1.15), rng.uniform(0.8, 1.05)
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    ragged = 1 + rng.uniform(0, 0.03) * rng.standard_normal(48)
    head = np.stack([wide * np.cos(t) * (1 + 0.12 * np.sin(t)), tall * np.sin(t)], 1) * ragged[:, None]
    ear = float(rng.choice([0.0, 1.0, 2.0]))
    parts = []
    for s in (-1, 1):
        if ear == 0:  # pointed
            outline = np.array([(0.2, -0.7), (0.75, -rng.uniform(1.3, 1.6)), (0.95, -0.4)])
        elif ear == 1:  # round
            outline = ellipse((0.72, -0.75), 0.35, 0.35)
        else:  # long or hanging
            outline = shifted(rotated(ellipse((0, 0), 0.24, 0.75), rng.uniform(-0.2, 0.9)), 0.6, -0.9)
        parts.append(Part(outline * (s, 1), 0, 0.4, 0.85, _FURRY))
        parts.append(Part((outline - outline.mean(0)) * 0.6 * (s, 1) + outline.mean(0) * (s, 1), 1, 0.1, 0.9, _FURRY))
    parts.append(Part(head, 0, rng.uniform(0.5, 1.0), 1.0, _FURRY))
    if rng.random() < 0.7:
        parts.append(Part(ellipse((0, 0.38 * tall), 0.45 * wide, 0.34 * tall), 1, 0.7, 1.1, _FURRY))
    gap, size = rng.uniform(0.28, 0.48), rng.uniform(0.09, 0.2)
    for s in (-1, 1):
        centre = (s * gap, -0.15)
        slit = rng.random() < 0.4
        parts.append(Part(ellipse(centre, size * 1.15, size * 0.95), 2, 0.2, 0.15, ("plastic",)))
        parts.append(Part(ellipse(centre, size, size * 0.82), 3, 0.6, 1.2, ("plastic", "ceramic")))
        parts.append(Part(ellipse(centre, size * (0.25 if slit else 0.55), size * 0.7), 2, 0.3, 0.05, ("plastic",)))
    nose = closed([(-0.13, 0.18), (0.13, 0.18), (0.0, 0.34)], 6)
    parts.append(Part(nose, 2, 0.8, rng.uniform(0.15, 0.8), ("leather", "plastic")))
    mouth = opened([(-0.22, 0.5), (-0.1, 0.56), (0, 0.36), (0.1, 0.56), (0.22, 0.5)], 6)
    parts.append(Part(ribbon(mouth, 0.035), 2, 0.0, 0.2, ("leather",)))
    return parts


def animal(rng: np.random.Generator) -> list[Part]:
    """Draws an animal or a toy from the side: body, legs, neck and head, ears, a tail or wings."""
    long, thick = rng.uniform(0.8, 1.3), rng.uniform(0.35, 0.6)
    leg, neck = rng.uniform(0.2, 0.9), rng.uniform(0.1, 0.7)
    parts = []
    for x in (-0.7, -0.5, 0.5, 0.7):
        foot = np.array([(x * long, 0.1), (x * long + rng.normal(0, 0.08), thick + leg)])
        parts.append(Part(ribbon(opened([*foot], 8), rng.uniform(0.12, 0.26)), 0, 0.9, rng.uniform(0.6, 1), _FURRY))
    tip = rng.uniform(0.1, 0.5), rng.normal(-0.2, 0.4)
    tail = [(-long * 0.9, -0.1), (-long - tip[0], tip[1]), (-long - 0.5, rng.normal(0, 0.6))]
    width = rng.uniform(0.06, 0.3) * np.linspace(1, 0.5, 17)
    parts.append(Part(ribbon(opened(tail, 8), width), 0, 0.9, 0.9, _FURRY))
    place = np.array([long + 0.2, -thick * 0.5 - neck])
    parts.append(Part(ribbon(opened([(long * 0.6, 0), (long, -neck * 0.6), tuple(place)], 8), 0.4), 0, 0.9, 1, _FURRY))
    body = closed([(-long, 0), (-0.5 * long, -thick), (0.5 * long, -thick * rng.uniform(0.7, 1.1)), (long, -0.1),
                   (0.6 * long, thick), (-0.6 * long, thick * rng.uniform(0.6, 1.2))], 8)  # fmt: skip
    parts.append(Part(body, 0, 1.0, 1.0, _FURRY))
    size = rng.uniform(0.26, 0.42)
    ear = rotated(ellipse((0, 0), 0.12, 0.3), rng.uniform(-0.5, 1))
    parts.append(Part(shifted(ear, place[0] - 0.1, place[1] - size), 1))
    parts.append(Part(ellipse(place, size * rng.uniform(1, 1.5), size, rng.uniform(-0.2, 0.5)), 0, 1.0, 1.0, _FURRY))
    parts.append(Part(ellipse(place + np.array([0.1, -0.08]), 0.05, 0.05), 2, 0.8, 0.1, ("plastic",)))
    return parts
