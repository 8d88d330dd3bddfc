"""Surfaces like photographs on drawn things, in place of the plain ones; small colour fields (3, n, n)."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from data_pipeline.drawn import palette
from data_pipeline.surfaces import PictureFolder
from data_pipeline.surfaces.noise import fractal
from data_pipeline.surfaces.painting import painted
from data_pipeline.surfaces.scenes import drawn

N = 192
_SCENE = 256
_FROM_FOLDER = 0.5  # of what is drawn where there are photographs
_SKIN_TONED = 0.3  # of drawn surfaces: a network must not tell a face by its colour alone


class Materials(NamedTuple):
    """Where surfaces and backgrounds come from: drawn ones, and parts of photographs if there is a folder of them."""

    pictures: PictureFolder | None = None

    def draw(self, rng: np.random.Generator, kinds: Sequence[str] = ()) -> np.ndarray:
        """Draws a surface (3, N, N) float32, of one of `kinds` (see `data_pipeline.surfaces`) or of any."""
        if self.pictures is not None and rng.random() < _FROM_FOLDER:
            return _planes(self.pictures.crop(rng, N, N).astype(np.float32) / 255)
        surface = _planes(painted(rng, N, kinds[int(rng.integers(len(kinds)))] if kinds else None))
        if rng.random() < _SKIN_TONED:
            share = palette.skin(rng) / np.maximum(mean_colour(surface), 0.05)
            surface = np.clip(surface * share[:, None, None], 0, 1)
        return surface

    def scene(self, rng: np.random.Generator) -> np.ndarray:
        """Draws a background (3, n, n) float32."""
        if self.pictures is not None and rng.random() < _FROM_FOLDER:
            return _planes(self.pictures.crop(rng, _SCENE, _SCENE).astype(np.float32) / 255)
        return _planes(drawn(rng, _SCENE))


def _planes(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.clip(picture, 0, 1).transpose(2, 0, 1))


def mean_colour(field: np.ndarray) -> np.ndarray:
    """Returns the mean colour (3,) of a field (3, h, w)."""
    return np.asarray(field.mean((1, 2)), np.float32)


def resized(field: np.ndarray, height: int, width: int) -> np.ndarray:
    """Brings a field (c, h, w) to another number of cells."""
    return np.stack([cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA) for plane in field])


def wear(rng: np.random.Generator, n: int = N) -> np.ndarray:
    """Draws what light and use do to a thing as a factor (3, n, n) around 1: slow changes, fine ones, tinted."""
    slow = fractal(rng, n, 2, 0.5) * np.float32(rng.uniform(0.02, 0.12))
    fine = fractal(rng, n, 10, 0.95) * np.float32(rng.uniform(0.01, 0.08))
    tint = rng.uniform(0.8, 1.2, 3).astype(np.float32)[:, None, None]
    return np.clip(1 + slow + fine * tint, 0.3, 1.8).astype(np.float32)
