"""What stands in a cup or a bowl, seen from above: coffee, tea, juice, milk, soup; smooth, and often brown as skin."""

import numpy as np

from data_pipeline.surfaces.colours import between, flat, hsv, mixed, near, skin_like
from data_pipeline.surfaces.noise import fractal, places, step

_BROWNS = np.array(
    [(0.15, 0.07, 0.03), (0.34, 0.18, 0.08), (0.62, 0.36, 0.13), (0.78, 0.5, 0.2), (0.72, 0.54, 0.38)], np.float32
)
_FROTH = np.array([0.93, 0.84, 0.7], np.float32)


def drink(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws the surface of a drink or a soup: one colour, darker or paler to the rim, froth, a swirl, reflections."""
    colour = _colour(rng)
    x, y = places(n)
    radius = 2 * np.hypot(x - 0.5, y - 0.5).astype(np.float32)
    picture = flat(colour, n) * (1 + rng.uniform(0, 0.04) * fractal(rng, n, 2, 0.5))[..., None]
    rim = step(radius, rng.uniform(0.5, 1.0), rng.uniform(0.1, 0.6))
    picture = mixed(picture, near(rng, colour * np.float32(rng.choice([0.55, 0.75, 1.3])), 0.08), rim)
    if rng.random() < 0.4:  # froth in islands, or milk that has not been stirred in
        froth = step(fractal(rng, n, rng.uniform(1.5, 5), rng.uniform(0.4, 0.8)), rng.uniform(-0.5, 1.2), 0.5)
        picture = mixed(picture, near(rng, 0.6 * _FROTH + 0.4 * colour, 0.06), froth * rng.uniform(0.3, 1))
    if rng.random() < 0.3:
        bubbles = step(fractal(rng, n, n / rng.uniform(4, 9), 0.5), 1.4, 0.6)
        picture = mixed(picture, colour * np.float32(1.25), bubbles * rng.uniform(0.2, 0.8))
    for _ in range(int(rng.integers(0, 3))):  # windows and lamps
        centre, reach = rng.uniform(0.15, 0.85, 2), rng.uniform(0.03, 0.22, 2)
        away = np.hypot((x - centre[0]) / reach[0], (y - centre[1]) / reach[1]).astype(np.float32)
        picture = picture + (1 - step(away, 1, rng.uniform(0.2, 1.2)))[..., None] * np.float32(rng.uniform(0.05, 0.5))
    return np.clip(picture, 0, 1)


def _colour(rng: np.random.Generator) -> np.ndarray:
    kind = rng.random()
    if kind < 0.45:  # coffee, with more or less milk, and tea
        return near(rng, between(rng, _BROWNS), 0.08)
    if kind < 0.65:
        return skin_like(rng)
    if kind < 0.9:  # juices, soups, beer, wine
        hue = float(rng.choice([0.0, 0.03, 0.07, 0.1, 0.13, 0.22, 0.95]))
        return hsv(hue, rng.uniform(0.4, 0.95), rng.uniform(0.3, 1))
    return near(rng, np.full(3, rng.uniform(0.7, 0.97), np.float32), 0.04)  # milk, water in a white cup
