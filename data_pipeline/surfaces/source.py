"""Drawn surfaces and scenes behind the random-access interface that every source has."""

import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np

from data_pipeline.surfaces.folder import PictureFolder
from data_pipeline.surfaces.painting import LEAST_SIDE, surface
from data_pipeline.surfaces.scenes import background
from rvm_jax.errors import UserError

_FROM_FOLDER = 0.5  # of the items where there are photographs


class Surfaces:
    """Draws textures or backgrounds without a download: item i follows from (seed, split, i) alone, for each `size`.

    Items hold `rgb` uint8 (size, size, 3), `alpha` None, `key` and `kind`.

    Args:
        kind: "texture", surfaces from near by; or "background", scenes.
        size: side in pixels.
        split, max_items, seed: which items there are.
        pictures: a folder of photographs, from which half of the items are cut.

    Raises:
        UserError: if the size is too small, or the folder has no pictures.
    """

    def __init__(
        self,
        kind: Literal["texture", "background"],
        size: int = 512,
        split: str = "train",
        max_items: int = 10_000,
        seed: int = 0,
        pictures: str | Path | None = None,
    ):
        if size < LEAST_SIDE:
            raise UserError(f"size={size} is too small for a surface: set at least {LEAST_SIDE}.")
        self.kind, self.size, self.split, self.max_items, self.seed = kind, size, split, max_items, seed
        self._pictures = PictureFolder(pictures) if pictures else None

    def __len__(self) -> int:
        return self.max_items

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < self.max_items:
            raise IndexError(f"item {index} of {self.max_items}")
        rng = np.random.default_rng([self.seed, zlib.crc32(f"{self.kind}/{self.split}".encode()), index])
        if self._pictures is not None and rng.random() < _FROM_FOLDER:
            rgb = self._pictures.crop(rng, self.size, self.size)
        elif self.kind == "texture":
            rgb = surface(rng, self.size)
        else:
            rgb = background(rng, self.size, self.size)
        return {"rgb": rgb, "alpha": None, "key": f"{self.kind}/{self.split}/{index:06d}", "kind": self.kind}
