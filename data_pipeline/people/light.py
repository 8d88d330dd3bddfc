"""Light: a key with shadows, a fill, and the light of the surroundings in spherical harmonics."""

from dataclasses import dataclass

import numpy as np

from data_pipeline.people.geometry import Floats, floats, normalised, vector


@dataclass(frozen=True)
class Light:
    """Describes the light of a scene; colours are linear.

    Attributes:
        key: float32 (3,), direction to the key light.
        key_colour: float32 (3,).
        softness: radius of its penumbra, in decimetres a decimetre … of the shadow map.
        fill: float32 (3,), direction to the fill light, which casts no shadow.
        fill_colour: float32 (3,).
        ambient: float32 (9, 3), coefficients of `harmonics`.
    """

    key: Floats
    key_colour: Floats
    softness: float
    fill: Floats
    fill_colour: Floats
    ambient: Floats


def harmonics(normals: Floats) -> Floats:
    """Returns the basis (n, 9) in which the light of the surroundings is given, unnormalised, to the second order."""
    x, y, z = normals[..., 0], normals[..., 1], normals[..., 2]
    return np.stack([np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], -1)


def draw_light(rng: np.random.Generator, background: Floats | None = None) -> Light:
    """Draws a light; where there is a background (h, w, 3), the surroundings shine in its colours."""
    around, up = rng.uniform(-1.3, 1.3), rng.uniform(0.05, 1.05)
    key = vector(np.sin(around) * np.cos(up), np.sin(up), np.cos(around) * np.cos(up))
    warmth = rng.uniform(-1, 1)
    key_colour = vector(1 + 0.12 * warmth, 1, 1 - 0.15 * warmth) * np.float32(rng.uniform(0.8, 2.3))
    opposite = -np.sign(around) * rng.uniform(0.5, 2.6)
    fill = normalised(vector(np.sin(opposite), 0.25, np.cos(opposite)))
    cooler = -warmth * rng.uniform(0, 1.2)
    fill_colour = vector(1 + 0.15 * cooler, 1, 1 - 0.18 * cooler) * np.float32(rng.uniform(0.1, 0.8))
    level = np.float32(rng.uniform(0.15, 0.5))
    tint = vector(1 + 0.06 * rng.normal(), 1, 1 + 0.06 * rng.normal())
    ambient = np.zeros((9, 3), np.float32)
    ambient[0] = tint
    ambient[1] = tint * np.float32(rng.uniform(0.1, 0.5)) * vector(0.9, 1, 1.1)
    ambient[2] = tint * np.float32(rng.uniform(-0.1, 0.4))
    ambient[3] = tint * np.float32(rng.uniform(-0.4, 0.4))
    ambient[4:] = tint * rng.normal(0, 0.06, (5, 3)).astype(np.float32)
    if background is not None:
        _surround(ambient, background)
    return Light(
        key, key_colour.astype(np.float32), float(rng.uniform(0.004, 0.05)), fill, fill_colour, ambient * level
    )


def falling(light: Light) -> Floats:
    """Returns the light (3,) that falls on a face, the mean over directions from before it."""
    directions = floats(((0, 0, 1), (0.5, 0, 0.87), (-0.5, 0, 0.87), (0, 0.5, 0.87), (0, -0.5, 0.87)))
    key = np.clip(directions @ light.key, 0, 1)[:, None] * light.key_colour
    fill = np.clip((directions @ light.fill + 0.3) / 1.3, 0, 1)[:, None] * light.fill_colour
    return floats((0.7 * key + 0.8 * fill + np.maximum(harmonics(directions) @ light.ambient, 0.02)).mean(0))


def draw_exposure(rng: np.random.Generator, skin: Floats, light: Floats) -> float:
    """Draws the factor from linear light to what the film sees, for skin of an albedo (3,) and the light (3,) on it."""
    tone = float(skin[1])
    wanted = float(np.clip(0.12 + 0.55 * tone, 0.13, 0.40))
    stops = rng.normal(0, 0.25)
    return float(np.clip(wanted / max(tone * float(light.mean()), 1e-3), 0.2, 6) * 2**stops)


def _surround(ambient: Floats, background: Floats) -> None:
    """Gives the surroundings half the colours of the picture behind the person: up and down, left and right."""
    half = [part.mean((0, 1)) for part in (np.array_split(background, 2, 0) + np.array_split(background, 2, 1))]
    top, bottom, left, right = half
    mean = background.mean((0, 1)) + 1e-3
    level = mean.mean()
    ambient[0] = 0.5 * ambient[0] + 0.5 * mean / level
    ambient[1] += 0.35 * (top - bottom) / level
    ambient[3] += 0.35 * (right - left) / level
    np.clip(ambient[1:4], -0.6, 0.6, out=ambient[1:4])
