"""Eyeballs with a bulging cornea, and what lies in the mouth."""

from functools import cache

import cv2
import numpy as np

from data_pipeline.people.assets import load_assets
from data_pipeline.people.atlas import Texture, filled, texture
from data_pipeline.people.body import Body
from data_pipeline.people.colour import to_linear
from data_pipeline.people.geometry import Floats, Ints, floats, smoothstep
from data_pipeline.people.identity import Traits
from data_pipeline.people.noise import fractal_noise
from data_pipeline.people.regions import Region

_RADIUS = 0.139  # decimetres; MakeHuman's 0.1495 pokes through the lids
_RINGS, _SPOKES = 13, 24
_IRIS = 0.285  # radius of the iris in the texture, where 1 is 90 degrees from the pupil


@cache
def eyeball() -> tuple[Floats, Floats, Ints]:
    """Returns a ball of radius 1 that looks to +z, bulged: directions (n, 3), places in the texture, triangles."""
    polar = np.linspace(0, 1.75, _RINGS + 1)[1:, None]
    around = np.arange(_SPOKES)[None] * 2 * np.pi / _SPOKES
    rings = np.stack(
        np.broadcast_arrays(np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)), -1
    )
    flat = np.stack(np.broadcast_arrays(polar * np.cos(around), -polar * np.sin(around)), -1) / (np.pi / 2)
    directions = np.concatenate([[[0, 0, 1]], rings.reshape(-1, 3)]).astype(np.float32)
    places = np.concatenate([[[0, 0]], flat.reshape(-1, 2)]) * 0.5 + 0.5
    first = np.arange(_SPOKES)
    fan = np.stack([np.zeros(_SPOKES, int), 1 + first, 1 + (first + 1) % _SPOKES], 1)
    bands = [fan]
    for ring in range(_RINGS - 1):
        a, b = 1 + ring * _SPOKES + first, 1 + ring * _SPOKES + (first + 1) % _SPOKES
        bands += [np.stack([a, a + _SPOKES, b + _SPOKES], 1), np.stack([a, b + _SPOKES, b], 1)]
    return directions, np.clip(places, 0.005, 0.995).astype(np.float32), np.concatenate(bands).astype(np.int32)


@cache
def _bulge() -> Floats:
    polar = np.arccos(eyeball()[0][:, 2])
    return (1 + 0.055 * np.exp(-((polar / 0.30) ** 2)))[:, None].astype(np.float32)


class Eyes:
    """Says where the eyes of a person are at rest, and how large: centres (2, 3) and radii (2,), the left one first."""

    def __init__(self, body: Body):
        assets = load_assets()
        centres, radii = [], []
        for part in ("left_eye", "right_eye"):
            vertices = assets.vertices_of(part)
            own, base = body.positions[vertices], assets.positions[vertices]
            spread = [np.sqrt(((p - p.mean(0)) ** 2).sum(1).mean()) for p in (own, base)]
            centres.append(own.mean(0))
            radii.append(_RADIUS * spread[0] / spread[1])
        self.centres, self.radii = np.stack(centres), floats(radii)

    def placed(self, centres: Floats, rotation: Floats, gaze: tuple[Floats, Floats]) -> list[tuple[Floats, Floats]]:
        """Returns positions and normals, each (n, 3), of both eyes.

        Args:
            centres: (2, 3), where the eyes are now.
            rotation: (3, 3), of the head.
            gaze: rotation (3, 3) of each eye in the head.
        """
        directions, _, _ = eyeball()
        found: list[tuple[Floats, Floats]] = []
        for centre, radius, turn in zip(centres, self.radii, gaze, strict=True):
            matrix = np.ascontiguousarray((rotation @ turn).T)
            normals = directions @ matrix
            found.append(((directions * _bulge() * radius) @ matrix + centre, normals))
        return found


def eye_texture(rng: np.random.Generator, traits: Traits, side: int) -> Texture:
    """Paints an eye as seen from the front: sclera with veins, iris with a dark rim, pupil."""
    axis = (np.arange(side, dtype=np.float32) - side / 2 + 0.5) / (side / 2)
    x, y = np.meshgrid(axis, axis)
    radius = np.hypot(x, y)
    veins = np.clip(fractal_noise(rng, side, side, side / 10, 3), -2, 2)
    pink = 0.10 * smoothstep(0.35, 0.8, radius) * (1 + 0.3 * veins)
    albedo = np.ones((side, side, 3), np.float32) * to_linear([0.80, 0.77, 0.75])
    albedo *= (1 - 0.28 * smoothstep(0.45, 1.0, radius))[..., None]
    albedo[..., 1:] *= (1 - pink)[..., None]
    pupil = _IRIS * traits.pupil
    # Without FILL_OUTLIERS the corners would be whatever was in memory.
    fibres = cv2.warpPolar(
        fractal_noise(rng, 256, 64, 7, 3, 0.7),
        (side, side),
        (side / 2, side / 2),
        side / 2,
        cv2.WARP_INVERSE_MAP | cv2.WARP_FILL_OUTLIERS | cv2.INTER_LINEAR,
    )
    outwards = np.clip((radius - pupil) / (_IRIS - pupil), 0, 1)
    iris = to_linear(traits.iris) * (0.75 + 0.28 * fibres + 0.3 * (1 - outwards))[..., None]
    iris = np.clip(iris, 0.002, 1) * (1 - 0.75 * smoothstep(0.72, 1.0, outwards))[..., None]
    iris *= (0.75 + 0.6 * smoothstep(-0.3, 0.9, y / _IRIS))[..., None]  # light falls in from above, and shows below
    edge = smoothstep(_IRIS + 0.02, _IRIS - 0.025, radius)[..., None]
    albedo = albedo * (1 - edge) + iris * edge
    hole = smoothstep(pupil + 0.018, pupil - 0.012, radius)[..., None]
    return texture(albedo * (1 - hole) + 0.002 * hole, Region.EYE, gloss=1.0, translucency=0.25)


def mouth_textures(rng: np.random.Generator) -> dict[str, Texture]:
    """Paints the mouth's cavity, the tongue, and the teeth with their gaps and gums."""
    side = 96
    flesh = filled(side, to_linear([0.42, 0.16, 0.15])) * (1 + 0.05 * fractal_noise(rng, side, side, 20, 3))[..., None]
    tongue = filled(side, to_linear([0.70, 0.36, 0.35])) * (1 + 0.1 * fractal_noise(rng, side, side, 8, 3))[..., None]
    colour = floats([0.86, 0.82, 0.75]) - floats([0.02, 0.05, 0.12]) * rng.random()
    teeth = filled(side, to_linear(colour)) * (1 + 0.03 * fractal_noise(rng, side, side, 30, 2))[..., None]
    column = (np.arange(side) + 0.5) / side * 13
    gap = np.exp(-(((column % 1) - 0.5) ** 2) / 0.004) * 0.45
    teeth *= (1 - gap)[None, :, None]
    # Upper teeth fill the upper half down to the bite, lower ones the lower half; gums scallop around each tooth.
    away = np.abs((np.arange(side) + 0.5) / side - 0.5)[:, None] + 0.035 * np.cos(column * 2 * np.pi)[None]
    gums = smoothstep(0.30, 0.36, away)[..., None]
    teeth = teeth * (1 - gums) + to_linear([0.66, 0.33, 0.32]) * gums
    return {
        "mouth": texture(flesh, Region.MOUTH, gloss=0.5, translucency=0.4),
        "tongue": texture(tongue, Region.MOUTH, gloss=0.55, translucency=0.5),
        "teeth": texture(teeth, Region.MOUTH, gloss=0.75, translucency=0.4),
    }
