"""Strands: polylines with a width that the rasteriser sees as ribbons facing the camera."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_pipeline.people.geometry import Bytes, Flags, Floats, Ints, normalised
from data_pipeline.people.regions import Region


@dataclass(frozen=True)
class Tuft:
    """Holds strands of one kind, all of as many points.

    Attributes:
        points: float32 (strands, points, 3), from root to tip.
        widths: float32 (strands, points), in decimetres.
        openness: float32 (strands, points), how little other strands shade them, 0 to 1.
        colours: float32 (strands, points, 3), linear.
        region: what they count as.
        normals: float32 (strands, 3), of the skin at their roots; zero for those that are seen from all sides.
        casts: the share of them that casts shadows.
    """

    points: Floats
    widths: Floats
    openness: Floats
    colours: Floats
    region: Region
    normals: Floats
    casts: float = 0.5


@dataclass(frozen=True)
class Ribbons:
    """Holds strands as triangles: vertices (2n, 3), first all left sides, then all right sides, triangles (m, 3)."""

    vertices: Floats
    triangles: Ints


class Strands:
    """Holds all strands of a person, by point.

    Attributes:
        points: float32 (n, 3).
        widths, openness, phases: float32 (n,).
        colours: float32 (n, 3).
        regions: uint8 (n,).
        strand: int32 (n,), the number of the strand.
        normals: float32 (strands, 3).
        casting: bool (strands,), which of them cast shadows: enough, made wider, for the shade of all.
    """

    def __init__(self, tufts: Sequence[Tuft], rng: np.random.Generator):
        self.points: Floats = np.concatenate([t.points.reshape(-1, 3) for t in tufts])
        self.widths: Floats = np.concatenate([t.widths.ravel() for t in tufts])
        self.openness: Floats = np.concatenate([t.openness.ravel() for t in tufts])
        self.colours: Floats = np.concatenate([t.colours.reshape(-1, 3) for t in tufts])
        self.normals: Floats = np.concatenate([t.normals for t in tufts])
        lengths = np.concatenate([np.full(len(t.points), t.points.shape[1]) for t in tufts])
        self.strand: Ints = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        regions = np.concatenate([np.full(len(t.points), t.region, np.uint8) for t in tufts])
        self.regions: Bytes = regions[self.strand]
        self.phases: Floats = (rng.random(len(lengths)) * 2 * np.pi).astype(np.float32)[self.strand]
        self.casting: Flags = np.concatenate(
            [np.arange(len(t.points)) % max(1, round(1 / t.casts)) == 0 for t in tufts]
        )

        ends = np.cumsum(lengths)
        last = np.zeros(len(self.points), bool)
        last[ends - 1] = True
        first = np.zeros(len(self.points), bool)
        first[ends - lengths] = True
        number = np.arange(len(self.points), dtype=np.int32)
        self._next = np.where(last, number, number + 1)
        self._before = np.where(first, number, number - 1)
        self._starts = number[~last]  # of each segment

    def tangents(self, points: Floats) -> Floats:
        """Returns unit directions (n, 3) along the strands whose points have moved to `points`."""
        return normalised(points[self._next] - points[self._before])

    def visible(self, view: Floats) -> Flags:
        """Tells which strands (strands,) may be seen from direction `view`, given in the head's frame."""
        return self.normals @ view > -0.35

    def ribbons(self, points: Floats, sides: Floats, chosen: Flags) -> tuple[Ribbons, Ints]:
        """Makes ribbons of the chosen strands.

        Args:
            points: (n, 3), where the strands are.
            sides: (n, 3), half the width across, at each point.
            chosen: bool (strands,).

        Returns:
            The ribbons, and the numbers (k,) of the points that they have, in the order of their vertices.
        """
        used = chosen[self.strand]
        numbers = np.flatnonzero(used).astype(np.int32)
        place = np.cumsum(used, dtype=np.int32) - 1
        starts = place[self._starts[used[self._starts]]]
        n = len(numbers)
        triangles = np.stack(
            [np.stack([starts, starts + 1, starts + 1 + n], 1), np.stack([starts, starts + 1 + n, starts + n], 1)], 1
        )
        p, s = points[numbers], sides[numbers]
        return Ribbons(np.concatenate([p - s, p + s]), triangles.reshape(-1, 3)), numbers


def across(tangents: Floats, towards: Floats, half_widths: Floats) -> Floats:
    """Returns vectors (n, 3) of the given lengths (n,) across strands, in the plane that faces the viewer."""
    side = np.empty_like(tangents)
    for axis in range(3):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        side[:, axis] = tangents[:, a] * towards[:, b] - tangents[:, b] * towards[:, a]
    lengths = np.sqrt(np.einsum("ij,ij->i", side, side)) + np.float32(1e-9)
    side *= (half_widths / lengths)[:, None]
    return side
