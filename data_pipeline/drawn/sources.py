"""The renderers behind the random-access interface that every source has."""

import math
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_pipeline.drawn import cloths, eyewear, hands, heads, objects, soft, things, vessels
from data_pipeline.drawn.canvas import Canvas, straight_colours, to_uint8
from data_pipeline.drawn.materials import Materials, wear
from data_pipeline.surfaces import PictureFolder
from rvm_jax.errors import UserError

_PAINTERS: dict[str, Callable[[np.random.Generator, Canvas], None]] = {
    "hand": hands.hand,
    "glasses": eyewear.glasses,
    "sunglasses": eyewear.sunglasses,
    "mug": vessels.mug,
    "cup": vessels.cup,
    "glass": vessels.glass,
    "microphone": things.microphone,
    "phone": things.phone,
    "book": things.book,
    "leaf": things.leaf,
    "scarf": cloths.scarf,
    "mask": cloths.mask,
    "net": cloths.net,
    "blob": soft.blob,
    "smoke": soft.smoke,
}
OCCLUDER_CATEGORIES = tuple(_PAINTERS)
# Made of surfaces alone: there where these are asked for, or the category is.
OBJECT = "object"
# Some of the objects, to have more of what is easily taken for a face: where the category is asked for.
_PAINTERS |= {OBJECT: objects.thing, "dish": objects.dish, "animal": objects.animal}
# Hands are what most often covers a face, and the hardest: their colour is the face's.
_WEIGHTS = {"hand": 5.0, "mug": 1.5, "smoke": 1.5, "blob": 1.5, OBJECT: 8.0, "dish": 8.0, "animal": 4.0}
_CROP_STEP = 32  # crops start and end at multiples of 1/32 of the canvas, so that sizes agree on them


class _Procedural:
    """What both have: `surfaces` is the share in [0, 1] of occluders, clothes and backgrounds with surfaces and scenes
    like photographs; `pictures` is a folder of photographs that half of those are taken from.
    """

    kind: str

    def __init__(
        self,
        size: int = 512,
        split: str = "train",
        max_items: int = 10_000,
        seed: int = 0,
        surfaces: float = 0.0,
        pictures: str | Path | None = None,
    ):
        if size < 16:
            raise UserError(f"size={size} is too small to draw a {self.kind}: set at least 16.")
        if not 0 <= surfaces <= 1:
            raise UserError(f"surfaces={surfaces} is no share: set a number from 0 to 1.")
        self.size, self.split, self.max_items, self.seed, self.surfaces = size, split, max_items, seed, surfaces
        self._materials = Materials(PictureFolder(pictures) if pictures else None)

    def __len__(self) -> int:
        return self.max_items

    def _draw_materials(self, rng: np.random.Generator) -> Materials | None:
        return self._materials if self.surfaces > 0 and rng.random() < self.surfaces else None

    def _generator(self, index: int) -> np.random.Generator:
        if not 0 <= index < self.max_items:
            raise IndexError(f"item {index} of {self.max_items}")
        return np.random.default_rng([self.seed, zlib.crc32(f"{self.kind}/{self.split}".encode()), index])


class ProceduralFaces(_Procedural):
    """Rendered portraits and the exact alpha of the face: skin, brows, eyes, nose, mouth, beard; no ears, neck, hair.

    Item i is a function of (seed, split, i) alone, drawn at any `size`: `rgb` uint8 (size, size, 3), `alpha` uint8
    (size, size), `key` and `kind`.
    """

    kind = "face"

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = self._generator(index)
        canvas = heads.render(rng, self.size, self._draw_materials(rng), self._draw_materials(rng))
        return {
            "rgb": to_uint8(canvas.planes[:3]),
            "alpha": to_uint8(canvas.planes[3:]),
            "key": f"procedural/{self.split}/{index:06d}",
            "kind": self.kind,
        }


class ProceduralOccluders(_Procedural):
    """Rendered occluders with exact soft alpha, cropped to the object.

    Items hold `rgb` uint8 (h, w, 3), straight colours that continue smoothly where alpha is 0; `alpha` uint8 (h, w);
    `category`, `key` and `kind`. The longer side is about `size`. `include` and `exclude` name categories; `object`,
    things of all sorts, is among them where `surfaces` is above 0 or `include` names it; `dish` and `animal`, the most
    misleading of those, where `include` does.
    """

    kind = "occluder"

    def __init__(
        self,
        size: int = 512,
        split: str = "train",
        max_items: int = 10_000,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        seed: int = 0,
        surfaces: float = 0.0,
        pictures: str | Path | None = None,
    ):
        super().__init__(size, split, max_items, seed, surfaces, pictures)
        for name in (*include, *exclude):
            if name not in _PAINTERS:
                raise UserError(f"There is no occluder category {name!r}: choose from {', '.join(_PAINTERS)}.")
        usual = (*OCCLUDER_CATEGORIES, OBJECT) if surfaces > 0 else OCCLUDER_CATEGORIES
        self.categories = [c for c in include or usual if c not in exclude]
        if not self.categories:
            raise UserError("include and exclude leave no occluder category: name one more in include.")
        weights = np.array([_WEIGHTS.get(c, 1.0) for c in self.categories])
        self._weights = weights / weights.sum()

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = self._generator(index)
        category = str(rng.choice(self.categories, p=self._weights))
        canvas = Canvas(self.size, self._draw_materials(rng))
        _PAINTERS[category](rng, canvas)
        if canvas.materials is not None:
            canvas.planes[:3] *= canvas.place(wear(rng))
        planes = canvas.planes[(slice(None), *_crop(canvas))]
        return {
            "rgb": to_uint8(straight_colours(planes)),
            "alpha": to_uint8(planes[3:]),
            "key": f"{category}/{self.split}/{index:06d}",
            "kind": self.kind,
            "category": category,
        }


def _crop(canvas: Canvas) -> tuple[slice, slice]:
    """Rows and columns of the picture that hold the object and a margin."""
    left, top, right, bottom = canvas.extent

    def span(low: float, high: float) -> slice:
        first = max(math.floor(low * _CROP_STEP - 0.5), 0)
        last = min(math.ceil(high * _CROP_STEP + 0.5), _CROP_STEP)
        return slice(first * canvas.size // _CROP_STEP, -(-last * canvas.size // _CROP_STEP))

    return span(top, bottom), span(left, right)
