"""How pictures go through a network: RVM with its state, still-picture networks one by one, guided ones after another.

Each takes pictures in their order and yields them in that order, as soon as the device has them.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.guidance import from_alpha as guidance
from rvm_jax.matting.guidance import load_guide
from rvm_jax.matting.matter import Matter
from rvm_jax.matting.mattes import quantize
from rvm_jax.matting.picture_matter import PictureMatter
from rvm_jax.matting.settings import Settings, as_matter, check_guidance, has_state
from rvm_jax.networks.api import Guidance


class Picture(NamedTuple):
    """A picture on its way: where its result goes, RGB (H, W, 3) uint8, and its mask or trimap (H, W) uint8 if any."""

    target: Path
    rgb: np.ndarray
    values: np.ndarray | None = None


class MattedPicture(NamedTuple):
    """Its foreground (H, W, 3) uint8, or None, its alpha (H, W, 1) uint8 or uint16, and the state on the device after
    it, None where one cannot go on from here."""

    target: Path
    rgb: np.ndarray
    fgr: np.ndarray | None
    pha: np.ndarray
    rec: Any = None


# Waits for a picture that is being computed.
Started = Callable[[], MattedPicture]


class PictureNetwork(Protocol):
    """Mattes the pictures of one folder after the other.

    Attributes:
      has_state: whether frames of a clip depend on those before.
    """

    has_state: bool

    def matte(self, pictures: Iterable[Picture], related: bool, rec: Any = None) -> Iterator[MattedPicture]:
        """Yields every picture once; `related` ones are the frames of one clip, and `rec` the state to go on from."""


def picture_network(network: Any, how: Settings, pad_to: int = 1, faithful: bool = False) -> PictureNetwork:
    """Returns how a network, or a Matter, mattes pictures by these settings; see `matte_pictures`.

    Raises UserError where they do not go together.
    """
    kind = check_guidance(network, how)
    if has_state(network) or how.downsample_ratio not in ("auto", 1):
        if faithful:
            raise UserError("faithful is how still-picture networks were run, at full size; leave it or the ratio out")
        return Streamed(as_matter(network, how, pad_to), has_state(network), how.seq_chunk, how.alpha_bits)
    matter = PictureMatter(network, faithful=faithful, dtype=how.dtype, pad_to=pad_to, alpha_bits=how.alpha_bits)
    if how.guidance is None or how.guidance.network is None:
        return OneByOne(matter)
    assert kind is not None
    guide = load_guide(how.guidance)
    return Guided(Streamed(as_matter(guide, how, pad_to), has_state(guide), how.seq_chunk, 8), matter, kind)


class Streamed:
    """A `PictureNetwork` of a `Matter`: the frames of a clip in chunks, with its state; other pictures alone."""

    def __init__(self, matter: Matter, carries_state: bool, chunk: int, alpha_bits: int):
        self.has_state = carries_state
        self._matter, self._chunk = matter, chunk
        self._rounded = partial(quantize, alpha_bits)

    def matte(self, pictures: Iterable[Picture], related: bool, rec: Any = None) -> Iterator[MattedPicture]:
        if not related:
            yield from _one_ahead(self._start(picture) for picture in pictures)
            return
        taken: deque[Picture] = deque()

        def frames() -> Iterator[np.ndarray]:
            for picture in pictures:
                taken.append(picture)
                yield picture.rgb

        for src, (fgr, pha, rec_after) in self._matter.stream(frames(), self._chunk, rec, self._rounded):
            pha = np.asarray(pha)
            fgr = None if fgr is None else np.asarray(fgr)
            for index in range(len(src)):
                target, rgb, _ = taken.popleft()
                # A filled-up chunk leaves no state to go on from.
                state = rec_after if index == self._chunk - 1 else None
                yield MattedPicture(target, rgb, None if fgr is None else fgr[index], pha[index], state)

    def _start(self, picture: Picture) -> Started:
        self._matter.reset()
        fgr, pha, _ = self._rounded(self._matter(picture.rgb))
        return lambda: MattedPicture(
            picture.target, picture.rgb, None if fgr is None else np.asarray(fgr), np.asarray(pha)
        )


class OneByOne:
    """A `PictureNetwork` of a `PictureMatter`: every picture and every frame for itself."""

    has_state = False

    def __init__(self, matter: PictureMatter):
        self._matter = matter

    def matte(self, pictures: Iterable[Picture], related: bool, rec: Any = None) -> Iterator[MattedPicture]:
        del related, rec
        yield from _one_ahead(_started(self._matter, picture) for picture in pictures)


class Guided:
    """A `PictureNetwork` of two: the first one mattes, and of its alphas is derived what the second one wants."""

    def __init__(self, first: PictureNetwork, matter: PictureMatter, kind: Guidance):
        self.has_state = first.has_state
        self._first, self._matter, self._kind = first, matter, kind

    def matte(self, pictures: Iterable[Picture], related: bool, rec: Any = None) -> Iterator[MattedPicture]:
        yield from _one_ahead(
            _started(self._matter, Picture(target, rgb, guidance.derive(self._kind, alpha)), state)
            for target, rgb, _, alpha, state in self._first.matte(pictures, related, rec)
        )


def _started(matter: PictureMatter, picture: Picture, rec: Any = None) -> Started:
    waiting = matter.start(picture.rgb, picture.values)
    return lambda: MattedPicture(picture.target, picture.rgb, None, waiting(), rec)


def _one_ahead(started: Iterable[Started]) -> Iterator[MattedPicture]:
    """Waits for each picture while the next one is computed; more of them at once would only take memory."""
    before: Started | None = None
    for wait in started:
        if before is not None:
            yield before()
        before = wait
    if before is not None:
        yield before()
