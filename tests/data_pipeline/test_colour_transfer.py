"""The transport of colours, to the last bit: number by number in IEEE arithmetic, which every processor has."""

import numpy as np

from data_pipeline.techniques.colour_transfer import transport


def test_every_processor_moves_colours_alike() -> None:
    """Few colours, many pixels: most of them are equal, and keep their order when they are sorted."""
    colours = np.random.default_rng(0).integers(0, 4, (2, 300, 3)).astype(np.float32)
    points, goal = colours
    moved = transport(points, goal, np.random.default_rng(1))
    np.testing.assert_array_equal(moved, _one_by_one(points, goal, np.random.default_rng(1)))
    assert np.abs(moved - points).max() > 0.5


def _one_by_one(points: np.ndarray, goal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    places = [tuple(point) for point in points]
    for _ in range(15):
        changes = []
        for x, y, z in rng.standard_normal((5, 3)).astype(np.float32):
            length = np.sqrt(x * x + y * y + z * z)
            x, y, z = x / length, y / length, z / length
            there = sorted(x * r + y * g + z * b for r, g, b in goal)
            here = [x * r + y * g + z * b for r, g, b in places]
            steps = dict(zip(sorted(range(len(here)), key=here.__getitem__), there, strict=True))
            changes.append([(x, y, z, steps[place] - here[place]) for place in range(len(here))])
        for place, old in enumerate(places):
            moves = [tuple(step * axis for axis in axes) for *axes, step in (of_one[place] for of_one in changes)]
            total = moves[0]
            for move in moves[1:]:
                total = tuple(a + b for a, b in zip(total, move, strict=True))
            places[place] = tuple(a + b / np.float32(5) for a, b in zip(old, total, strict=True))
    return np.array(places)
