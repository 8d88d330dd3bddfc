"""What a source of pictures is, and what its adapters are given."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

Kind = Literal["face", "occluder", "texture"]


# An alpha of a few grey levels is the noise of a JPEG, not something to be seen.
VISIBLE = 8


class Source(Protocol):
    """Random access to the pictures of one dataset; pickled into the data workers, so it opens files only when asked.

    An item is a mapping with `rgb` and `alpha` (each encoded bytes or a uint8 array, (h, w, 3) and (h, w); `alpha` is
    None where `rgb` carries it or the kind, a texture, needs none), `key` (a name, unique in the source), `kind`, and
    `category` where the dataset has classes. Pictures may be of any size, and alpha of another than rgb.

    A source that leaves out pictures also has `skipped`, a mapping from their files to the reasons.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Mapping[str, Any]: ...


class Request(NamedTuple):
    """What an adapter knows besides its own settings."""

    kind: Kind
    split: str  # "train", "valid" or "test"
    resolution: int  # side of the clips to come
    where: str  # the config key of the source, for messages


class Picture(NamedTuple):
    """A decoded item: `rgb` (h, w, 3) and `alpha` (h, w) uint8, C-contiguous and of one size."""

    rgb: np.ndarray
    alpha: np.ndarray
    key: str
    category: str
