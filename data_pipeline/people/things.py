"""A thing in the scene, which is all that held objects, wear, or an idea of yours must give: a `Thing` of `Part`s.

A part is a triangle mesh with a texture: colour, relief, gloss, and the `Region` that each texel counts as. A thing
says what it is fastened to: "head" (vertices are given in the coordinates of the person's body at rest, and the head's
rotation carries them along), "hand" (coordinates of `hands.Hand`, mirrored with it), "body" (those of the body at rest,
which do not move), or "skin" (vertices are offsets from the texture vertices of the head in `Part.corners`, so that the
thing follows the face as a mask does).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from data_pipeline.people.atlas import Texture
from data_pipeline.people.geometry import Floats, Ints, floats, mesh_normals, normalised, parallel_grid

Attachment = Literal["head", "hand", "body", "skin"]


@dataclass(frozen=True)
class Part:
    """Is a mesh of one texture.

    Attributes:
        vertices: float32 (n, 3), in decimetres.
        triangles: int32 (m, 3), counter-clockwise seen from outside; both sides are drawn.
        places: float32 (n, 2), in the texture: 0 to 1, y down.
        texture: what it looks like, and what it counts as.
        normals: float32 (n, 3); those of the mesh if None.
        corners: int32 (n,), for things on the skin: the texture vertices that the vertices are offsets from.
        pane: whether it is clear glass, which is seen by what it reflects alone.
    """

    vertices: Floats
    triangles: Ints
    places: Floats
    texture: Texture
    normals: Floats | None = None
    corners: Ints | None = None
    pane: bool = False

    @property
    def shading_normals(self) -> Floats:
        """Returns the normals (n, 3)."""
        return mesh_normals(self.vertices, self.triangles) if self.normals is None else self.normals


@dataclass(frozen=True)
class Thing:
    """Describes what is worn or held: its category ("cup", "glasses", …), its parts, and what these are fastened to."""

    category: str
    parts: tuple[Part, ...]
    attachment: Attachment


def lathe(profile: Sequence[tuple[float, float]], texture: Texture, spokes: int = 28) -> Part:
    """Turns a profile of (height, radius) about the z axis; a radius of 0 closes it."""
    heights, radii = np.array(profile, np.float32).T
    angles = np.linspace(0, 2 * np.pi, spokes + 1, dtype=np.float32)
    points = np.stack(
        [radii[:, None] * np.cos(angles), radii[:, None] * np.sin(angles), heights[:, None] + 0 * angles], -1
    )
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(heights), np.diff(radii)))])
    along = 1 - length / max(length[-1], 1e-6)
    places = np.stack(np.broadcast_arrays(angles / (2 * np.pi), along[:, None]), -1)
    # From neighbour to neighbour, whatever their distances: a wall is not shaded by the narrow rim that ends it.
    slopes = np.stack([np.gradient(heights), -np.gradient(radii)], 1)
    normals = np.stack(
        [
            slopes[:, :1] * np.cos(angles),
            slopes[:, :1] * np.sin(angles),
            np.broadcast_to(slopes[:, 1:], (len(heights), spokes + 1)),
        ],
        -1,
    )
    return Part(
        points.reshape(-1, 3).astype(np.float32),
        parallel_grid(len(heights), spokes + 1),
        places.reshape(-1, 2).astype(np.float32),
        texture,
        normalised(normals.reshape(-1, 3)),
    )


def disc(radius: float, height: float, texture: Texture, spokes: int = 28) -> Part:
    """Makes a disc about the z axis that shows its texture as it is."""
    angles = np.linspace(0, 2 * np.pi, spokes, endpoint=False, dtype=np.float32)
    rim = np.stack([np.cos(angles), np.sin(angles)], -1)
    places = 0.5 + 0.49 * np.concatenate([np.zeros((1, 2), np.float32), rim])
    vertices = np.concatenate([(places - 0.5) * (radius / 0.49), np.full((spokes + 1, 1), height)], 1)
    edge = np.arange(spokes)
    triangles = np.stack([0 * edge, 1 + edge, 1 + (edge + 1) % spokes], 1)
    up = np.tile(floats([0, 0, 1]), (spokes + 1, 1))
    return Part(vertices.astype(np.float32), triangles.astype(np.int32), places.astype(np.float32), texture, up)


def sheet(points: Floats, texture: Texture, closed: bool = False) -> Part:
    """Makes a sheet of a grid of points (rows, columns, 3); `closed` joins its last column to the first."""
    rows, columns = points.shape[:2]
    if closed:
        points, columns = np.concatenate([points, points[:, :1]], 1), columns + 1
    s, t = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
    vertices = points.reshape(-1, 3).astype(np.float32)
    triangles = parallel_grid(rows, columns)
    normals = mesh_normals(vertices, triangles)
    if closed:  # the seam is one line of points
        grid = normals.reshape(rows, columns, 3)
        grid[:, 0] = grid[:, -1] = normalised(grid[:, 0] + grid[:, -1])
    return Part(vertices, triangles, np.stack([s, t], -1).reshape(-1, 2).astype(np.float32), texture, normals)


def tube(points: Floats, radius: float | Floats, texture: Texture, spokes: int = 8, closed: bool = False) -> Part:
    """Makes a tube about a line of points (n, 3); `closed` joins its end to its start."""
    if closed:
        points = np.concatenate([points, points[:1]])
    along = normalised(np.gradient(points, axis=0))
    if closed:
        along[0] = along[-1] = normalised(points[1] - points[-2])
    side = normalised(np.cross(along, [0.13, 0.21, 0.97]))
    up = np.cross(along, side)
    angles = np.arange(spokes) * 2 * np.pi / spokes
    ring = side[:, None] * np.cos(angles)[None, :, None] + up[:, None] * np.sin(angles)[None, :, None]
    radii = np.broadcast_to(np.asarray(radius, np.float32), len(points))
    return sheet((points[:, None] + ring * radii[:, None, None]).astype(np.float32), texture, closed=True)


def box(size: tuple[float, float, float], texture: Texture, bevel: float = 0.03) -> Part:
    """Makes a box about the origin with beveled edges; its faces ±y show the texture whole."""
    half = floats(size) / 2
    faces: list[np.ndarray] = []
    vertices, places = [], []
    for axis in range(3):
        for sign in (-1, 1):
            a, b = [(1, 2), (0, 2), (0, 1)][axis]
            corners = np.zeros((4, 3), np.float32)
            for row, (s, t) in enumerate(((-1, -1), (1, -1), (1, 1), (-1, 1))):
                corners[row, axis] = sign * half[axis]
                corners[row, a], corners[row, b] = s * (half[a] - bevel), t * (half[b] - bevel)
            vertices.append(corners)
            whole = floats([(0, 0), (1, 0), (1, 1), (0, 1)])
            places.append(whole if axis == 1 else whole * 0.04 + 0.01)
            faces.append(np.array([(0, 1, 2), (0, 2, 3)]) + 4 * len(faces))
    points = np.concatenate(vertices)
    normals = normalised(points / half + 0 * points)
    main = np.repeat(np.eye(3, dtype=np.float32).repeat(2, 0) * np.tile([-1, 1], 3)[:, None], 4, axis=0)
    triangles = np.concatenate([*faces, _seams(points)]).astype(np.int32)
    return Part(
        points, triangles, np.concatenate(places), texture, normalised(main + 0.25 * normals).astype(np.float32)
    )


def _seams(points: Floats) -> Ints:
    """Closes the gaps that bevels leave: a quad along each edge and a triangle at each corner."""
    signs = np.sign(points).astype(int)
    face = np.arange(len(points)) // 4
    corners: dict[tuple[int, ...], list[int]] = {}
    for index, key in enumerate(map(tuple, signs.tolist())):
        corners.setdefault(key, []).append(index)
    triangles = list(corners.values())
    for key, members in corners.items():
        for axis in range(3):
            if key[axis] < 0:
                other = corners[tuple(1 if i == axis else value for i, value in enumerate(key))]
                shared = [(m, o) for m in members for o in other if face[m] == face[o]]
                (a, b), (c, d) = shared
                triangles += [[a, b, d], [a, d, c]]
    return np.array(triangles, np.int32)


def moved(part: Part, rotation: Floats, offset: Floats) -> Part:
    """Returns a part rotated, then moved."""
    turned = np.ascontiguousarray(np.asarray(rotation, np.float32).T)
    normals = None if part.normals is None else part.normals @ turned
    return Part(
        part.vertices @ turned + offset, part.triangles, part.places, part.texture, normals, part.corners, part.pane
    )
