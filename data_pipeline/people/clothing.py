"""Clothes of shoulders and arms: textures with crisp edges, and a fold of cloth above the skin."""

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

THICKNESS = 0.06  # decimetres
_PATCH = 256  # texels of a drawn cloth


class Garment(NamedTuple):
    """Describes what someone wears on the upper body.

    Attributes:
        radius: how wide the neck is open, in decimetres.
        v: how deep its V is in front; 0 is round.
        sleeve: how far up the arm from the wrist it ends, in decimetres; beyond 3 the arm is bare.
        colours: two sRGB colours (2, 3).
        pattern: 0 to 2 are stripes along y, checks, and stripes along x; more is plain.
        period: of the pattern, in decimetres.
        cloth: linear albedo (256, 256, 3) of a drawn cloth, or None for the colours.
    """

    radius: float
    v: float
    sleeve: float
    colours: Floats
    pattern: int
    period: float
    cloth: Floats | None

    def below(self, base: Floats) -> Floats:
        """Returns how far (decimetres) base points (..., 3) lie below the neckline; negative is skin."""
        x, y, z = base[..., 0], base[..., 1], base[..., 2]
        front = smoothstep(0.3, 0.7, z)
        distance = np.sqrt(
            x * x * (1 + self.v * 2 * front) + (y - 5.95) ** 2 * (1 - self.v * 0.6 * front) + (z - 0.25) ** 2
        )
        return np.where(y > 6.02, np.float32(-9), distance - self.radius).astype(np.float32)

    def albedo(self, rng: np.random.Generator, x: Floats, y: Floats) -> Floats:
        """Returns the linear albedo (h, w, 3) of the cloth at points x, y (h, w), in decimetres."""
        height, width = x.shape
        if self.cloth is not None:
            scale = _PATCH / (4 * self.period)
            colour = self.cloth[(y * scale).astype(int) % _PATCH, (x * scale).astype(int) % _PATCH]
        else:
            across, along = np.sin(y * 2 * np.pi / self.period) > 0, np.sin(x * 2 * np.pi / self.period) > 0
            second = {0: across, 1: across ^ along, 2: along}.get(self.pattern, np.zeros_like(across))
            colour = to_linear(self.colours)[second.astype(int)]
        weave = rng.standard_normal((height, width), dtype=np.float32)
        uneven = fractal_noise(rng, height, width, 40, 3)
        return np.asarray(colour * (1 + 0.08 * weave + 0.08 * uneven)[..., None], np.float32)


def draw_garment(rng: np.random.Generator, traits: Traits) -> Garment:
    """Draws what someone wears."""
    sleeves = (rng.uniform(-0.1, 0.35), rng.uniform(0.6, 2.0), 9.0)
    return Garment(
        radius=float(rng.uniform(0.66, 1.0)),
        v=float(rng.choice([0.0, 0.0, 0.35])),
        sleeve=float(sleeves[int(rng.choice(3, p=[0.4, 0.2, 0.4]))]),
        colours=traits.clothes,
        pattern=int(rng.integers(0, 8)),
        period=float(rng.uniform(0.12, 0.6)),
        cloth=surface(rng, _PATCH, "fabric", "print", "fabric", "fur", "leather") if rng.random() < 0.4 else None,
    )


def cloth_offset(garment: Garment, base: Floats) -> Floats:
    """Returns how far (n,) the cloth stands off the body at base points (n, 3)."""
    below = garment.below(base)
    return np.where(below > -0.02, THICKNESS * (0.35 + 0.65 * smoothstep(0.0, 0.5, below)), 0).astype(np.float32)


def torso_texture(rng: np.random.Generator, torso: TexelMap, garment: Garment, skin: Floats) -> Texture:
    """Paints neck and shoulders: skin down to the neckline, then cloth with a hem."""
    height, width = torso.height, torso.width

    def noise(wavelength: float, octaves: int) -> Floats:
        return fractal_noise(rng, height, width, wavelength, octaves)

    below = garment.below(np.stack([torso.x, torso.y, torso.z], -1))
    albedo = skin * (1 + 0.04 * noise(60, 4) + 0.03 * noise(6, 2))[..., None]
    cloth = garment.albedo(rng, torso.x, torso.y)
    folds = noise(90, 2)
    cloth *= (1 + 0.06 * folds)[..., None]
    cloth[(below > 0.07) & (below < 0.085)] *= 0.75
    worn = smoothstep(-0.004, 0.004, below)[..., None]
    regions = np.where(below > 0, np.uint8(Region.CLOTHES), np.uint8(Region.NECK))
    shade = 1 - 0.35 * np.exp(-((np.minimum(below, 0) / 0.05) ** 2)) * (below < 0)  # the cloth's, on the skin
    grain = rng.standard_normal((height, width), dtype=np.float32)
    return texture(
        albedo * (1 - worn) * shade[..., None] + cloth * worn,
        regions,
        height=np.where(below > 0, 0.5 + 0.06 * folds + 0.05 * grain, 0.5 + 0.01 * noise(8, 2)),
        gloss=np.where(below > 0, 0.06, 0.28),
        translucency=np.where(below > 0, 0.0, 0.5),
    )


def sleeved(rng: np.random.Generator, hand: Texture, forearm: Floats, y: Floats, garment: Garment) -> Texture:
    """Returns the texture of a hand with the garment's sleeve; `forearm` and `y` (h, w) are the texels' base points."""
    worn = forearm > garment.sleeve
    if not worn.any():
        return hand
    cloth = texture(garment.albedo(rng, y * 2, forearm), Region.CLOTHES, gloss=0.06)
    mask = worn[..., None]
    return Texture(
        np.where(mask, cloth.colour, hand.colour),
        np.where(mask, cloth.surface, hand.surface),
        np.where(worn, cloth.regions, hand.regions),
    )
