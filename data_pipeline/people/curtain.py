"""The opaque layer beneath falling hair: one sheet round neck and shoulders, which spares hundreds of wide strands."""

from typing import NamedTuple

import cv2
import numpy as np

from data_pipeline.people.body import Body
from data_pipeline.people.geometry import Floats, Ints, floats, mesh_normals, parallel_grid

_COLUMNS = 56
_STEP = 0.16  # decimetres between rows
_LAYER = 0.93  # of the strands' mean distance from the axis
_MIDDLE = 0.55  # what weight of a cell's neighbours lets it be part of the sheet


class Curtain(NamedTuple):
    """Holds a sheet of hair at rest: vertices, normals (n, 3), triangles, places (n, 2) in the texture of the cap."""

    vertices: Floats
    normals: Floats
    triangles: Ints
    places: Floats


def hang_curtain(body: Body, strands: Floats) -> Curtain | None:
    """Makes the sheet that strands (n, points, 3) lie on, by their mean distance from the axis of the head.

    Where few strands hang, before the face, it is open. Returns None where too few hang at all.
    """
    centre = body.skull.centre
    points = strands[:, 2:].reshape(-1, 3)
    top = float(body.head[1] + 0.75)
    points = points[points[:, 1] < top]
    if len(points) < 1000:
        return None
    bottom = float(np.percentile(points[:, 1], 6))
    rows = max(3, int((top - bottom) / _STEP))
    offsets = points - centre
    column = (np.arctan2(offsets[:, 0], offsets[:, 2]) / (2 * np.pi) + 0.5) * _COLUMNS
    row = (top - points[:, 1]) / (top - bottom) * (rows - 1)
    inside = row <= rows - 1
    cell = np.round(row[inside]).astype(int) * _COLUMNS + np.round(column[inside]).astype(int) % _COLUMNS
    radius = np.hypot(offsets[inside, 0], offsets[inside, 2])
    count, total = (
        _smeared(np.bincount(cell, weights, rows * _COLUMNS).reshape(rows, _COLUMNS)) for weights in (None, radius)
    )

    full = count > _MIDDLE * np.median(count[count > 0.3])
    angles = (np.arange(_COLUMNS) / _COLUMNS - 0.5) * 2 * np.pi
    distance = _LAYER * total / np.maximum(count, 1e-3)
    heights = np.linspace(top, bottom, rows)[:, None]
    vertices = centre + np.stack(
        np.broadcast_arrays(distance * np.sin(angles), heights - centre[1], distance * np.cos(angles)), -1
    )
    grid = parallel_grid(rows, _COLUMNS, closed=True)
    triangles = grid[full.ravel()[grid].all(1)]
    if not len(triangles):
        return None
    positions = vertices.reshape(-1, 3).astype(np.float32)
    places = np.stack(np.broadcast_arrays(np.arange(_COLUMNS) / _COLUMNS, np.linspace(0, 1, rows)[:, None]), -1)
    used, inverse = np.unique(triangles, return_inverse=True)
    kept = positions[used]
    triangles = inverse.reshape(-1, 3).astype(np.int32)
    return Curtain(kept, mesh_normals(kept, triangles), triangles, places.reshape(-1, 2)[used].astype(np.float32))


def _smeared(grid: np.ndarray) -> Floats:
    """Blurs a grid (rows, columns) that is closed around."""
    padded = np.pad(floats(grid), ((0, 0), (4, 4)), mode="wrap")
    return floats(cv2.GaussianBlur(padded, (0, 0), 0.9)[:, 4:-4])
