"""Hair that the wind blows over the face: loose wisps, which begin at the temples and cross it."""

import numpy as np

from data_pipeline.people.body import Body, SkinSampler
from data_pipeline.people.geometry import Floats, floats, normalised
from data_pipeline.people.hair import draw_roots, strand_colours
from data_pipeline.people.hair_styles import STYLES
from data_pipeline.people.identity import Traits
from data_pipeline.people.layout import HeadMap, hairline_depth
from data_pipeline.people.regions import Region
from data_pipeline.people.strands import Tuft

_POINTS = 13


def grow_blown(
    rng: np.random.Generator, body: Body, sampler: SkinSampler, head: HeadMap, traits: Traits, density: float
) -> Tuft:
    """Grows the wisps of a person whose hair falls; see `hair.grow_hair`."""
    centre = sampler.base.mean(1)
    side = float(rng.choice([-1, 1]))
    depth = hairline_depth(centre[:, 1], centre[:, 2], traits.hairline)
    beginning = (depth > 0.0) & (depth < 0.5) & (centre[:, 0] * side > 0.1) & (centre[:, 1] > 7.35)
    hairy = np.where(beginning, np.maximum(sampler.look_up(head.scalp(traits.hairline)), 0.05), 0)
    count = round(float(rng.uniform(60, 420)) * density**0.5)
    roots = draw_roots(rng, sampler, hairy.astype(np.float32), count)
    wisps = int(rng.integers(2, 8))
    wisp = roots.clump % wisps  # strands of a wisp go the same way
    fall = rng.uniform(-0.75, 0.15, wisps)[wisp] + rng.normal(0, 0.05, count)
    away = rng.uniform(0.02, 0.5, wisps)[wisp] * rng.uniform(0.5, 1.3, count)
    length = rng.uniform(0.9, 2.4, wisps)[wisp] * (1 + rng.normal(0, 0.15, count))
    phase, waves = rng.uniform(0, 6.3, wisps)[wisp] + rng.normal(0, 0.3, count), rng.uniform(0.01, 0.07, wisps)[wisp]

    wind = np.column_stack([np.full(count, -side), fall, np.full(count, 0.12)])
    direction = normalised(floats(roots.normals * 0.5 + wind * 0.5 + [0, 0, 0.4]))
    current, step = roots.points, (length / (_POINTS - 1))[:, None]
    points = [roots.points - 0.01 * roots.normals]
    for k in range(1, _POINTS):
        current = current + direction * step
        distance, surface, outwards = body.skull.locate(current.astype(np.float32))
        least = surface + 0.02 + away * min(1.0, k / 5)
        current = np.where((distance < least)[:, None], body.skull.centre + outwards * least[:, None], current)
        direction = normalised(floats(direction + 0.35 * wind + rng.normal(0, 0.05, (count, 3))))
        wave = waves * k / _POINTS
        points.append(current + np.column_stack([0 * wave, wave * np.sin(phase + 0.8 * k), wave * np.cos(phase + k)]))
    strands = np.stack(points, 1).astype(np.float32)
    along = np.linspace(0, 1, _POINTS, dtype=np.float32)[None]
    width = STYLES[traits.hair].width * 0.55 * density**-0.5
    return Tuft(
        strands,
        floats(np.broadcast_to(width * (1 - 0.75 * along**2), (count, _POINTS))),
        floats(np.full((count, _POINTS), 0.9)),
        strand_colours(rng, traits, count, _POINTS),
        Region.HAIR,
        _unturned(count),
    )


def _unturned(count: int) -> Floats:
    """Normals of strands that are seen from all sides."""
    return np.zeros((count, 3), np.float32)
