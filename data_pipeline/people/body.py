"""A person's mesh at rest, and the surfaces that hair and hands rest on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from data_pipeline.people.assets import load_assets
from data_pipeline.people.geometry import Flags, Floats, Ints, floats, normalised, triangles_of
from data_pipeline.people.layout import TEXTURES, mesh_layout
from data_pipeline.people.rasterise import remap_points


@dataclass(frozen=True)
class Body:
    """Describes a person without expression, looking ahead.

    Attributes:
        positions: float32 (V, 3), of the mesh vertices.
        normals: float32 (V, 3).
        neck, head: joints (3,); the head turns about the latter.
        scale: size of the head to that of the base mesh.
    """

    positions: Floats
    normals: Floats
    neck: Floats
    head: Floats
    scale: float

    @classmethod
    def shaped(cls, shape: Mapping[str, float]) -> "Body":
        """Makes the body of these target weights."""
        assets = load_assets()
        positions = assets.morph(assets.positions.copy(), shape)
        skull = assets.vertices_of("head")
        skull = skull[assets.positions[skull, 1] > 7.0]
        size = [np.ptp(points[skull], axis=0).mean() for points in (positions, assets.positions)]
        neck, head = (assets.joint(positions, name) for name in ("neck", "head"))
        return cls(positions, assets.normals(positions), neck, head, float(size[0] / size[1]))

    def landmark(self, base: Floats) -> Floats:
        """Returns where the vertex of the head nearest to a point of the base mesh is, from the head joint."""
        vertices = load_assets().vertices_of("head")
        nearest = vertices[np.argmin(((load_assets().positions[vertices] - base) ** 2).sum(1))]
        return np.asarray(self.positions[nearest] - self.head, np.float32)

    @cached_property
    def skull(self) -> "Skull":
        """Returns the head as radii about its centre."""
        return Skull(self)

    @cached_property
    def shoulders(self) -> "Shoulders":
        """Returns neck and shoulders, below hair."""
        return Shoulders(self)


class Skull:
    """Keeps the head's surface as a map of radii by direction, which keeps strands outside."""

    _ROWS, _COLUMNS, _PAD = 64, 96, 4

    def __init__(self, body: Body):
        assets = load_assets()
        vertices = assets.vertices_of("head")
        vertices = vertices[assets.positions[vertices, 1] > 6.15]
        self.centre: Floats = body.head + floats([0, 0.55, 0.25]) * np.float32(body.scale)
        offsets = body.positions[vertices] - self.centre
        radii = np.linalg.norm(offsets, axis=1)
        row, column = self._place(offsets, radii)
        grid = np.zeros((self._ROWS, self._COLUMNS), np.float32)
        np.maximum.at(grid, (np.round(row).astype(int), np.round(column).astype(int) % self._COLUMNS), radii)
        grid = np.pad(self._filled(grid), ((0, 0), (self._PAD, self._PAD)), mode="wrap")
        self._radii = cv2.GaussianBlur(grid, (0, 0), 0.8)

    def locate(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        """Returns the points' distances from the centre (n,), the surface's there (n,), and their directions (n, 3)."""
        offsets = points - self.centre
        distances = np.sqrt(np.einsum("ij,ij->i", offsets, offsets)) + np.float32(1e-6)
        row, column = self._place(offsets, distances)
        surface = cv2.remap(self._radii, column[:, None] + np.float32(self._PAD), row[:, None], cv2.INTER_LINEAR)
        return distances, floats(surface[:, 0]), offsets / distances[:, None]

    def _place(self, offsets: Floats, distances: Floats) -> tuple[Floats, Floats]:
        polar = np.arccos(np.clip(offsets[:, 1] / distances, -1, 1)) / np.pi * (self._ROWS - 1)
        around = (np.arctan2(offsets[:, 0], offsets[:, 2]) / (2 * np.pi) + 0.5) * self._COLUMNS
        return polar.astype(np.float32), around.astype(np.float32)

    def _filled(self, grid: Floats) -> Floats:
        """Fills directions without a vertex from their neighbours."""
        for _ in range(self._ROWS):
            empty = grid == 0
            if not empty.any():
                break
            padded = np.pad(grid, ((1, 1), (1, 1)), mode="wrap")
            padded[0], padded[-1] = padded[1], padded[-2]
            total = cv2.blur(padded, (3, 3))[1:-1, 1:-1]
            weight = cv2.blur((padded > 0).astype(np.float32), (3, 3))[1:-1, 1:-1]
            new = empty & (weight > 0)
            grid[new] = total[new] / weight[new]
        return grid


class Shoulders:
    """Models the neck as a cylinder and shoulders as a height map, which long hair lies on."""

    _SIDE, _EXTENT = 40, 6.0  # cells, decimetres

    def __init__(self, body: Body):
        assets = load_assets()
        vertices = assets.vertices_of("head")
        base_y = assets.positions[vertices, 1]
        neck = body.positions[vertices[(base_y > 5.9) & (base_y < 6.25)]]
        self.centre: Floats = neck.mean(0)
        self.radius = float(np.sqrt(((neck - self.centre)[:, [0, 2]] ** 2).sum(1)).max())
        self.top = float(body.head[1] - 0.3)
        low = body.positions[vertices[base_y < 6.1]]
        heights = np.full((self._SIDE, self._SIDE), -9.0, np.float32)
        cells = np.clip(self._cells(low), 0, self._SIDE - 1).astype(int)
        np.maximum.at(heights, (cells[:, 1], cells[:, 0]), low[:, 1])
        self._heights = cv2.GaussianBlur(cv2.dilate(heights, np.ones((3, 3))), (0, 0), 0.8)

    def push_out(self, points: Floats, offset: Floats) -> tuple[Floats, Flags]:
        """Moves points out of neck and shoulders by `offset` (n,); returns them, and which lie on the shoulders."""
        points = points.copy()
        flat = points[:, [0, 2]] - self.centre[[0, 2]]
        distance = np.sqrt((flat * flat).sum(1)) + 1e-6
        factor = np.where(points[:, 1] < self.top, np.maximum(1, (self.radius + offset) / distance), 1)
        points[:, 0] = self.centre[0] + flat[:, 0] * factor
        points[:, 2] = self.centre[2] + flat[:, 1] * factor
        cells = (self._cells(points) - 0.5).astype(np.float32)
        height = cv2.remap(
            self._heights, cells[:, :1], cells[:, 1:], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )[:, 0]
        floor = height + np.float32(0.13) + offset
        inside = (np.abs(points - self.centre)[:, [0, 2]] < 2.6).all(1)
        resting = inside & (points[:, 1] < floor) & (floor > -5)
        points[:, 1] = np.where(resting, floor, points[:, 1])
        return points.astype(np.float32), resting

    def _cells(self, points: Floats) -> Floats:
        return ((points - self.centre)[:, [0, 2]] / self._EXTENT + 0.5) * self._SIDE


class SkinSampler:
    """Draws points on the skin of the head, by a density that a map of its texels gives."""

    def __init__(self, body: Body):
        assets, layout = load_assets(), mesh_layout()
        triangles = triangles_of(assets.quads_of("head"))
        triangles = triangles[(layout.texture[triangles] == TEXTURES.index("head")).all(1)]
        self.triangles: Ints = triangles
        vertices = assets.mesh_vertex[triangles]
        self.corners, self.normals = body.positions[vertices], body.normals[vertices]
        self.base = assets.positions[vertices]
        edges = self.corners[:, 1:] - self.corners[:, :1]
        self._areas = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1) / 2
        self._places = layout.place[triangles].mean(1)

    def look_up(self, texels: Floats) -> Floats:
        """Returns the value (triangles,) of a map (h, w) of the head at the middle of each triangle."""
        height, width = texels.shape
        x, y = self._places[:, 0] * width - 0.5, self._places[:, 1] * height - 0.5
        return np.asarray(remap_points(texels, x, y, 0.0), np.float32)

    def draw(self, rng: np.random.Generator, density: Floats, count: int) -> tuple[Floats, Floats, Floats]:
        """Draws points by a density (triangles,): where they are, their normals, and their base points, each (n, 3)."""
        total = np.cumsum(self._areas * density)
        index = np.minimum(np.searchsorted(total, rng.random(count) * total[-1]), len(total) - 1)
        a = rng.random((count, 2))
        folded = a.sum(1) > 1
        a[folded] = 1 - a[folded]
        return self.at(index, np.column_stack([1 - a.sum(1), a]).astype(np.float32))

    def at(self, index: np.ndarray, shares: Floats) -> tuple[Floats, Floats, Floats]:
        """Returns positions, normals and base points at barycentric shares (n, 3) of triangles (n,)."""
        weights = shares[..., None]
        normals = normalised((self.normals[index] * weights).sum(1))
        return (self.corners[index] * weights).sum(1), normals, (self.base[index] * weights).sum(1)
