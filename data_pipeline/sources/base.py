"""What a source of pictures or clips is, and what its adapters are given."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np

Kind = Literal["face", "occluder", "texture", "background", "foreground", "segmentation"]

# Kinds that are seen whole, so that an item needs no alpha.
OPAQUE_KINDS: tuple[Kind, ...] = ("texture", "background")

# An alpha of a few grey levels is the noise of a JPEG, not something to be seen.
VISIBLE = 8

# Maps the number of frames of a clip to the frames wanted of it, in their order; repetitions are allowed.
FrameChoice = Callable[[int], Sequence[int]]


class Source(Protocol):
    """Random access to the pictures of one dataset; pickled into the data workers, so it opens files only when asked.

    An item is a mapping with `rgb` and `alpha` (each encoded bytes or a uint8 array, (h, w, 3) and (h, w); `alpha` is
    None where `rgb` carries it or the kind, see `OPAQUE_KINDS`, needs none), `key` (a name, unique in the source),
    `kind`, and `category` where the dataset has classes. Pictures may be of any size, and alpha of another than rgb.
    An item that cannot be read raises a UserError that names it.

    A source that leaves out pictures also has `skipped`, a mapping from their files to the reasons.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Mapping[str, Any]: ...


@runtime_checkable
class ClipSource(Protocol):
    """Random access to the clips of one dataset, and to the frames of each; all else is as in `Source`.

    `frames(index)` is the length of a clip. `read(index, frames)` reads these frames of it, in the order given, and
    nothing more than it must: an item as `Source` has, whose `rgb` and `alpha` are lists, one entry a frame; with
    `may_cut` True where the dataset's clips may hold scene cuts.
    """

    def __len__(self) -> int: ...

    def frames(self, index: int) -> int: ...

    def read(self, index: int, frames: Sequence[int]) -> Mapping[str, Any]: ...


@runtime_checkable
class ContainerSource(ClipSource, Protocol):
    """A `ClipSource` whose clips are video files, which a prepared set keeps whole.

    `container(index)` is the file's content. `numbers(index)` gives the frames that the clip has, by their number in
    the video, and the files of their masks, or None where it has none.
    """

    def container(self, index: int) -> bytes: ...

    def numbers(self, index: int) -> tuple[Sequence[int], Sequence[str] | None]: ...


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


class Video(NamedTuple):
    """Decoded frames of a clip, all of one size; `key` and `category` are the clip's."""

    frames: tuple[Picture, ...]
    key: str
    category: str
