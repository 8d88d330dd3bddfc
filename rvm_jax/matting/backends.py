"""How frames go through a network: as a stream with its state, each for itself, or guided by another network.

Each takes frames in their order and yields them in that order, as soon as the device has them.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Protocol

import numpy as np

from rvm_jax import guidance
from rvm_jax.matting.matted import Matted, quantize
from rvm_jax.matting.matter import Matter
from rvm_jax.matting.per_frame import PictureMatter
from rvm_jax.media.frame_source import Frame
from rvm_jax.networks.api import Guidance, State


class Backend(Protocol):
    """Mattes the frames of a clip, or pictures that have nothing to do with each other.

    Attributes:
      has_state: whether what becomes of a clip's frame depends on those before.
    """

    has_state: bool

    def matte(self, frames: Iterable[Frame], related: bool, rec: State | None = None) -> Iterator[Matted]:
        """Yields every frame once.

        Args:
          frames: the frames.
          related: whether they are one clip's.
          rec: the state to resume from, that of a frame before; None for zeros.
        """


class Streaming:
    """Is a `Backend` of a `Matter`: the frames of a clip in chunks, with its state; other pictures alone.

    Args:
      matter: what mattes them.
      has_state: whether its network has a state.
      chunk: how many frames go to the device at once.
      alpha_bits: 8 or 16.
    """

    def __init__(self, matter: Matter, has_state: bool, chunk: int, alpha_bits: int = 8):
        self.has_state = has_state
        self._matter, self._chunk = matter, chunk
        self._quantize = partial(quantize, alpha_bits)

    def matte(self, frames: Iterable[Frame], related: bool, rec: State | None = None) -> Iterator[Matted]:
        if not related:
            yield from _one_ahead(self._start(frame) for frame in frames)
            return
        taken: deque[Frame] = deque()

        def pictures() -> Iterator[np.ndarray]:
            for frame in frames:
                taken.append(frame)
                yield frame.rgb

        for src, (fgr, pha, rec_after) in self._matter.stream(pictures(), self._chunk, rec, self._quantize):
            alphas, foregrounds = np.asarray(pha), src if fgr is None else np.asarray(fgr)
            for index in range(len(src)):
                # A filled-up chunk leaves no state to resume from.
                state = rec_after if index == self._chunk - 1 else None
                yield Matted(taken.popleft(), alphas[index], foregrounds[index], state)

    def _start(self, frame: Frame) -> Callable[[], Matted]:
        self._matter.reset()
        fgr, pha, _ = self._quantize(self._matter(frame.rgb))
        return lambda: Matted(frame, np.asarray(pha), frame.rgb if fgr is None else np.asarray(fgr))


class PerFrame:
    """Is a `Backend` of a `PictureMatter`: every frame for itself, with its mask or trimap if `kind` asks for one."""

    has_state = False

    def __init__(self, matter: PictureMatter, kind: Guidance | None = None):
        self._matter, self._kind = matter, kind

    def matte(self, frames: Iterable[Frame], related: bool, rec: State | None = None) -> Iterator[Matted]:
        del related, rec
        yield from _one_ahead(
            _started(self._matter, frame, frame.guide.values[self._kind] if self._kind else None, ())
            for frame in frames
        )


class Guided:
    """Is a `Backend` of two networks: the first one mattes, and of its alphas is derived what the second one wants."""

    def __init__(self, first: Backend, matter: PictureMatter, kind: Guidance):
        self.has_state = first.has_state
        self._first, self._matter, self._kind = first, matter, kind

    def matte(self, frames: Iterable[Frame], related: bool, rec: State | None = None) -> Iterator[Matted]:
        yield from _one_ahead(
            _started(self._matter, first.frame, guidance.derive(self._kind, first.pha8), first.rec)
            for first in self._first.matte(frames, related, rec)
        )


def _started(matter: PictureMatter, frame: Frame, values: np.ndarray | None, rec: State | None) -> Callable[[], Matted]:
    waiting = matter.start(frame.rgb, values)
    return lambda: Matted(frame, waiting(), frame.rgb, rec)


def _one_ahead(started: Iterable[Callable[[], Matted]]) -> Iterator[Matted]:
    """Waits for each frame while the next one is computed; more of them at once would only take memory."""
    before: Callable[[], Matted] | None = None
    for wait in started:
        if before is not None:
            yield before()
        before = wait
    if before is not None:
        yield before()
