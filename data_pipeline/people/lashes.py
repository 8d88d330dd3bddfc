"""Lashes: strands that follow the strips of the mesh, which move with the lids."""

from collections import defaultdict
from functools import cache
from typing import NamedTuple

import numpy as np

from data_pipeline.people.assets import Assets, load_assets
from data_pipeline.people.geometry import Floats, Ints, floats, normalised
from data_pipeline.people.identity import Traits

_STRIPS = ("left_upper_lashes", "right_upper_lashes", "left_lower_lashes", "right_lower_lashes")
_ROWS = (0, 2, 4)  # of the five rows of a strip, those that a strand has a point on
_HALF_WIDTHS = (0.0055, 0.0042, 0.0008)


class Lashes(NamedTuple):
    """Holds the lashes of one lid: the strip's vertices (5, columns), root row first; per lash, place and length."""

    grid: Ints
    column: Floats
    length: Floats
    lean: Floats


def draw_lashes(rng: np.random.Generator, traits: Traits) -> list[Lashes]:
    """Draws the lashes of all four lids."""
    made_up = 1.15 if traits.lips is not None else 1.0
    lashes = []
    for strip in _STRIPS:
        upper = "upper" in strip
        grid, count = lash_grid(strip), 70 if upper else 45
        column = np.sort(rng.uniform(0, grid.shape[1] - 1.001, count)).astype(np.float32)
        size = (1.0 if upper else 0.6) * (made_up if traits.gender < 0.5 else 0.75)
        length = rng.uniform(0.55, 1.05, count) * size
        lashes.append(Lashes(grid, column, length.astype(np.float32), rng.normal(0, 0.5, count).astype(np.float32)))
    return lashes


def lash_ribbons(lashes: list[Lashes], positions: Floats, wider: float) -> tuple[Floats, Ints]:
    """Makes ribbons of the lashes on a mesh (V, 3): vertices (n, 3) and triangles (m, 3)."""
    vertices, triangles, used = [], [], 0
    for grid, column, length, lean in lashes:
        corners, left = positions[grid], column.astype(int)
        share = (column - left)[:, None]
        rows = [corners[row][left] * (1 - share) + corners[row][left + 1] * share for row in _ROWS]
        along = normalised(corners[0][left + 1] - corners[0][left])
        points = [rows[0]]
        for index, row in enumerate(_ROWS[1:], start=1):
            bent = along * (lean * 0.025 * (row / 4) ** 2)[:, None]
            points.append(rows[0] + (rows[index] - rows[0]) * length[:, None] + bent)
        line = np.stack(points, 1)
        half = along[:, None] * (floats(_HALF_WIDTHS) * wider)[None, :, None]
        n, first = line.shape[0] * 3, np.arange(len(left)) * 3
        vertices += [(line - half).reshape(-1, 3), (line + half).reshape(-1, 3)]
        for k in (0, 1):
            a = first + k
            triangles += [np.stack([a, a + 1, a + 1 + n], 1) + used, np.stack([a, a + 1 + n, a + n], 1) + used]
        used += 2 * n
    return np.concatenate(vertices).astype(np.float32), np.concatenate(triangles).astype(np.int32)


@cache
def lash_grid(strip: str) -> Ints:
    """Returns the mesh vertices (5, columns) of a strip of lashes, from the lid outwards."""
    assets = load_assets()
    quads = assets.mesh_quads[assets.part == assets.part_names.index(strip)]
    rows = _rows_of_strip(quads)
    eye = assets.positions[assets.vertices_of("left_eye" if strip.startswith("left") else "right_eye")].mean(0)
    return _root_first(assets, rows, eye)


def _root_first(assets: Assets, rows: Ints, eye: Floats) -> Ints:
    distances = np.linalg.norm(assets.positions[rows] - eye, axis=-1).mean(1)
    return rows[::-1] if distances[0] > distances[-1] else rows


def _rows_of_strip(quads: Ints) -> Ints:
    """Orders the vertices of a rectangular grid of quads into rows along its longer side."""
    neighbours: dict[int, set[int]] = defaultdict(set)
    quad_count: dict[int, int] = defaultdict(int)
    for quad in quads.tolist():
        for corner in range(4):
            neighbours[quad[corner]].update((quad[(corner + 1) % 4], quad[corner - 1]))
            quad_count[quad[corner]] += 1
    corners = sorted(vertex for vertex, count in quad_count.items() if count == 1)
    border = {vertex for vertex, count in quad_count.items() if count <= 2}

    def walk(path: list[int]) -> list[int]:
        while path[-1] not in corners:
            path.append(next(v for v in sorted(neighbours[path[-1]]) if v in border and v not in path))
        return path

    start = corners[0]
    short, long = sorted((walk([start, v]) for v in sorted(neighbours[start]) if v in border), key=len)
    rows = [long]
    for first in short[1:]:
        row, seen = [first], {vertex for earlier in rows for vertex in earlier}
        for above in rows[-1][1:]:
            row.append(next(v for v in sorted(neighbours[above] & neighbours[row[-1]]) if v not in seen))
        rows.append(row)
    return np.array(rows, np.int32)
