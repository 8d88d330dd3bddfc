"""Walls and grounds: plaster, concrete, stone, marble, gravel, brick, sand, asphalt."""

import numpy as np

from data_pipeline.surfaces.colours import flat, hsv, mixed, natural, near, ramp, skin_like
from data_pipeline.surfaces.light import relief
from data_pipeline.surfaces.noise import displaced, fractal, places, scattered, smooth, step, unit


def plaster(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws plaster, wall paint, concrete, wallpaper or cardboard: one colour, rough, with stains and cracks."""
    colour = skin_like(rng) if rng.random() < 0.3 else natural(rng)
    rough = fractal(rng, n, n / rng.uniform(3, 16), 0.8)
    uneven = np.float32(rng.uniform(0.02, 0.15)) * fractal(rng, n, 3, 0.9)
    picture = relief(rng, flat(colour, n) * (1 + uneven)[..., None], rough, rng.uniform(0.02, 0.7))
    if rng.random() < 0.3:
        crack = np.abs(fractal(rng, n, 3, 0.6))
        picture *= (1 - 0.6 * step(-crack, -0.02, 0.03))[..., None]
    if rng.random() < 0.3:
        picture = mixed(picture, natural(rng), step(fractal(rng, n, 4, 0.8), rng.uniform(0.8, 2), 0.2) * 0.7)
    return picture


def stone(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws granite, marble, slate, sandstone or terrazzo."""
    kind = rng.random()
    base = natural(rng)
    grey = near(rng, np.full(3, rng.uniform(0.25, 0.9), np.float32), 0.06)
    if kind < 0.35:  # granite
        specks = fractal(rng, n, n / rng.uniform(3, 9), 0.8)
        picture = ramp(unit(specks, 0.3), np.full(3, 0.08, np.float32), grey, base, np.full(3, 0.92, np.float32))
    elif kind < 0.65:  # marble
        pull = fractal(rng, n, 3, 0.7)
        veins = np.abs(fractal(rng, n, 3, 0.55) + 0.4 * pull) ** 0.5
        dark, middle = near(rng, grey * 0.5, 0.2), near(rng, grey, 0.05)
        picture = ramp(np.clip(veins, 0, 1), dark, middle, np.clip(grey * 1.15, 0, 1))
        picture = picture * (1 + 0.05 * pull)[..., None]
    elif kind < 0.85:  # layered
        layers = fractal(rng, n, 4, 0.85, rng.uniform(3, 12))
        picture = ramp(unit(layers), base * 0.5, base, np.clip(base * 1.3, 0, 1))
        picture = relief(rng, picture, layers, rng.uniform(0.3, 2))
    else:  # terrazzo
        cells = scattered(rng, n, int(rng.integers(8, 20)), 1.2)
        chips = np.stack([natural(rng) for _ in range(6)])[rng.integers(6, size=cells.number)]
        shown = step(cells.edge, rng.uniform(1, 2.5), 1)
        picture = mixed(flat(grey, n), chips[cells.label], shown)
    return np.asarray(picture * (1 + 0.05 * fractal(rng, n, 3, 0.95))[..., None], np.float32)


def gravel(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws gravel, pebbles, sand or asphalt: round stones of many tones with dark gaps."""
    cells = scattered(rng, n, int(rng.integers(8, max(n // 5, 10))), 1.1)
    base, other = natural(rng), natural(rng)
    tones = near(rng, base, 0.1) * (1 + 0.3 * rng.standard_normal((cells.number, 1)))
    tones[rng.random(cells.number) < 0.25] = other
    size = n / cells.number**0.5
    height = smooth(np.sqrt(np.minimum(cells.edge / (0.35 * size), 1)), max(size * 0.06, 0.5))
    picture = np.clip(tones, 0.02, 1).astype(np.float32)[cells.label]
    picture = picture * ((0.25 + 0.75 * height) * (1 + 0.12 * fractal(rng, n, 12, 0.95)))[..., None]
    return relief(rng, picture, height, size * rng.uniform(0.15, 0.45))


def brick(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws a wall of bricks, blocks or slabs; also in herringbone, which floors have."""
    rows = int(rng.integers(4, 14))
    x, y = places(n)
    ratio = rng.uniform(0.3, 0.7)
    row = (y * rows).astype(int)
    column = x * rows * ratio + (row % 2) * 0.5 * float(rng.choice([0, 1], p=[0.15, 0.85]))
    u, v = column % 1 / ratio, y * rows % 1
    i = column.astype(int)
    edge = np.minimum(np.minimum(u, 1 / ratio - u), np.minimum(v, 1 - v) + 0 * u).astype(np.float32)
    rough = fractal(rng, n, 12, 0.95)
    edge = edge + np.float32(0.02) * rough
    joint = rng.uniform(0.03, 0.09)
    kinds = (hsv(rng.normal(0.03, 0.02), 0.6, 0.6), np.full(3, rng.uniform(0.25, 0.9), np.float32), skin_like(rng))
    base = near(rng, kinds[int(rng.integers(3))], 0.1)
    tones = np.clip(base * (1 + 0.16 * rng.standard_normal((rows + 2, rows * 2 + 2, 1))), 0.02, 1).astype(np.float32)
    picture = tones[row + 0 * i, i] * (1 + 0.1 * rough)[..., None]
    mortar = near(rng, np.full(3, float(rng.choice([0.25, 0.55, 0.8])), np.float32), 0.1)
    picture = mixed(picture, mortar * (1 + 0.08 * rough[..., None]), step(-edge, -joint, 0.04))
    return relief(rng, picture, np.minimum(edge, joint * 1.6), n / rows * rng.uniform(0.1, 0.5))


def ground(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws grass, straw, earth, moss or snow."""
    kind = rng.random()
    if kind < 0.5:
        blades = fractal(rng, n, n / 3, 0.7, 0.1)
        blades = displaced(blades, 6 * fractal(rng, n, 6, 0.6), 4 * fractal(rng, n, 6, 0.6))
        hue = rng.normal(0.25, 0.04) if rng.random() < 0.7 else rng.normal(0.13, 0.02)
        t = unit(blades + 0.7 * fractal(rng, n, 4, 0.8), 0.25)
        bright = hsv(hue - 0.03, rng.uniform(0.35, 0.7), rng.uniform(0.55, 0.85))
        return ramp(t, hsv(hue + 0.03, 0.6, 0.06), hsv(hue, rng.uniform(0.45, 0.8), 0.42), bright)
    base = hsv(rng.normal(0.08, 0.03), rng.uniform(0.05, 0.6), rng.uniform(0.2, 0.9))
    lumps = fractal(rng, n, 8, 0.95)
    return relief(rng, ramp(unit(lumps), base * 0.5, base, np.clip(base * 1.3, 0, 1)), lumps, rng.uniform(0.3, 1.2))
