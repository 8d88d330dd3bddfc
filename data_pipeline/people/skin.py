"""The skin of head, neck and hands as textures: colour, relief, gloss, and how much light enters it."""

import cv2
import numpy as np

from data_pipeline.people.atlas import Texture, texture
from data_pipeline.people.brows import PAINT_SCALE, paint_brows
from data_pipeline.people.colour import skin_tone, to_linear
from data_pipeline.people.geometry import Floats, floats, smoothstep
from data_pipeline.people.identity import Traits
from data_pipeline.people.layout import HandMap, HeadMap
from data_pipeline.people.noise import fractal_noise
from data_pipeline.people.regions import Region
from data_pipeline.people.wrinkles import paint_wrinkles

_BLOOD = floats([0.06, -0.20, -0.17])  # what redness adds to the channels
_FULL_WIDTH = 768  # of the head's texture, at which wavelengths below are in texels


def complexion(rng: np.random.Generator, traits: Traits) -> Floats:
    """Draws the linear albedo (3,) of a person's skin."""
    tone = skin_tone(traits.tone) * (1 + rng.normal(0, 0.03, 3))
    return to_linear(np.clip(tone, 0.03, 0.97))


class SkinPainter:
    """Paints a person's skin.

    Args:
        rng: draws what is random.
        traits: of the person.
        skin: linear albedo (3,).
        hair: linear colour of the hair (3,).
        brows: that of the brows.
    """

    def __init__(self, rng: np.random.Generator, traits: Traits, skin: Floats, hair: Floats, brows: Floats):
        self.rng, self.traits, self.skin, self.hair, self.brows = rng, traits, skin, hair, brows
        self.dark = float(smoothstep(2.5, 6, traits.tone))

    def head(self, head: HeadMap, scalp: Floats) -> Texture:
        """Paints the head; `scalp` (h, w) says where hair grows."""
        rng, traits, noise = self.rng, self.traits, self._noise(head.width, head.height)
        lips = np.clip(cv2.GaussianBlur(head.lips, (0, 0), head.width / 384) * 1.15, 0, 1)
        albedo = self._ground(head, noise)
        self._marks(albedo, head, noise)
        self._make_up(albedo, head, lips, noise)
        brows = cv2.GaussianBlur(head.to_front(paint_brows(rng, traits), PAINT_SCALE), (0, 0), head.width / 500) * 0.6
        _mix(albedo, self.brows, 0.9 * brows)
        beard = self._stubble(albedo, head)
        cap = np.clip(scalp * 1.25 - 0.12 + 0.25 * noise(10, 3) * (scalp > 0.02) * (scalp < 0.98), 0, 1)
        cap *= traits.hair != "bald"
        _mix(albedo, self.hair * 0.75 + 0.02, cap, 1 + 0.25 * rng.standard_normal(cap.shape, dtype=np.float32))
        if traits.hair == "bald":
            _mix(
                albedo, self.hair * 0.6 + self.skin * 0.3, scalp * (0.3 * rng.random() + 0.08 * noise(3, 2)).clip(0, 1)
            )

        wrinkles = head.to_front(paint_wrinkles(rng, traits.wrinkles), PAINT_SCALE)
        albedo *= (1 - 0.18 * np.clip(wrinkles, 0, 1))[..., None]
        pores, grain = noise(5, 2, 0.7), noise(2.2, 1)
        albedo *= (1 + 0.035 * grain * (1 - lips))[..., None]
        relief = (
            0.5
            + (0.040 * pores + 0.022 * grain) * (1 - 0.5 * lips)
            + 0.012 * noise(18, 2)
            - 0.30 * wrinkles
            + 0.10 * brows
        )
        relief += (
            head.lips
            * 0.05
            * cv2.resize(fractal_noise(rng, head.height, head.width // 12, 5, 2), (head.width, head.height))
        )
        gloss = 0.34 + 0.12 * head.near(0, 7.1, 1.55, 0.25) + 0.10 * head.near(0, 7.9, 1.35, 0.4) + 0.06 * pores
        gloss += 0.07 * grain
        gloss += 0.04 * noise(40, 3) + (0.42 if traits.lips is not None else 0.24) * lips - 0.2 * beard - 0.25 * brows
        translucency = (0.5 + 0.4 * head.ears + 0.15 * head.lips) * (1 - cap)
        regions = np.full(cap.shape, Region.SKIN, np.uint8)
        regions[head.neck] = Region.NECK
        regions[head.ears > 0.5] = Region.EAR
        regions[cap > 0.5] = Region.HAIR
        return texture(
            albedo, regions, height=relief, gloss=gloss * (1 - 0.8 * cap) * traits.oil, translucency=translucency
        )

    def hand(self, hand: HandMap) -> Texture:
        """Paints a hand."""
        rng, traits, noise = self.rng, self.traits, self._noise(hand.width, hand.height)
        albedo = np.ones((hand.height, hand.width, 3), np.float32) * self.skin * 0.95
        albedo *= 1 + (0.25 * noise(90, 4, 0.6) * hand.seamless)[..., None] * _BLOOD
        palm = self.skin + self.dark * 0.18 * floats([1, 0.72, 0.6])
        _mix(albedo, np.clip(palm, 0, 1) * floats([1.04, 0.88, 0.86]), hand.palm * 0.9)
        nails = smoothstep(0.3, 0.7, hand.nails)
        bare = self.skin * floats([0.95, 0.80, 0.80]) + 0.10
        _mix(albedo, to_linear(traits.nails) if traits.nails is not None else bare, nails)
        albedo *= (1 + 0.03 * noise(5, 2))[..., None]
        relief = 0.5 + 0.03 * noise(4, 2) + 0.05 * noise(16, 2) + 0.03 * noise(60, 2) * traits.wrinkles
        gloss = 0.30 + (0.6 if traits.nails is not None else 0.35) * nails + 0.02 * rng.normal()
        return texture(albedo, Region.HAND, height=relief, gloss=gloss, translucency=0.5 * np.ones_like(nails))

    def _ground(self, head: HeadMap, noise: "_Noise") -> Floats:
        """The colour of the skin with what blood there is in it, and darker round the eyes."""
        traits = self.traits
        red = traits.redness * (head.near(0.48, 6.98, 1.2, 0.17) + 0.7 * head.near(0, 6.98, 1.62, 0.12))
        red += 0.6 * head.ears + 0.25 * head.near(0, 6.25, 1.4, 0.13) + 0.35 * head.near(0.31, 7.2, 1.35, 0.09)
        red = (red + 0.12 * noise(160, 4, 0.5) + 0.06 * noise(36, 3, 0.6)) * (1 - 0.55 * self.dark)
        albedo = self.skin * (1 + red[..., None] * _BLOOD)
        albedo *= (1 + 0.035 * noise(220, 4, 0.5) + 0.025 * noise(10, 3, 0.7))[..., None]
        shade = head.near(0.31, 7.13, 1.33, 0.07) * traits.bags + 0.5 * head.lids
        return np.asarray(albedo * (1 - shade[..., None] * floats([0.18, 0.24, 0.22])), np.float32)

    def _marks(self, albedo: Floats, head: HeadMap, noise: "_Noise") -> None:
        """Freckles, moles and the spots of age."""
        rng, traits = self.rng, self.traits
        if traits.freckles > 0:
            grains = 1.1 * noise(3, 1) + 0.6 * noise(70, 2) + traits.freckles * 0.8
            freckles = 0.8 * smoothstep(1.9, 2.7, grains) * (0.3 + 0.7 * head.near(0.2, 7.05, 1.4, 0.4))
            albedo *= 1 - freckles[..., None] * floats([0.22, 0.33, 0.42])
        moles: Floats = np.zeros((head.height, head.width), np.float32)
        for _ in range(traits.moles):
            centre = int(rng.uniform(0.1, 0.98) * head.width), int(rng.uniform(0.2, 0.8) * head.height)
            cv2.circle(moles, centre, int(rng.integers(1, 4) * head.width / _FULL_WIDTH), 1.0, -1, cv2.LINE_AA)
        if traits.wrinkles > 0.3:
            moles = np.maximum(moles, 0.25 * smoothstep(2.1, 2.6, noise(24, 2) + traits.wrinkles * 0.4))
        moles = floats(cv2.GaussianBlur(moles, (0, 0), 0.8))
        albedo *= 1 - moles[..., None] * floats([0.5, 0.62, 0.68])

    def _make_up(self, albedo: Floats, head: HeadMap, lips: Floats, noise: "_Noise") -> None:
        traits = self.traits
        colour = self.skin * floats([0.92, 0.52, 0.52]) * (1 - 0.15 * self.dark)
        colour = colour + floats([0.05, 0, 0]) * (1 - self.dark)
        strength = 0.75
        if traits.lips is not None:
            colour, strength = 0.25 * colour + 0.75 * to_linear(traits.lips), 0.9
        _mix(albedo, colour, lips * strength, 1 + 0.06 * noise(9, 2))
        if traits.shadow is not None:
            area = head.near(0.32, 7.37, 1.42, 0.06) + 0.6 * head.near(0.45, 7.38, 1.35, 0.05)
            _mix(albedo, to_linear(traits.shadow) * self.skin.mean() * 2, np.clip(area, 0, 1) * 0.55)
            _mix(albedo, self.skin * floats([0.95, 0.6, 0.6]), 0.35 * head.near(0.5, 6.95, 1.15, 0.14))

    def _stubble(self, albedo: Floats, head: HeadMap) -> Floats:
        """The dots of a shaven beard; returns how dense they are."""
        strength = self.traits.stubble
        if not strength:
            return np.zeros((head.height, head.width), np.float32)
        dots = smoothstep(0.8, 1.8, self.rng.standard_normal(head.beard.shape, dtype=np.float32))
        density = floats(cv2.GaussianBlur(head.beard, (0, 0), head.width / 90)) * strength
        shade = floats(cv2.GaussianBlur(density * (0.4 + 0.45 * dots), (0, 0), 0.7))
        _mix(albedo, self.skin * 0.25 + self.hair * 0.4, shade * 0.9)
        return density

    def _noise(self, width: int, height: int) -> "_Noise":
        return _Noise(self.rng, width, height)


class _Noise:
    """Noise of a texture's size, its wavelength in texels of a head texture of full width."""

    def __init__(self, rng: np.random.Generator, width: int, height: int):
        self.rng, self.width, self.height = rng, width, height
        self.scale = max(width / _FULL_WIDTH, 0.5)

    def __call__(self, wavelength: float, octaves: int, gain: float = 0.5) -> Floats:
        size = max(1.3, wavelength * self.scale)
        return fractal_noise(self.rng, self.height, self.width, size, octaves, gain)


def _mix(albedo: Floats, colour: Floats, share: Floats, shade: Floats | float = 1.0) -> None:
    """Lays a colour (3,), shaded by `shade` (h, w), over albedo (h, w, 3) in place."""
    albedo *= (1 - share)[..., None]
    albedo += (share * shade)[..., None] * np.asarray(colour, np.float32)
