"""OpenCV's triangle rasteriser: pictures of three attributes with depth, and depth maps.

Its camera looks to −z with square pixels, samples at pixel centres, draws perspective-correct attributes of any
range, and never clears its buffers, so that several meshes may share them. It does not check indices.
"""

import math

import cv2
import numpy as np

from data_pipeline.people.geometry import Bytes, Floats, Ints, floats

_EDGE = 0.5  # decimetres: a depth this close to the far plane is background, for the buffer is converted to and fro


def raster_settings(culled: bool = False) -> cv2.TriangleRasterizeSettings:
    """Returns the rasteriser's settings: interpolated attributes, and whether back faces are left out."""
    settings = cv2.TriangleRasterizeSettings()
    settings.setCullingMode(cv2.RASTERIZE_CULLING_CW if culled else cv2.RASTERIZE_CULLING_NONE)
    settings.setShadingType(cv2.RASTERIZE_SHADING_SHADED)
    return settings


class Canvas:
    """Holds a picture of attributes (side, side, 3) and its depth (side, side), which meshes are drawn into.

    Args:
        side: in pixels.
        camera: (4, 4), world to camera.
        half: half the height, in decimetres, of what is seen at `distance`.
        distance: of the middle of the scene from the camera.
        depth: how far the scene reaches before and behind its middle.
    """

    def __init__(self, side: int, camera: Floats, half: float, distance: float, depth: float = 5.5):
        self.side, self._camera = side, camera
        self._angle = 2 * math.atan(half / distance)
        self._near, self.far = max(distance - depth, 0.3), distance + depth
        self.values = np.zeros((side, side, 3), np.float32)
        self.depth = np.full((side, side), self.far, np.float32)

    def draw(self, vertices: Floats, triangles: Ints, values: Floats, culled: bool = False) -> None:
        """Draws a mesh with attributes (n, 3), nearer than what is there."""
        if len(triangles):
            cv2.triangleRasterize(
                vertices,
                triangles,
                values,
                self.values,
                self.depth,
                self._camera,
                self._angle,
                self._near,
                self.far,
                raster_settings(culled),
            )

    def draw_only(self, vertices: Floats, triangles: Ints, values: Floats, culled: bool = False) -> Floats:
        """Draws other attributes of a mesh into a picture of its own."""
        picture = np.zeros((self.side, self.side, 3), np.float32)
        cv2.triangleRasterizeColor(
            vertices,
            triangles,
            values,
            picture,
            self._camera,
            self._angle,
            self._near,
            self.far,
            raster_settings(culled),
        )
        return picture

    def in_view(self, vertices: Floats, triangles: Ints, closed: int) -> Ints:
        """Returns the triangles (m, 3) that may be seen: in the picture and, of the first `closed`, those facing it.

        Each fragment costs even where another hides it, so half of a head is worth leaving out.
        """
        seen = vertices @ np.ascontiguousarray(self._camera[:3, :3].T) + self._camera[:3, 3]
        scale = 1 / (math.tan(self._angle / 2) * np.maximum(-seen[:, 2], 1e-3))
        x, y = seen[:, 0] * scale, seen[:, 1] * scale
        outside = (x < -1) * 1 | (x > 1) * 2 | (y < -1) * 4 | (y > 1) * 8  # the sides of the picture that it is beyond
        i, j, k = triangles.T
        kept = (outside[i] & outside[j] & outside[k]) == 0
        i, j, k = i[:closed], j[:closed], k[:closed]
        facing = (x[j] - x[i]) * (y[k] - y[i]) > (x[k] - x[i]) * (y[j] - y[i])
        # Where a corner is behind the camera, the sign of the area says nothing.
        behind = seen[:, 2] > -self._near
        kept[:closed] &= facing | behind[i] | behind[j] | behind[k]
        return triangles[kept]

    def draw_behind(self, vertices: Floats, triangles: Ints, values: Floats) -> tuple[Floats, np.ndarray]:
        """Draws a mesh where nothing that was drawn hides it, and keeps the canvas: attributes, and where they are."""
        picture, depth = np.zeros_like(self.values), self.depth.copy()
        cv2.triangleRasterize(
            vertices,
            triangles,
            values,
            picture,
            depth,
            self._camera,
            self._angle,
            self._near,
            self.far,
            raster_settings(),
        )
        return picture, depth < self.depth - 1e-3

    def shrink(self, picture: Floats, size: int) -> Floats:
        """Averages samples (side, side, …) into pixels (size, size, …)."""
        return picture if self.side == size else floats(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA))

    @property
    def covered(self) -> np.ndarray:
        """Tells which pixels show anything: bool (side, side)."""
        return self.depth < self.far - _EDGE


def depth_map(
    vertices: Floats, triangles: Ints, camera: Floats, half: float, distance: float, side: int, depth: float
) -> Floats:
    """Returns the distance (side, side) along the view axis of a mesh; `distance` + `depth` where there is none."""
    picture = np.full((side, side), distance + depth, np.float32)
    if len(triangles):
        angle = 2 * math.atan(half / distance)
        cv2.triangleRasterizeDepth(
            vertices, triangles, picture, camera, angle, distance - depth, distance + depth, raster_settings()
        )
    return picture


def sample_depth(
    picture: Floats, points: Floats, camera: Floats, half: float, distance: float
) -> tuple[Floats, Floats]:
    """Returns the depths (n,) of points in a map's camera, and what the map shows there (far away outside it)."""
    side = picture.shape[0]
    seen = points @ np.ascontiguousarray(camera[:3, :3].T) + camera[:3, 3]
    depth = -seen[:, 2]
    scale = np.float32(side / 2 / (half / distance)) / depth
    u, v = seen[:, 0] * scale + np.float32(side / 2 - 0.5), np.float32(side / 2 - 0.5) - seen[:, 1] * scale
    shown = remap_points(picture, u, v)
    return depth, shown


def remap_points(picture: Floats | Bytes, u: Floats, v: Floats, border: float = 99.0) -> np.ndarray:
    """Samples a picture bilinearly at points (n,) given in pixels, whose centres are whole numbers."""
    width = 2048  # cv2.remap refuses more than 32767 rows
    count = len(u)
    rows = -(-count // width)
    padded = [
        np.pad(values.astype(np.float32, copy=False), (0, rows * width - count)).reshape(rows, width)
        for values in (u, v)
    ]
    sampled = cv2.remap(
        picture, padded[0], padded[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(border,) * 4
    )
    return np.asarray(sampled.reshape(rows * width, *picture.shape[2:])[:count])
