"""Clips of rendered people behind the interface that every source has."""

import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from data_pipeline.people.clip import Clip, Options
from data_pipeline.people.surfaces import picture_folder
from rvm_jax.errors import UserError

_LEAST_SIDE = 32
_MOST_SAMPLES = 8
_KEPT = 3  # clips whose people a process remembers, some 30 MB each


class People:
    """Is a `ClipSource` of rendered people and the exact alpha of their visible faces.

    Clip i is a function of (seed, split, i) and the options alone. An item has `rgb`, uint8 (size, size, 3), and
    `alpha`, uint8 (size, size), of each frame; `category` says what covers the face: "bare", "hair", "wear", "hand",
    "object", "smoke", "net", "glass" or "rain".

    Args:
        size: side of the frames, in pixels.
        split: "train", "valid" or "test"; each has people of its own.
        max_items: how many clips there are.
        frames: of a clip.
        seed: of all clips.
        options: which traits they have.
    """

    kind = "face"

    def __init__(
        self,
        size: int = 512,
        split: str = "train",
        max_items: int = 2000,
        frames: int = 16,
        seed: int = 0,
        options: Options | None = None,
    ):
        if size < _LEAST_SIDE:
            raise UserError(f"size={size} is too small to render a person: set at least {_LEAST_SIDE}.")
        if frames < 1 or max_items < 1:
            raise UserError(f"frames={frames}, max_items={max_items}: both must be at least 1.")
        options = options or Options()
        if not 0 <= options.hands <= 1:
            raise UserError(f"hands={options.hands}: it is a share of the clips, from 0 to 1.")
        for key in ("veils", "blown"):
            if not 0 <= getattr(options, key) <= 1:
                raise UserError(f"{key}={getattr(options, key)}: it is a share of the clips, from 0 to 1.")
        for key in ("backgrounds", "surfaces"):
            if getattr(options, key) is not None:
                picture_folder(getattr(options, key), key)
        if not 1 <= options.samples <= _MOST_SAMPLES:
            raise UserError(f"samples={options.samples}: set 1 to {_MOST_SAMPLES} along each side of a pixel.")
        self.size, self.split, self.max_items, self.length = size, split, max_items, frames
        self.seed, self.options = seed, options

    def __len__(self) -> int:
        return self.max_items

    def frames(self, index: int) -> int:
        """Returns how many frames a clip has."""
        self._check(index)
        return self.length

    def read(self, index: int, frames: Sequence[int]) -> dict[str, Any]:
        """Renders these frames of a clip, in the order given."""
        clip = self.clip(index)
        rendered = {}
        for number in sorted(set(frames)):
            if not 0 <= number < self.length:
                raise IndexError(f"frame {number} of {self.length}")
            frame = clip.frame(number)
            rendered[number] = frame.rgb, (frame.alpha * 255 + 0.5).astype(np.uint8)
        return {
            "rgb": [rendered[number][0] for number in frames],
            "alpha": [rendered[number][1] for number in frames],
            "key": f"people/{self.split}/{index:06d}",
            "kind": self.kind,
            "category": clip.category,
        }

    def clip(self, index: int) -> Clip:
        """Returns a clip, whose frames have more than an item has: depth, and the share of every region."""
        self._check(index)
        return _clip(self.seed, self.split, index, self.size, self.length, self.options)

    def _check(self, index: int) -> None:
        if not 0 <= index < self.max_items:
            raise IndexError(f"clip {index} of {self.max_items}")


@lru_cache(maxsize=_KEPT)
def _clip(seed: int, split: str, index: int, size: int, frames: int, options: Options) -> Clip:
    return Clip((seed, zlib.crc32(f"people/{split}".encode()), index), size, frames, options)
