"""Light on surfaces: shadows, wrapped diffuse light, gloss, and the sheen of hair; in chunks that fit the cache."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from data_pipeline.people.geometry import Bytes, Flags, Floats, floats, normalised, vector
from data_pipeline.people.light import Light, harmonics
from data_pipeline.people.regions import Region

_CHUNK = 16384
_TAPS = 5  # samples of the shadow map a point
_WRAP = floats([0.32, 0.16, 0.10])  # how far light creeps round flesh, by channel
_WINDOW = normalised(vector(-0.45, 0.55, 0.7))  # what eyes reflect
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


@dataclass(frozen=True)
class Points:
    """Holds what is lit, one entry a point.

    Attributes:
        positions: (n, 3), in the world.
        normals: (n, 3), or the tangents of strands.
        openness: (n,).
        gloss, translucency: (n,).
        albedo: (n, 3), linear.
        strand: bool (n,), whether it is of a strand.
        regions: uint8 (n,).
        dither: (n,), 0 to 1, turns the samples of the shadow.
    """

    positions: Floats
    normals: Floats
    openness: Floats
    gloss: Floats
    translucency: Floats
    albedo: Floats
    strand: Flags
    regions: Bytes
    dither: Floats


@dataclass(frozen=True)
class ShadowMap:
    """Holds what the key light sees: depths (side, side), its camera (4, 4), and its half-width and distance."""

    depth: Floats
    camera: Floats
    half: float
    distance: float


class Shader:
    """Lights points of a scene.

    Args:
        light: of the scene.
        shadow: of the key light, or None without shadows.
        eye: (3,), where the camera is.
    """

    def __init__(self, light: Light, shadow: ShadowMap | None, eye: Floats):
        self.light, self.shadow, self.eye = light, shadow, eye

    def shade(self, points: Points) -> tuple[Floats, Floats]:
        """Returns the irradiance (n, 3), to be multiplied by albedo, and what surfaces reflect besides (n, 3)."""
        count = len(points.positions)
        irradiance, reflection = np.empty((count, 3), np.float32), np.empty((count, 3), np.float32)
        for first in range(0, count, _CHUNK):
            part = slice(first, min(count, first + _CHUNK))
            chunk = Points(*(getattr(points, name)[part] for name in Points.__dataclass_fields__))
            irradiance[part], reflection[part] = self._shade(chunk)
        return irradiance, reflection

    def _shade(self, p: Points) -> tuple[Floats, Floats]:
        light, n = self.light, normalised(p.normals)
        view = self.eye - p.positions
        view /= np.sqrt(np.einsum("ij,ij->i", view, view))[:, None]
        inside = (p.regions >= Region.OBJECT) & (np.einsum("ij,ij->i", n, view) < 0) & ~p.strand
        n[inside] *= -1
        facing = n @ light.key
        lit = self._lit(p, facing)
        irradiance = self._diffuse(p, n, facing, lit)
        reflection = self._gloss(p, n, view, facing, lit)
        strands = np.flatnonzero(p.strand)
        if len(strands):
            self._shade_strands(p, n, view, lit, strands, irradiance, reflection)
        return irradiance, reflection

    def _lit(self, p: Points, facing: Floats) -> Floats:
        """The share of the key light (n,) that reaches points, by samples of the shadow map around each."""
        if self.shadow is None:
            return np.ones(len(facing), np.float32)
        depth, camera = self.shadow.depth, self.shadow.camera
        side, spread = depth.shape[0], self.shadow.half / self.shadow.distance
        seen = p.positions @ np.ascontiguousarray(camera[:3, :3].T) + camera[:3, 3]
        scale = np.float32(side / 2 / spread) / -seen[:, 2]
        u = np.float32(side / 2 - 0.5) + seen[:, 0] * scale
        v = np.float32(side / 2 - 0.5) - seen[:, 1] * scale
        bias = np.where(p.strand, np.float32(0.06), np.float32(0.03) + np.float32(0.05) * (1 - np.clip(facing, 0, 1)))
        own = -seen[:, 2] - bias
        turn = p.dither * np.float32(2 * math.pi)
        cos, sin = np.cos(turn), np.sin(turn)
        lit = np.zeros(len(facing), np.float32)
        soft = self.light.softness * side / (2 * self.shadow.half)
        for tap in range(_TAPS):
            radius = soft * math.sqrt((tap + 0.5) / _TAPS) * 2 + 0.35
            dx, dy = (
                np.float32(radius * math.cos(tap * _GOLDEN_ANGLE)),
                np.float32(radius * math.sin(tap * _GOLDEN_ANGLE)),
            )
            nearest = cv2.remap(
                depth,
                (u + dx * cos - dy * sin)[:, None],
                (v + dx * sin + dy * cos)[:, None],
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=(99.0,) * 4,
            )[:, 0]
            lit += np.clip((nearest - own) * np.float32(30), 0, 1)
        return lit * np.float32(1 / _TAPS)

    def _diffuse(self, p: Points, n: Floats, facing: Floats, lit: Floats) -> Floats:
        light, flesh = self.light, p.translucency[:, None]
        wrap = _WRAP * (flesh * 2)
        # In flesh the edge of a shadow is red, for red light goes farthest.
        root = np.sqrt(lit)
        bled = np.stack([root * 0.6 + lit * 0.4, lit, lit * (0.9 + 0.1 * lit)], 1)
        shadow = lit[:, None] + flesh * (bled - lit[:, None])
        total = np.clip((facing[:, None] + wrap) / (1 + wrap), 0, 1) * shadow * light.key_colour
        filled = np.clip((n @ light.fill + np.float32(0.3)) / np.float32(1.3), 0, 1) * p.openness
        total += filled[:, None] * light.fill_colour
        open_ = np.stack([np.sqrt(p.openness), p.openness, p.openness], 1)
        total += np.maximum(harmonics(n) @ light.ambient, np.float32(0.02)) * open_
        return np.asarray(total, np.float32)

    def _gloss(self, p: Points, n: Floats, view: Floats, facing: Floats, lit: Floats) -> Floats:
        light = self.light
        half = view + light.key
        half /= np.sqrt(np.einsum("ij,ij->i", half, half))[:, None] + np.float32(1e-6)
        along = np.clip(np.einsum("ij,ij->i", n, half), 0, 1)
        grazing = np.clip(np.einsum("ij,ij->i", n, view), np.float32(0.02), 1)
        away = 1 - grazing
        fresnel = np.float32(0.035) + np.float32(0.42) * _power4(away) * away
        power12 = _power4(along * along * along)
        power36 = power12 * power12 * power12
        lobes = np.float32(0.62) * power12 + np.float32(1.3) * power36
        glint = lobes * p.gloss * fresnel * np.clip(facing * 3, 0, 1) * lit * np.float32(1.5)
        mirrored = (2 * grazing)[:, None] * n - view
        around = np.maximum(harmonics(mirrored) @ light.ambient, 0)
        total = glint[:, None] * light.key_colour
        total += (p.gloss * fresnel * p.openness * np.float32(0.8))[:, None] * around
        eyes = np.flatnonzero(p.regions == Region.EYE)
        if len(eyes):
            spot = (along[eyes] > 0.990) * np.clip(lit[eyes] + np.float32(0.3), 0, 1) * np.float32(0.9)
            window = np.clip(mirrored[eyes] @ _WINDOW - np.float32(0.93), 0, 0.05) * 8 * np.float32(0.35)
            total[eyes] += spot[:, None] * light.key_colour + (window * p.openness[eyes])[:, None]
        return np.asarray(total, np.float32)

    def _shade_strands(
        self,
        p: Points,
        n: Floats,
        view: Floats,
        lit: Floats,
        strands: np.ndarray,
        irradiance: Floats,
        reflection: Floats,
    ) -> None:
        """Hair is lit by its tangent (Kajiya and Kay), with a white sheen and one of its own colour."""
        light, tangent, seen, shade = self.light, n[strands], lit[strands], p.openness[strands]
        to_light = tangent @ light.key
        across_light = np.sqrt(np.maximum(0, 1 - to_light * to_light))
        irradiance[strands] = (np.float32(0.75) * across_light * seen * shade)[:, None] * light.key_colour
        irradiance[strands] += shade[:, None] * (
            light.ambient[0] * np.float32(0.85) + np.float32(0.35) * light.fill_colour
        )
        to_view = np.einsum("ij,ij->i", tangent, view[strands])
        both = across_light * np.sqrt(np.maximum(0, 1 - to_view * to_view))
        # Powers by multiplication: NumPy's own take ten times as long.
        white = _power4(
            _power4(_power4(np.clip(both - (to_light + np.float32(0.12)) * (to_view + np.float32(0.12)), 0, 1)))
        )
        own = np.clip(both - (to_light - np.float32(0.15)) * to_view, 0, 1)
        own = _power4(own * own * own)
        glow = (seen * shade)[:, None] * light.key_colour
        reflection[strands] = (np.float32(0.07) * white)[:, None] * glow
        reflection[strands] += (np.float32(0.8) * own)[:, None] * glow * p.albedo[strands]


def _power4(values: Floats) -> Floats:
    square = values * values
    return square * square
