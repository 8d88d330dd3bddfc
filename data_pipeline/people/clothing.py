"""Clothes of the shoulders: a texture with a crisp neckline, and a fold of cloth above the skin."""

from typing import NamedTuple

import numpy as np

from data_pipeline.people.atlas import Texture, texture
from data_pipeline.people.colour import to_linear
from data_pipeline.people.geometry import Floats, smoothstep
from data_pipeline.people.identity import Traits
from data_pipeline.people.layout import TexelMap
from data_pipeline.people.noise import fractal_noise
from data_pipeline.people.regions import Region
from data_pipeline.people.surfaces import surface

_THICKNESS = 0.06  # decimetres


class Neckline(NamedTuple):
    """How wide a garment is open, in decimetres, and how deep its V is in front."""

    radius: float
    v: float

    def below(self, base: Floats) -> Floats:
        """Returns how far (decimetres) base points (..., 3) lie below the neckline; negative is skin."""
        x, y, z = base[..., 0], base[..., 1], base[..., 2]
        front = smoothstep(0.3, 0.7, z)
        distance = np.sqrt(
            x * x * (1 + self.v * 2 * front) + (y - 5.95) ** 2 * (1 - self.v * 0.6 * front) + (z - 0.25) ** 2
        )
        return np.where(y > 6.02, np.float32(-9), distance - self.radius).astype(np.float32)


def draw_neckline(rng: np.random.Generator) -> Neckline:
    """Draws a round or a V neck."""
    return Neckline(float(rng.uniform(0.66, 1.0)), float(rng.choice([0.0, 0.0, 0.35])))


def cloth_offset(neckline: Neckline, base: Floats) -> Floats:
    """Returns how far (n,) the cloth stands off the body at base points (n, 3)."""
    below = neckline.below(base)
    return np.where(below > -0.02, _THICKNESS * (0.35 + 0.65 * smoothstep(0.0, 0.5, below)), 0).astype(np.float32)


def torso_texture(
    rng: np.random.Generator, traits: Traits, torso: TexelMap, neckline: Neckline, skin: Floats
) -> Texture:
    """Paints neck and shoulders: skin down to the neckline, then cloth with a hem, perhaps striped or checked."""
    height, width = torso.height, torso.width

    def noise(wavelength: float, octaves: int) -> Floats:
        return fractal_noise(rng, height, width, wavelength, octaves)

    below = neckline.below(np.stack([torso.x, torso.y, torso.z], -1))
    albedo = skin * (1 + 0.04 * noise(60, 4) + 0.03 * noise(6, 2))[..., None]
    if rng.random() < 0.4:
        repeats = int(rng.integers(1, 3))
        patch = surface(rng, 256 // repeats, "fabric", "print", "fabric", "fur", "leather")
        rows, columns = -(-height * repeats // 256), -(-width * repeats // 256)
        cloth = np.tile(patch, (rows + 1, columns + 1, 1))[:height, :width]
    else:
        cloth = np.ones((height, width, 3), np.float32) * to_linear(traits.clothes[0])
    kind, period = int(rng.integers(0, 8)), float(rng.uniform(0.12, 0.6))
    across, along = np.sin(torso.y * 2 * np.pi / period) > 0, np.sin(torso.x * 2 * np.pi / period) > 0
    pattern = {0: across, 1: across ^ along, 2: along}.get(kind)
    if pattern is not None:
        cloth = np.where(pattern[..., None], to_linear(traits.clothes[1]), cloth)
    weave = rng.standard_normal((height, width), dtype=np.float32)
    folds = noise(90, 2)
    cloth = cloth * (1 + 0.10 * weave + 0.08 * noise(40, 3) + 0.06 * folds)[..., None]
    hem = (below > 0.07) & (below < 0.085)
    cloth[hem] *= 0.75
    worn = smoothstep(-0.004, 0.004, below)[..., None]
    regions = np.where(below > 0, np.uint8(Region.CLOTHES), np.uint8(Region.NECK))
    shade = 1 - 0.35 * np.exp(-((np.minimum(below, 0) / 0.05) ** 2)) * (below < 0)  # the cloth's, on the skin
    return texture(
        albedo * (1 - worn) * shade[..., None] + cloth * worn,
        regions,
        height=np.where(below > 0, 0.5 + 0.06 * folds + 0.05 * weave, 0.5 + 0.01 * noise(8, 2)),
        gloss=np.where(below > 0, 0.06, 0.28),
        translucency=np.where(below > 0, 0.0, 0.5),
    )
