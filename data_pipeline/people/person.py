"""A person, ready to be posed: shape, textures, hair, eyes, lashes, hands, clothes, and what they wear and hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from data_pipeline.people.assets import load_assets
from data_pipeline.people.atlas import Atlas, Texture, texture
from data_pipeline.people.blown import grow_blown
from data_pipeline.people.body import Body, SkinSampler
from data_pipeline.people.brows import brow_colour, grow_brows
from data_pipeline.people.clothing import cloth_offset, draw_garment, sleeved, torso_texture
from data_pipeline.people.colour import to_linear
from data_pipeline.people.contact import sky
from data_pipeline.people.curtain import hang_curtain
from data_pipeline.people.eyes import Eyes, eye_texture, mouth_textures
from data_pipeline.people.geometry import Floats, Ints, floats, smoothstep, triangles_of
from data_pipeline.people.hair import grow_beard, grow_hair
from data_pipeline.people.hair_styles import STYLES
from data_pipeline.people.hands import Hand
from data_pipeline.people.identity import Traits, draw_shape, draw_traits
from data_pipeline.people.lashes import draw_lashes
from data_pipeline.people.layout import TEXTURES, HeadMap, hairline_depth, hand_map, head_map, mesh_layout, torso_map
from data_pipeline.people.noise import fractal_noise
from data_pipeline.people.occlusion import cavities, openness
from data_pipeline.people.regions import Region
from data_pipeline.people.skin import SkinPainter, complexion
from data_pipeline.people.strands import Strands, across
from data_pipeline.people.things import Part, Thing
from data_pipeline.people.wear import WEAR

Maker = Callable[[Hand], Thing | None]
_AO_STRANDS = 12  # every so many strands stand for all in the shade of hair …
_AO_WIDER = 5.0  # … this much wider


@dataclass(frozen=True)
class Cap:
    """Covers the skin under strands: texture vertices (n,) of the head, how far out (n,); triangles, places."""

    corners: Ints
    thickness: Floats
    triangles: Ints
    places: Floats


class Person:
    """Describes one person.

    Args:
        rng: draws everything that `traits` leaves open.
        traits: of the person.
        makers: make what each hand of theirs holds, or None.
        wear: names of `wear.WEAR`.
        other_hand: whether another person's hand is needed, too.
        detail: width of the head's texture, in texels.
        blown: whether some of the hair is blown over the face.

    Attributes:
        traits: as given.
        body: the mesh at rest.
        skin: linear albedo (3,).
        garment: what they wear on the upper body.
        atlas: all textures.
        pixels: (R, 2), where each texture vertex is in the atlas.
        strands: hair, beard and brows.
        curtain: the opaque sheet beneath falling hair, or None.
        triangles: (m, 3) of the head, shoulders, teeth and tongue, by texture vertex.
        things: what they hold and wear.
        held: for each of `makers`, the number of its thing, or None.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        traits: Traits,
        makers: Sequence[Maker] = (),
        wear: Sequence[str] = (),
        other_hand: bool = False,
        detail: int = 512,
        blown: bool = False,
    ):
        assets, layout = load_assets(), mesh_layout()
        self.traits = traits
        self.body = Body.shaped(draw_shape(rng, traits))
        self.skin = complexion(rng, traits)
        self.eyes, self.hand, self.lashes = Eyes(self.body), Hand(self.body), draw_lashes(rng, traits)
        made = [make(self.hand) for make in makers]
        held = [thing for thing in made if thing is not None]
        self.things = (*held, *(WEAR[name][0](rng, self.body, STYLES[traits.hair].volume) for name in wear))
        numbers = iter(range(len(held)))
        self.held = [None if thing is None else next(numbers) for thing in made]
        self.head_triangles = triangles_of(assets.quads_of("head"))
        self.triangles = np.concatenate(
            [self.head_triangles, triangles_of(assets.quads_of("upper_teeth", "lower_teeth", "tongue"))]
        )

        head = head_map(detail, detail * 13 // 8)
        colour = to_linear(traits.hair_colour)
        brows = brow_colour(self.skin, colour)
        self.garment = draw_garment(rng, traits)
        self.atlas = Atlas(self._paint(rng, head, colour, brows, other_hand, detail))
        self.pixels = np.zeros((len(layout.place), 2), np.float32)
        for index, name in enumerate(TEXTURES):
            members = layout.texture == index
            self.pixels[members] = self.atlas.pixels(name, layout.place[members])
        base = assets.positions
        self.cloth: Floats = cloth_offset(self.garment, base) * clothed()

        sampler = SkinSampler(self.body)
        density = min(1.0, 0.55 * detail / 512)
        hair = grow_hair(rng, self.body, sampler, head, traits, density)
        falls = STYLES[traits.hair].flow == "fall"
        self.curtain = hang_curtain(self.body, hair[0].points) if falls else None
        if blown:
            hair.append(grow_blown(rng, self.body, sampler, head, traits, density))
        beard = grow_beard(rng, sampler, head, traits, density)
        self.strands = Strands([*hair, *beard, grow_brows(rng, sampler, traits, brows)], rng)
        self.cap = _make_cap(traits)
        self.openness, self.cap_openness = self._openness()

    def _paint(
        self, rng: np.random.Generator, head: HeadMap, hair: Floats, brows: Floats, other_hand: bool, detail: int
    ) -> dict[str, Texture]:
        traits, garment = self.traits, self.garment
        painter = SkinPainter(rng, traits, self.skin, hair, brows)
        hand = hand_map(detail * 5 // 8, detail * 13 // 16)
        textures = {
            "head": painter.head(head, head.scalp(traits.hairline)),
            "torso": torso_texture(rng, torso_map(detail * 5 // 8, detail // 2), garment, self.skin),
            "hand": sleeved(rng, painter.hand(hand), hand.forearm, hand.y, garment),
            "eye": eye_texture(rng, traits, 192 if detail < 640 else 256),
            "lash": texture(np.ones((8, 8, 3), np.float32) * brows * 0.6, Region.SKIN),
            "cap": _cap_texture(rng, hair),
            **mouth_textures(rng),
        }
        if other_hand:
            other = draw_traits(rng)
            skin = complexion(rng, other)
            bare = SkinPainter(rng, other, skin, skin, skin).hand(hand)
            textures["other hand"] = sleeved(rng, bare, hand.forearm, hand.y, draw_garment(rng, other))
        for number, part in enumerate(self.parts):
            textures[part_name(number)] = part.texture
        return textures

    @property
    def parts(self) -> list[Part]:
        """Returns the parts of all things, in order."""
        return [part for thing in self.things for part in thing.parts]

    def _openness(self) -> tuple[Floats, Floats]:
        """The openness of the head's texture vertices and of the cap, with the shade of hair, at rest."""
        assets, strands = load_assets(), self.strands
        points, normals = self.body.positions[assets.mesh_vertex], self.body.normals[assets.mesh_vertex]
        thin = np.arange(len(strands.normals)) % _AO_STRANDS == 0
        tangents = strands.tangents(strands.points)
        facing = strands.points - self.body.skull.centre
        sides = across(tangents, facing, strands.widths * np.float32(0.5 * _AO_WIDER))
        ribbons, _ = strands.ribbons(strands.points, sides, thin)
        vertices = np.concatenate([points, ribbons.vertices])
        triangles = np.concatenate([self.triangles, ribbons.triangles + np.int32(len(points))])
        cap = points[self.cap.corners] + normals[self.cap.corners] * self.cap.thickness[:, None]
        all_points = np.concatenate([points, cap])
        all_normals = np.concatenate([normals, normals[self.cap.corners]])
        centre = self.body.head + floats([0, 0.1, 0.3])
        seen = openness(all_points, all_normals, vertices, triangles, centre, sky(11), side=144)
        seen = 0.10 + 0.90 * np.clip(seen * 1.08, 0, 1)
        count = len(points)
        return (seen[:count] * cavities()).astype(np.float32), np.maximum(seen[count:], 0.35) * np.float32(0.8)


def part_name(number: int) -> str:
    """Returns what the texture of the part of that number is called in the atlas."""
    return f"part {number}"


def clothed() -> Floats:
    """Returns 1 for the mesh vertices (V,) that may carry clothes."""
    assets, layout = load_assets(), mesh_layout()
    mask = np.zeros(len(assets.positions), np.float32)
    mask[assets.mesh_vertex[layout.texture == TEXTURES.index("torso")]] = 1
    return mask


def _make_cap(traits: Traits) -> Cap:
    assets, layout, style = load_assets(), mesh_layout(), STYLES[traits.hair]
    share = {"none": 0.0, "crop": 0.3, "curl": 0.72, "knot": 0.6, "fall": 0.75}.get(style.flow, 0.5)
    quads = assets.quads_of("head")
    quads = quads[(layout.texture[quads] == TEXTURES.index("head")).all(1)]
    base = assets.positions[assets.mesh_vertex]
    depth = hairline_depth(base[:, 1], base[:, 2], traits.hairline)
    ear = (np.abs(base[:, 0]) > 0.66) & (base[:, 2] > 0.15) & (base[:, 2] < 0.68) & (base[:, 1] < 7.5)
    hairy = (depth > 0.03) & (base[:, 1] > 6.75) & ~ear
    quads = quads[hairy[quads].all(1)] if share else quads[:0]
    corners, inverse = np.unique(quads, return_inverse=True)
    points = base[corners]
    thickness = style.volume * share * smoothstep(0.03, 0.32, depth[corners]) * smoothstep(6.75, 7.0, points[:, 1])
    places = np.stack([0.5 + points[:, 0] / 2.6, 0.5 + (points[:, 1] - 7.4) / 3 + 0.2 * points[:, 2]], 1)
    return Cap(
        corners,
        thickness.astype(np.float32),
        triangles_of(inverse.reshape(-1, 4)),
        places.clip(0, 1).astype(np.float32),
    )


def _cap_texture(rng: np.random.Generator, hair: Floats) -> Texture:
    side = 128
    grain = cv2.resize(rng.standard_normal((side // 4, side), dtype=np.float32), (side, side))
    shade = 0.62 * (1 + 0.22 * grain + 0.10 * fractal_noise(rng, side, side, 16, 3))
    return texture(hair * shade[..., None], Region.HAIR, height=np.clip(0.5 + 0.1 * grain, 0, 1), gloss=0.15)
