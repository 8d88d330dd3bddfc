"""Vectors, rotations and cameras. One unit is a decimetre; y is up, z forward (to the viewer), x the person's left."""

import math

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]  # float32, unless a value is on its way to a vertex or a pixel
Ints = npt.NDArray[np.integer]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]


def vector(*values: float) -> Floats:
    """Returns a float32 vector."""
    return np.array(values, np.float32)


def floats(values: npt.ArrayLike) -> Floats:
    """Returns values as a float32 array."""
    return np.asarray(values, np.float32)


def normalised(vectors: Floats) -> Floats:
    """Returns the vectors (..., 3) at length 1; zero vectors stay zero."""
    lengths = np.sqrt(np.einsum("...i,...i->...", vectors, vectors)) + np.float32(1e-9)
    return np.asarray(vectors / lengths[..., None], np.float32)


def rotation_x(angle: float) -> Floats:
    """Returns the rotation by `angle` radians about x: positive nods downwards."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]], np.float32)


def rotation_y(angle: float) -> Floats:
    """Returns the rotation by `angle` radians about y: positive turns to the person's left."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)


def rotation_z(angle: float) -> Floats:
    """Returns the rotation by `angle` radians about z: positive tilts to the person's right, seen by the person."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)


def rotation_about(axis: Floats, angle: float) -> Floats:
    """Returns the rotation by `angle` radians about any axis (3,)."""
    unit = np.asarray(axis, np.float64) / (np.linalg.norm(axis) + 1e-12)
    return np.asarray(cv2.Rodrigues(unit * angle)[0], np.float32)


def about_point(rotation: Floats, point: Floats) -> Floats:
    """Returns the 4×4 matrix that rotates about `point`."""
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = point - rotation @ point
    return matrix


def transform(points: Floats, matrix: Floats) -> Floats:
    """Maps points (n, 3) by an affine matrix (3 or 4, 4)."""
    return points @ np.ascontiguousarray(matrix[:3, :3].T) + matrix[:3, 3]


def look_at(direction: Floats, centre: Floats, distance: float) -> Floats:
    """Returns the world-to-camera matrix of a camera at `centre` + `distance` · `direction` that looks at `centre`."""
    z = normalised(direction)
    up = vector(0, 1, 0) if abs(z[1]) < 0.95 else vector(1, 0, 0)
    x = normalised(np.cross(up, z))
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = np.stack([x, np.cross(z, x), z])
    matrix[:3, 3] = -matrix[:3, :3] @ (centre + z * np.float32(distance))
    return matrix


def triangles_of(quads: Ints) -> Ints:
    """Splits quads (n, 4) into triangles (2n, 3) of the same winding."""
    return np.ascontiguousarray(np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32))


def smoothstep(low: float, high: float, values: npt.ArrayLike) -> Floats:
    """Rises smoothly from 0 at `low` to 1 at `high`; falls where `high` is below `low`."""
    t = np.clip((np.asarray(values, np.float32) - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def mesh_normals(positions: Floats, triangles: Ints) -> Floats:
    """Returns the unit normal (n, 3) of each vertex of a triangle mesh, weighted by area."""
    a, b, c = (positions[triangles[:, i]] for i in range(3))
    faces = np.cross(b - a, c - a)
    total: Floats = np.stack(
        [np.bincount(triangles.ravel(), np.repeat(faces[:, i], 3), len(positions)) for i in range(3)], axis=1
    )
    return normalised(total)


def parallel_grid(rows: int, columns: int, closed: bool = False) -> Ints:
    """Returns the triangles of a grid of vertices in row-major order; `closed` joins the last column to the first."""
    a = np.arange(rows * columns).reshape(rows, columns)
    b = np.roll(a, -1, axis=1)
    quads = np.stack([a[:-1], b[:-1], b[1:], a[1:]], -1)
    return triangles_of((quads if closed else quads[:, :-1]).reshape(-1, 4))
