"""Small fields that are drawn once and placed at any resolution: noise, light, and the shading of height fields."""

from dataclasses import dataclass

import cv2
import numpy as np

from data_pipeline.drawn import palette


def noise(rng: np.random.Generator, n: int, cells: int, octaves: int = 3, gain: float = 0.5) -> np.ndarray:
    """Returns value noise (n, n) float32 around 0.5, mostly in [0, 1], its lowest octave of `cells` features a side."""
    total, weight, amount = np.zeros((n, n), np.float32), 0.0, 1.0
    for octave in range(octaves):
        side = min(cells << octave, n)
        grid = rng.random((side + 2, side + 2), np.float32)
        total += amount * cv2.resize(grid, (n, n), interpolation=cv2.INTER_CUBIC)
        weight += amount
        amount *= gain
    return total / weight


def grid(box: tuple[float, float, float, float], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns x (1, n) and y (n, 1), float32, of the pixel centres of an n x n field over `box` (x0, y0, x1, y1)."""
    t = (np.arange(n, dtype=np.float32) + np.float32(0.5)) / np.float32(n)
    return (box[0] + (box[2] - box[0]) * t)[None], (box[1] + (box[3] - box[1]) * t)[:, None]


@dataclass(frozen=True)
class Light:
    """A key light from `direction` (unit vector: right, down, towards the viewer) and an ambient, both RGB."""

    direction: np.ndarray
    key: np.ndarray
    ambient: np.ndarray

    @staticmethod
    def draw(rng: np.random.Generator) -> "Light":
        """Draws anything from soft frontal light to a hard side light, warm or cold."""
        direction = np.array([rng.uniform(-1, 1), rng.uniform(-0.9, 0.15), rng.uniform(0.55, 1.3)])
        contrast = rng.uniform(0.25, 0.8)
        level = rng.uniform(0.85, 1.12)
        warmth, fill_warmth = rng.normal(0, 0.05), rng.normal(0, 0.04)
        key = level * contrast * 1.35 * (1 + warmth * np.array([1, 0.1, -1]))
        ambient = level * (1 - contrast) * 0.98 * (1 + fill_warmth * np.array([1, 0.1, -1]))
        return Light(direction / np.linalg.norm(direction), key.astype(np.float32), ambient.astype(np.float32))

    def on(self, height: np.ndarray, cell: float, translucency: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Returns illumination (3, n, n) and highlight (n, n) in [0, 1] of a height field whose cells are `cell` wide.

        `translucency` wraps the light around the edge of the shadow, red most, as skin does.
        """
        gx = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=1 / (8 * cell), borderType=cv2.BORDER_REPLICATE)
        gy = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=1 / (8 * cell), borderType=cv2.BORDER_REPLICATE)
        x, y, z = self.direction.astype(np.float32)
        facing = (z - gx * x - gy * y) / np.sqrt(1 + gx * gx + gy * gy)
        wrap = np.float32(translucency) * np.array([0.45, 0.2, 0.12], np.float32)[:, None, None]
        lit = np.maximum((facing + wrap) / (1 + wrap), 0)
        shine = np.maximum(facing, 0) ** 24
        return self.ambient[:, None, None] + self.key[:, None, None] * lit, shine

    def flat(self) -> np.ndarray:
        """Returns illumination (3,) of a surface that faces the viewer."""
        return self.ambient + self.key * max(float(self.direction[2]), 0.0)


def tinted(planes: np.ndarray, colour: palette.Colour, amount: np.ndarray) -> np.ndarray:
    """Planes (3, n, n) mixed towards a colour by a field (n, n)."""
    return np.asarray(planes + (np.asarray(colour, np.float32)[:, None, None] - planes) * amount)
