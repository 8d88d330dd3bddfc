"""Where the mesh's texture vertices lie in our textures, and the base position that each texel has.

The topology never changes, so a texel of the head belongs to one point of the base mesh for every person and
expression: brows, beards, hairlines and wrinkles are formulas of that point.
"""

import math
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

import cv2
import numpy as np

from data_pipeline.people.assets import load_assets
from data_pipeline.people.geometry import Floats, Ints, floats, normalised, smoothstep, triangles_of
from data_pipeline.people.rasterise import raster_settings

TEXTURES = ("head", "torso", "hand", "mouth", "teeth", "tongue")
# Crops of the MakeHuman layout: u from, u to, y from, y to, where y = 1 − v.
_HEAD = (0.635, 1.0, 0.135, 0.86)
_TORSO = (0.08, 0.66, 0.0, 0.40)
_HAND = (0.565, 0.77, 0.10, 1.0)
_MOUTH = (0.75, 0.93, 0.85, 1.0)
# Hair grows behind z = f(y): the hairline of an average head.
_HAIRLINE_Y = (6.6, 6.9, 7.1, 7.3, 7.6, 7.8, 8.0, 8.15, 8.3)
_HAIRLINE_Z = (0.35, 0.55, 0.66, 0.72, 0.80, 0.92, 1.06, 1.20, 1.42)
# The face ends below y = f(z): the jaw.
_JAW_Z = (-0.2, 0.3, 0.45, 0.6, 0.9, 1.2, 1.36, 1.5)
_JAW_Y = (6.9, 6.85, 6.8, 6.42, 6.28, 6.2, 6.15, 6.1)


@dataclass(frozen=True)
class Layout:
    """Holds the texture of each texture vertex, an index into `TEXTURES` (R,), and its place (R, 2), 0 to 1, y down."""

    texture: Ints
    place: Floats


@cache
def mesh_layout() -> Layout:
    """Returns where the texture vertices of the mesh lie."""
    assets = load_assets()
    u, y = assets.uv[:, 0], 1 - assets.uv[:, 1]
    texture = np.full(len(u), -1, np.int32)
    place = np.zeros((len(u), 2), np.float32)
    base = assets.positions[assets.mesh_vertex]

    def members(part: str) -> np.ndarray:
        mask = np.zeros(len(u), bool)
        mask[np.unique(assets.quads_of(part))] = True
        return mask

    def put(name: str, mask: np.ndarray, s: Floats, t: Floats) -> None:
        texture[mask] = TEXTURES.index(name)
        place[mask] = np.clip(np.stack([s, t], 1), 0.004, 0.996)

    def crop(name: str, mask: np.ndarray, box: tuple[float, float, float, float]) -> None:
        put(name, mask, (u[mask] - box[0]) / (box[1] - box[0]), (y[mask] - box[2]) / (box[3] - box[2]))

    head = members("head")
    crop("head", head & (u > 0.63) & (y < 0.852), _HEAD)
    crop("mouth", head & (u > 0.63) & (y >= 0.852), _MOUTH)
    crop("torso", head & (u < 0.63) & (y < 0.38), _TORSO)
    sockets = head & (u < 0.63) & (y >= 0.38)
    put("mouth", sockets, np.full(sockets.sum(), 0.5, np.float32), np.full(sockets.sum(), 0.02, np.float32))
    crop("hand", members("hand"), _HAND)
    for part, upper in (("upper_teeth", True), ("lower_teeth", False)):
        teeth = members(part)
        points = base[teeth]
        height = (points[:, 1] - points[:, 1].min()) / np.ptp(points[:, 1])
        around = 0.5 + np.arctan2(points[:, 0], points[:, 2] - 0.95) / 3.4
        put("teeth", teeth, around, 0.5 - 0.5 * height if upper else 1.0 - 0.5 * height)
    tongue = members("tongue")
    put("tongue", tongue, 0.5 + base[tongue][:, 0] / 0.6, 0.5 + (base[tongue][:, 2] - 1.0))
    return Layout(texture, place)


class TexelMap:
    """Holds the base positions of the texels of a texture, and masks that follow from them alone.

    Attributes:
        x, y, z: float32 (height, width), filled a little beyond the island.
    """

    def __init__(self, name: str, width: int, height: int):
        assets, layout = load_assets(), mesh_layout()
        self.width, self.height = width, height
        quads = assets.quads_of("hand" if name == "hand" else "head")
        quads = quads[(layout.texture[quads] == TEXTURES.index(name)).all(1)]
        self._pixels, self._quads = layout.place * floats([width, height]), quads
        base = self.spread(assets.positions[assets.mesh_vertex])
        self.x, self.y, self.z = (np.ascontiguousarray(base[..., axis]) for axis in range(3))

    def spread(self, values: Floats) -> Floats:
        """Spreads values (R, 3) of the texture vertices over the texels: (height, width, 3)."""
        return _rasterise_texture(self._pixels, self._quads, values, self.width, self.height)

    def near(self, x: float, y: float, z: float, radius: float) -> Floats:
        """Returns a Gaussian (height, width) about a base point and its mirror image."""
        distance = (np.abs(self.x) - np.float32(x)) ** 2 + (self.y - np.float32(y)) ** 2 + (self.z - np.float32(z)) ** 2
        return floats(np.exp(distance * np.float32(-0.5 / radius**2)))


class HeadMap(TexelMap):
    """Holds the texels of the head, with what MakeHuman's masks and our formulas say of them."""

    def __init__(self, width: int, height: int):
        super().__init__("head", width, height)
        self.lips, self.lids = self._mask("lips"), self._mask("eyelids")
        self.ears = smoothstep(0.35, 0.65, cv2.GaussianBlur(self._mask("ears"), (0, 0), width / 384))
        self.front = smoothstep(0.55, 0.8, self.z)
        jaw = np.interp(self.z, _JAW_Z, _JAW_Y).astype(np.float32)
        self.above_jaw = np.where(self.z < 0.5, np.float32(-1), self.y - jaw)  # decimetres; below 0 is neck
        self.neck = self.above_jaw < 0

    @cached_property
    def beard(self) -> Floats:
        """Returns where beards grow, 0 to 1."""
        x, y, z = np.abs(self.x), self.y, self.z
        area = smoothstep(-0.10, 0.14, 6.80 + 0.55 * np.maximum(0, 0.95 - z) - y) * smoothstep(0.5, 0.62, z)
        area *= 1 - smoothstep(0.12, 0.3, -self.above_jaw)
        area *= np.maximum(smoothstep(6.74, 6.62, y), smoothstep(0.40, 0.64, x))
        return np.maximum(area * (1 - smoothstep(0.06, 0.15, self.lips)), self.moustache)

    @cached_property
    def moustache(self) -> Floats:
        """Returns where moustaches grow, 0 to 1."""
        x, y, z = np.abs(self.x), self.y, self.z
        area = smoothstep(0.0, 0.03, y - 6.67) * smoothstep(-0.03, 0.05, 6.84 - y) * smoothstep(0.0, 0.12, 0.38 - x)
        return area * smoothstep(1.1, 1.25, z) * (1 - smoothstep(0.06, 0.15, self.lips))

    def scalp(self, lift: float) -> Floats:
        """Returns where hair grows, 0 to 1; `lift` (decimetres) raises the hairline over the forehead."""
        x, y, z = np.abs(self.x), self.y, self.z
        area = smoothstep(-0.05, 0.09, hairline_depth(y, z, lift)) * smoothstep(6.72, 6.80, y) * (1 - self.ears)
        around_ear = (z > 0.2) & (z < 0.55) & (y < 7.45)
        area = np.where(around_ear, area * smoothstep(7.40, 7.48, y), area)
        sideburn = smoothstep(-0.02, 0.03, 0.74 - z) * smoothstep(0.5, 0.56, z) * (1 - self.ears)
        return np.maximum(area, sideburn * smoothstep(7.05, 7.12, y) * smoothstep(0.3, 0.4, x)).astype(np.float32)

    def to_front(self, picture: Floats, scale: float) -> Floats:
        """Projects a picture of the plane before the face onto the head.

        Args:
            picture: (h, w), its left upper corner at base x = −1, y = 8.4.
            scale: its pixels a decimetre.
        """
        mapped = cv2.remap(
            picture, (self.x + 1) * np.float32(scale), (np.float32(8.4) - self.y) * np.float32(scale), cv2.INTER_LINEAR
        )
        return np.asarray(mapped * self.front, np.float32)

    def _mask(self, name: str) -> Floats:
        return _crop_mask(name, _HEAD, self.width, self.height)


class HandMap(TexelMap):
    """Holds the texels of the hand, with nails, palm, and how far each is up the arm from the wrist (decimetres).

    Attributes:
        forearm: (height, width), negative in the hand.
        nails, palm: (height, width), 0 to 1.
        seamless: (height, width), 0 at the wrist and the sides, where the texture is cut, to 1 away from there: how
            much noise may add.
    """

    def __init__(self, width: int, height: int):
        super().__init__("hand", width, height)
        assets = load_assets()

        def joint(name: str) -> Floats:
            return assets.joint(assets.positions, f"l-{name}")

        wrist = joint("hand")
        arm = normalised(joint("elbow") - wrist)
        self.forearm: Floats = (np.stack([self.x, self.y, self.z], -1) - wrist) @ arm
        self.nails = _crop_mask("fingernails", _HAND, width, height)
        along, across = joint("finger-3-1") - wrist, joint("finger-5-1") - joint("finger-2-1")
        out = normalised(np.cross(across, along))
        out = out if out @ (joint("finger-1-4") - joint("finger-2-1")) > 0 else -out
        # By the mesh's own normals, which go on where the texture has its seams.
        facing = self.spread(assets.normals(assets.positions)[assets.mesh_vertex]) @ out
        self.palm: Floats = smoothstep(-0.25, 0.55, facing) * smoothstep(0.45, -0.25, self.forearm)
        self.seamless: Floats = smoothstep(0.05, 0.4, np.abs(facing)) * smoothstep(0.1, 0.4, np.abs(self.forearm))


@lru_cache(maxsize=4)
def head_map(width: int, height: int) -> HeadMap:
    """Returns the map of a head texture of that size, made once a process."""
    return HeadMap(width, height)


@lru_cache(maxsize=4)
def hand_map(width: int, height: int) -> HandMap:
    """Returns the map of a hand texture of that size, made once a process."""
    return HandMap(width, height)


@lru_cache(maxsize=4)
def torso_map(width: int, height: int) -> TexelMap:
    """Returns the map of a texture of neck and shoulders of that size, made once a process."""
    return TexelMap("torso", width, height)


def hairline_depth(y: Floats, z: Floats, lift: float) -> Floats:
    """Returns how far (decimetres) base points lie behind the hairline."""
    raised = y - np.float32(lift) * smoothstep(7.5, 7.9, y)
    return np.interp(raised, _HAIRLINE_Y, _HAIRLINE_Z).astype(np.float32) - z


def _crop_mask(name: str, box: tuple[float, float, float, float], width: int, height: int) -> Floats:
    mask = load_assets().masks[name]
    side = mask.shape[0]
    u0, u1, y0, y1 = (value * side for value in box)
    matrix = np.array([[(u1 - u0) / width, 0, u0], [0, (y1 - y0) / height, y0]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(mask, matrix, (width, height), flags=flags).astype(np.float32) / 255


def _rasterise_texture(pixels: Floats, quads: Ints, values: Floats, width: int, height: int) -> Floats:
    """Draws values (R, 3) of texture vertices at their texels, and fills a margin around the islands."""
    distance = 100.0  # a camera far away, whose picture plane is the texture
    flat = np.stack([pixels[:, 0] - width / 2, height / 2 - pixels[:, 1]], 1) / (height / 2)
    points = np.column_stack([flat, np.full(len(flat), -distance)]).astype(np.float32)
    picture = np.zeros((height, width, 3), np.float32)
    depth = np.full((height, width), 2 * distance, np.float32)
    cv2.triangleRasterize(
        points,
        triangles_of(quads),
        np.ascontiguousarray(values, np.float32),
        picture,
        depth,
        np.eye(4, dtype=np.float32),
        2 * math.atan(1 / distance),
        distance / 2,
        2 * distance,
        raster_settings(),
    )
    return _grow(picture, (depth < 1.5 * distance).astype(np.float32))


def _grow(picture: Floats, covered: Floats, steps: int = 10) -> Floats:
    picture = picture * covered[..., None]
    for _ in range(steps):
        weight, total = cv2.blur(covered, (3, 3)), cv2.blur(picture, (3, 3))
        new = (covered == 0) & (weight > 0)
        picture[new] = total[new] / weight[new][:, None]
        covered[new] = 1
    return picture
