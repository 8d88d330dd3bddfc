"""Rendered hands and things behind the interface that every source of occluders has."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from data_pipeline.people.arm import Arm
from data_pipeline.people.cut_out import cut_out
from data_pipeline.people.hand_poses import HAND_POSES, HandPose
from data_pipeline.people.motion import Visit
from data_pipeline.people.performers import HandActor, HandPart
from data_pipeline.people.surfaces import picture_folder, pictures_from
from rvm_jax.errors import UserError

HAND, HAND_WITH_OBJECT, OBJECT = "hand", "hand_with_object", "object"
# By how often they are drawn.
CATEGORIES = {HAND: 5.0, HAND_WITH_OBJECT: 3.0, OBJECT: 4.0}
_TABLEWARE = 0.6  # of the things that nobody holds
_UPRIGHT = "cup"  # the pose of a hand that holds a cup
_LEAST_SIDE = 32
_MOST_SAMPLES = 8
_DETAIL_FROM = 384  # pictures this large get finer textures: a hand fills them
_ALWAYS = Visit(-9.0, 0.1, 99.0, np.zeros(3))


class PeopleOccluders:
    """Is a `Source` of hands with their sleeves, hands that hold things, and things, of the renderer of people.

    Item i is a function of (seed, split, i) and the settings alone. Items hold `rgb` uint8 (h, w, 3), straight colours
    that go on where the alpha is 0; `alpha` uint8 (h, w); `category`, "hand", "hand_with_object" or "object"; `key` and
    `kind`. Arms are cut off where they leave the picture, and nothing else touches its sides.

    Args:
        size: of the longer side, in pixels, about; at least 32.
        split: "train", "valid" or "test"; each has people and things of its own.
        max_items: how many there are.
        include, exclude: categories to take and to leave.
        seed: of all items.
        shadows: whether the key light casts any.
        samples: a pixel's, along each side, 1 to 8.
        surfaces: a folder of pictures that half the surfaces of things and sleeves are cut from, or None.

    Raises:
        UserError: if a setting is out of its range, or there is no such category or folder.
    """

    kind = "occluder"

    def __init__(
        self,
        size: int = 512,
        split: str = "train",
        max_items: int = 2000,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        seed: int = 0,
        shadows: bool = True,
        samples: int = 2,
        surfaces: str | None = None,
    ):
        if size < _LEAST_SIDE:
            raise UserError(f"size={size} is too small to render a hand: set at least {_LEAST_SIDE}.")
        if max_items < 1:
            raise UserError(f"max_items={max_items}: it must be at least 1.")
        if not 1 <= samples <= _MOST_SAMPLES:
            raise UserError(f"samples={samples}: set 1 to {_MOST_SAMPLES} along each side of a pixel.")
        for name in (*include, *exclude):
            if name not in CATEGORIES:
                raise UserError(f"There is no occluder category {name!r}: choose from {', '.join(CATEGORIES)}.")
        self.categories = [name for name in include or CATEGORIES if name not in exclude]
        if not self.categories:
            raise UserError("include and exclude leave no occluder category: name one more in include.")
        if surfaces is not None:
            picture_folder(surfaces, "surfaces")
        self.size, self.split, self.max_items, self.seed = size, split, max_items, seed
        self.shadows, self.samples, self.surfaces = shadows, samples, surfaces

    def __len__(self) -> int:
        return self.max_items

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < self.max_items:
            raise IndexError(f"item {index} of {self.max_items}")
        rng = np.random.default_rng([self.seed, zlib.crc32(f"people/{self.kind}/{self.split}".encode()), index])
        category = _drawn(rng, {name: CATEGORIES[name] for name in self.categories})
        part = _draw_part(rng, category)
        with pictures_from(self.surfaces):
            arm = Arm(rng, [part.make], 512 if self.size < _DETAIL_FROM else 1024)
        hand = HandActor(arm, part, 0 if arm.things else None).at(0.0)
        assert hand is not None  # its visit never ends
        rgb, alpha = cut_out(rng, arm, hand, self.size, shadows=self.shadows, samples=self.samples)
        return {
            "rgb": rgb,
            "alpha": alpha,
            "key": f"people/{category}/{self.split}/{index:06d}",
            "kind": self.kind,
            "category": category,
        }


def _draw_part(rng: np.random.Generator, category: str) -> HandPart:
    poses = {name: pose.weight for name, pose in HAND_POSES.items() if _suits(pose, category)}
    seed = tuple(int(number) for number in rng.integers(0, 2**31, 2))
    if category == OBJECT and rng.random() < _TABLEWARE:
        return HandPart(_UPRIGHT, False, _ALWAYS, False, seed, loose=True, thing="tableware")
    return HandPart(_drawn(rng, poses), bool(rng.random() < 0.5), _ALWAYS, False, seed, loose=category == OBJECT)


def _suits(pose: HandPose, category: str) -> bool:
    # Occluders are drawn at sizes near the face's: a cigarette by itself would be a pole.
    return bool(pose.holds) and pose.pinch is None if category == OBJECT else bool(pose.holds) == (category != HAND)


def _drawn(rng: np.random.Generator, weights: dict[str, float]) -> str:
    shares = np.array([*weights.values()])
    return str(rng.choice([*weights], p=shares / shares.sum()))
