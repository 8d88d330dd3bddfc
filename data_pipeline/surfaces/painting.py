"""Surfaces by kind, and what all of them get: colours of skin now and then, a view from the side, light, dirt."""

from collections.abc import Callable

import cv2
import numpy as np

from data_pipeline.surfaces import liquid, mineral, organic, printed, solid, woven
from data_pipeline.surfaces.colours import recoloured, skin_like
from data_pipeline.surfaces.light import falling
from data_pipeline.surfaces.noise import fractal
from rvm_jax.errors import UserError

Painter = Callable[[np.random.Generator, int], np.ndarray]

_PAINTERS: dict[str, tuple[Painter, float]] = {
    "wood": (solid.wood, 1.3),
    "metal": (solid.metal, 1.0),
    "ceramic": (solid.ceramic, 1.5),
    "porcelain": (solid.porcelain, 0.0),  # inside cups alone
    "plastic": (solid.plastic, 1.0),
    "leather": (solid.leather, 0.8),
    "tiles": (solid.tiles, 0.6),
    "fabric": (woven.fabric, 3.0),
    "print": (printed.package, 2.0),
    "text": (printed.page, 0.8),
    "food": (organic.food, 1.5),
    "drink": (liquid.drink, 0.5),
    "fur": (organic.fur, 1.8),
    "feathers": (organic.feathers, 0.4),
    "foliage": (organic.foliage, 0.9),
    "plaster": (mineral.plaster, 0.8),
    "stone": (mineral.stone, 0.8),
    "gravel": (mineral.gravel, 0.6),
    "brick": (mineral.brick, 0.6),
    "ground": (mineral.ground, 0.5),
}
KINDS = tuple(_PAINTERS)
_SHARES = np.array([weight for _, weight in _PAINTERS.values()])
_SHARES = np.cumsum(_SHARES / _SHARES.sum())
_SKIN_COLOURED = 0.15  # of all surfaces, beside those whose painters choose such a colour
LEAST_SIDE = 16


def surface(rng: np.random.Generator, size: int, kind: str | None = None) -> np.ndarray:
    """Draws a surface as a photograph from near by would show it.

    Args:
        rng: the generator; the same one gives the same surface.
        size: side in pixels, at least 16.
        kind: one of `KINDS`; a random one if not given.

    Returns:
        uint8 (size, size, 3), RGB.

    Raises:
        UserError: if the kind is unknown or the size too small.
    """
    return np.asarray(cv2.convertScaleAbs(np.clip(painted(rng, size, kind), 0, 1), alpha=255))


def painted(rng: np.random.Generator, size: int, kind: str | None = None) -> np.ndarray:
    """Draws what `surface` does, as float32 (size, size, 3), mostly in [0, 1]."""
    if kind is None:
        kind = KINDS[int(np.searchsorted(_SHARES, rng.random()))]
    if kind not in _PAINTERS:
        raise UserError(f"There is no surface {kind!r}: choose from {', '.join(KINDS)}.")
    if size < LEAST_SIDE:
        raise UserError(f"size={size} is too small for a surface: set at least {LEAST_SIDE}.")
    picture = _PAINTERS[kind][0](rng, size)
    if rng.random() < _SKIN_COLOURED:
        picture = recoloured(picture, skin_like(rng), rng.uniform(0, 0.6))
    picture = _turned(rng, picture)
    picture = picture * falling(rng, size, rng.uniform(0, 0.5))
    if rng.random() < 0.5:  # dirt and wear, a little coloured
        wear = fractal(rng, size, 4, 0.95) * np.float32(rng.uniform(0.01, 0.07))
        picture = picture * (1 + wear[..., None] * rng.uniform(0.7, 1.3, 3).astype(np.float32))
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.2))
    return np.asarray(picture, np.float32)


def _turned(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Turns a picture by any angle and tilts it; it is enlarged so far that its corners stay outside."""
    n = len(picture)
    if rng.random() < 0.25:
        return np.asarray(cv2.transpose(picture)) if rng.random() < 0.5 else picture
    angle, tilt = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    c, s = np.cos(angle), np.sin(angle)
    reach = (abs(c) + abs(s)) * (1 + tilt)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / reach
    corners[:2] *= 1 - tilt
    source = ((corners @ np.array([[c, s], [-s, c]])) + 1) * (n - 1) / 2
    target = np.array([[0, 0], [n - 1, 0], [n - 1, n - 1], [0, n - 1]], np.float32)
    matrix = cv2.getPerspectiveTransform(source.astype(np.float32), target)
    return np.asarray(cv2.warpPerspective(picture, matrix, (n, n), borderMode=cv2.BORDER_REFLECT_101))
