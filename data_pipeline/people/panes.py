"""Clear glass: it covers nothing, but mirrors the surroundings over what lies behind it."""

import numpy as np

from data_pipeline.people.geometry import Floats, Ints, mesh_normals, normalised
from data_pipeline.people.light import Light, harmonics
from data_pipeline.people.rasterise import Canvas

_LEAST, _MOST = 0.04, 0.7  # of the surroundings that glass mirrors, straight on and at its rim
_DIMMED = 0.06  # of what is behind it, that glass takes away


def add_panes(
    picture: Floats, canvas: Canvas, panes: list[tuple[Floats, Ints]], eye: Floats, light: Light, size: int
) -> None:
    """Lays the reflections of panes over a picture (size, size, 3) in linear light, in place.

    Args:
        picture: of what is behind.
        canvas: what was drawn, whose depth hides panes.
        panes: vertices and triangles of each.
        eye: (3,), where the camera is.
        light: of the scene.
        size: of the picture, of which the canvas has a whole multiple.
    """
    for vertices, triangles in panes:
        normals = mesh_normals(vertices, triangles)
        view = normalised(eye - vertices)
        facing = np.abs(np.einsum("ij,ij->i", normals, view))[:, None]
        mirrored = 2 * np.einsum("ij,ij->i", normals, view)[:, None] * normals - view
        around = np.maximum(harmonics(mirrored) @ light.ambient, 0)
        key = np.clip(mirrored @ light.key, 0, 1)[:, None] ** 24 * light.key_colour
        shine = (around + key) * (_LEAST + (_MOST - _LEAST) * (1 - facing) ** 4)
        drawn, seen = canvas.draw_behind(vertices, triangles, shine.astype(np.float32))
        share = canvas.shrink(seen.astype(np.float32), size)[..., None]
        picture *= 1 - _DIMMED * share
        picture += canvas.shrink(drawn * seen[..., None], size)
