"""Faults of datasets that no decoder finds: seen in what was decoded, and told with the files' names."""

import hashlib
from collections.abc import Mapping
from typing import Any

from data_pipeline.sources.base import OPAQUE_KINDS, Picture
from data_pipeline.sources.decode import is_turned_alone

_NAMED = 3
_OPAQUE = 247  # a JPEG's white
_SHOWN, _HIDDEN = 0.95, 0.05

TURNED = "pictures are stored turned (EXIF), their masks are not; a mask must lie over its picture as that is shown"
OPAQUE = "alphas hide nothing at all; check that they are the masks"
INVERTED = "alphas show the border and hide the middle; they may be inverted"
TWICE = "pictures are there twice; one may be trained on and the other tested on"


class Faults:
    """Collects the faults of a source's items.

    Attributes:
        found: the keys of the items by what is wrong with them.
    """

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self._seen: set[bytes] = set()

    def look(self, item: Mapping[str, Any], picture: Picture) -> None:
        """Looks at an item as it was read, and as it was decoded."""
        if item["kind"] not in OPAQUE_KINDS:
            if is_turned_alone(item["rgb"], item["alpha"]):
                self._add(TURNED, picture)
            if picture.alpha.min() >= _OPAQUE:
                self._add(OPAQUE, picture)
            elif _looks_inverted(picture):
                self._add(INVERTED, picture)
        digest = hashlib.blake2b(picture.rgb.tobytes(), digest_size=16).digest()
        if digest in self._seen:
            self._add(TWICE, picture)
        self._seen.add(digest)

    def lines(self) -> list[str]:
        """Returns a line for each kind of fault."""
        return [
            f"  fault: {len(keys)} {what} ({', '.join(keys[:_NAMED])}{' …' if len(keys) > _NAMED else ''})"
            for what, keys in self.found.items()
        ]

    def _add(self, what: str, picture: Picture) -> None:
        self.found.setdefault(what, []).append(picture.key)


def _looks_inverted(picture: Picture) -> bool:
    alpha = picture.alpha / 255
    height, width = alpha.shape
    middle = alpha[height // 3 : -(height // 3) or None, width // 3 : -(width // 3) or None]
    border = (alpha[0].mean() + alpha[-1].mean() + alpha[:, 0].mean() + alpha[:, -1].mean()) / 4
    return bool(border > _SHOWN and middle.mean() < _HIDDEN)
