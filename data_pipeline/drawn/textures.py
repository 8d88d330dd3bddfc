"""Surfaces with a pattern: cloth, print, stone; small colour fields (3, n, n)."""

from collections.abc import Sequence

import numpy as np

from data_pipeline.drawn import palette
from data_pipeline.drawn.fields import grid, noise
from data_pipeline.drawn.materials import Materials

N = 128


def draw(
    rng: np.random.Generator,
    colour: palette.Colour | None = None,
    roughness: float = 0.4,
    materials: Materials | None = None,
    kinds: Sequence[str] = (),
) -> np.ndarray:
    """Returns a plain, mottled, striped, checked, dotted, plaid or marbled surface, `roughness` uneven.

    It is around `colour`, or one of its own. With `materials` it is one of theirs instead, of one of `kinds`.
    """
    if materials is not None:
        return materials.draw(rng, kinds)
    base = palette.cloth(rng) if colour is None else colour
    other = palette.cloth(rng) if rng.random() < 0.6 else np.clip(base * rng.uniform(0.5, 1.5), 0, 1).astype(np.float32)
    grain = noise(rng, N, 16, 4, 0.8)
    x, y = grid((-0.5, -0.5, 0.5, 0.5), N)
    angle, rate = rng.uniform(0, np.pi), rng.uniform(3, 14)
    u, v = (x * np.cos(angle) + y * np.sin(angle)) * rate, (y * np.cos(angle) - x * np.sin(angle)) * rate
    kind = rng.integers(7)
    if kind == 0:
        t = np.zeros((N, N), np.float32)
    elif kind == 1:
        t = np.clip((noise(rng, N, 5, 4, 0.6) - 0.5) * 3 + 0.5, 0, 1)
    elif kind == 2:
        t = _edge(np.sin(2 * np.pi * u), rate)
    elif kind == 3:
        t = _edge(np.sin(np.pi * u) * np.sin(np.pi * v), rate)
    elif kind == 4:
        t = _edge(0.3 - np.hypot(u % 1 - 0.5, v % 1 - 0.5), rate * 0.3)
    elif kind == 5:
        t = 0.5 * (_edge(np.sin(2 * np.pi * u) - 0.3, rate) + _edge(np.sin(2 * np.pi * v) - 0.3, rate))
    else:
        t = np.abs(np.sin(6 * (noise(rng, N, 4, 4, 0.6) - 0.5) * rate * 0.4 + u * 0.6)) ** 3
    mixed = base[:, None, None] + (other - base)[:, None, None] * t
    return np.asarray((mixed * (1 + roughness * (grain - 0.5))).astype(np.float32))


def _edge(level: np.ndarray, rate: float) -> np.ndarray:
    """A step at level 0, about one cell soft."""
    return np.clip(level * N / (4 * rate) + 0.5, 0, 1)


def cylinder(light_x: float, n: int = 48) -> np.ndarray:
    """Returns the brightness across an upright glossy cylinder, (1, n), lit from `light_x` in -1 (left) .. 1."""
    x = np.linspace(-0.98, 0.98, n, dtype=np.float32)
    z = np.sqrt(1 - x * x)
    facing = np.maximum((x * light_x + z) / np.hypot(light_x, 1), 0)
    return np.asarray((0.38 + 0.62 * facing + 0.25 * facing**40)[None])
