"""Textures, and the one picture into which all textures of a scene are packed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_pipeline.people.colour import to_bytes, to_srgb
from data_pipeline.people.geometry import Bytes, Floats, floats
from data_pipeline.people.regions import Region

_GAP = 2  # texels between textures, which bilinear lookups may reach


@dataclass(frozen=True)
class Texture:
    """Describes the surface of a mesh by texel.

    Attributes:
        colour: uint8 (h, w, 3), sRGB albedo.
        surface: uint8 (h, w, 3): height (128 is flat), gloss, translucency.
        regions: uint8 (h, w), of `Region`.
    """

    colour: Bytes
    surface: Bytes
    regions: Bytes


def texture(
    albedo: Floats,
    region: Region | Bytes,
    *,
    height: Floats | float = 0.5,
    gloss: Floats | float = 0.1,
    translucency: Floats | float = 0.0,
) -> Texture:
    """Makes a texture of albedo (h, w, 3) in linear light; all values are 0 to 1, one number or one a texel."""
    shape = albedo.shape[:2]
    surface = np.empty((*shape, 3), np.uint8)
    for channel, values in enumerate((height, gloss, translucency)):
        surface[..., channel] = to_bytes(np.asarray(values, np.float32))
    regions = np.full(shape, region, np.uint8) if isinstance(region, Region) else region
    return Texture(to_bytes(to_srgb(np.clip(albedo, 0, 1))), surface, regions)


class Atlas:
    """Holds all textures of a scene in one picture.

    Attributes:
        colour, surface, regions: as in `Texture`.
    """

    def __init__(self, textures: Mapping[str, Texture]):
        sizes = {name: item.regions.shape for name, item in textures.items()}
        corners, shape = _pack(sizes)
        self.colour = np.zeros((*shape, 3), np.uint8)
        self.surface = np.zeros((*shape, 3), np.uint8)
        self.regions = np.zeros(shape, np.uint8)
        self._cells: dict[str, tuple[int, int, int, int]] = {}
        for name, item in textures.items():
            (y, x), (h, w) = corners[name], sizes[name]
            self._cells[name] = (x, y, w, h)
            for picture, part in (
                (self.colour, item.colour),
                (self.surface, item.surface),
                (self.regions, item.regions),
            ):
                picture[y : y + h, x : x + w] = part

    def pixels(self, name: str, place: Floats) -> Floats:
        """Maps places in a texture (n, 2), 0 to 1 with y down, to continuous coordinates of the atlas."""
        x, y, w, h = self._cells[name]
        inside = np.clip(place * floats([w, h]), 0.5, floats([w - 0.5, h - 0.5]))
        return np.asarray(inside + floats([x, y]), np.float32)


def _pack(sizes: Mapping[str, tuple[int, ...]]) -> tuple[dict[str, tuple[int, int]], tuple[int, int]]:
    """Packs rectangles (h, w) in columns as tall as the tallest: their corners (y, x), and the whole shape."""
    order = sorted(sizes, key=lambda name: (-sizes[name][1], -sizes[name][0], name))
    tallest = max(size[0] for size in sizes.values())
    corners: dict[str, tuple[int, int]] = {}
    x = y = column = 0
    for name in order:
        h, w = sizes[name]
        if y and y + h > tallest:
            x, y, column = x + column + _GAP, 0, 0
        corners[name] = (y, x)
        y, column = y + h + _GAP, max(column, w)
    return corners, (tallest + _GAP, x + column + _GAP)


def filled(side: int, colour: npt.ArrayLike) -> Floats:
    """Returns a square of one colour in linear light (side, side, 3)."""
    return np.ones((side, side, 3), np.float32) * np.asarray(colour, np.float32)
