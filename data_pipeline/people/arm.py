"""An arm without a person: a hand with its sleeve and what it holds, which is rendered as people are."""

from collections.abc import Sequence

import numpy as np

from data_pipeline.people.atlas import Atlas
from data_pipeline.people.body import Body
from data_pipeline.people.clothing import draw_garment, sleeved
from data_pipeline.people.hands import Hand
from data_pipeline.people.identity import draw_shape, draw_traits
from data_pipeline.people.layout import hand_map
from data_pipeline.people.person import Maker, part_name
from data_pipeline.people.regions import Region
from data_pipeline.people.skin import SkinPainter, complexion
from data_pipeline.people.strands import Strands, Tuft
from data_pipeline.people.things import Thing


class Arm:
    """Describes somebody's arm.

    Args:
        rng: draws whose it is.
        makers: make what it holds, or None.
        detail: width of the texture that the head would have, in texels; the hand's is in proportion.

    Attributes:
        body: the mesh at rest, whose head the hand may touch.
        skin: linear albedo (3,).
        hand, garment, atlas, things: as those of a `Person`.
        strands: none.
    """

    def __init__(self, rng: np.random.Generator, makers: Sequence[Maker] = (), detail: int = 512):
        traits = draw_traits(rng, with_hair=False)
        self.body = Body.shaped(draw_shape(rng, traits))
        self.skin = complexion(rng, traits)
        self.garment = draw_garment(rng, traits)
        self.hand = Hand(self.body)
        self.things: tuple[Thing, ...] = tuple(
            thing for thing in (make(self.hand) for make in makers) if thing is not None
        )
        texels = hand_map(detail * 5 // 8, detail * 13 // 16)
        bare = SkinPainter(rng, traits, self.skin, self.skin, self.skin).hand(texels)
        textures = {"hand": sleeved(rng, bare, texels.forearm, texels.y, self.garment)}
        parts = [part for thing in self.things for part in thing.parts]
        textures |= {part_name(number): part.texture for number, part in enumerate(parts)}
        self.atlas = Atlas(textures)
        self.strands = _no_strands(rng)


def _no_strands(rng: np.random.Generator) -> Strands:
    points = np.zeros((0, 2, 3), np.float32)
    none = Tuft(points, points[..., 0], points[..., 0], points, Region.HAIR, points[:, 0])
    return Strands([none], rng)
