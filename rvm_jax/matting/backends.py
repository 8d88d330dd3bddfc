"""How frames go through a network: as a stream with its state, each for itself, or guided by another network.

Each takes frames in their order and yields them in that order, as soon as the device has them.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Protocol, cast

import numpy as np
from flax import nnx

from rvm_jax import guidance
from rvm_jax.errors import UserError
from rvm_jax.matting.faces import Faces
from rvm_jax.matting.frame_by_frame import FrameByFrame
from rvm_jax.matting.guidance import load_guide
from rvm_jax.matting.matted import Matted, quantize
from rvm_jax.matting.matter import Matter
from rvm_jax.matting.options import Settings
from rvm_jax.matting.per_frame import PictureMatter
from rvm_jax.media.frame_source import Frame
from rvm_jax.networks.api import Guidance, Network, State


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
    """A `Backend` of a `Matter`: the frames of a clip in chunks, with its state; other pictures alone.

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
    """A `Backend` of a `PictureMatter`: every frame for itself, with its mask or trimap if `kind` asks for one."""

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
    """A `Backend` of two networks: the first one mattes, and of its alphas is derived what the second one wants."""

    def __init__(self, first: Backend, matter: PictureMatter, kind: Guidance):
        self.has_state = first.has_state
        self._first, self._matter, self._kind = first, matter, kind

    def matte(self, frames: Iterable[Frame], related: bool, rec: State | None = None) -> Iterator[Matted]:
        yield from _one_ahead(
            _started(self._matter, first.frame, guidance.derive(self._kind, first.pha8), first.rec)
            for first in self._first.matte(frames, related, rec)
        )


def make_backend(
    network: Network | Matter, how: Settings, *, for_pictures: bool = False, faithful: bool = False
) -> Backend:
    """Returns what mattes frames with a network, or a Matter, by these settings.

    Args:
      network: the network.
      how: the settings.
      for_pictures: whether networks for still pictures see frames one by one, rather than in chunks.
      faithful: see `PictureMatter`.

    Raises:
      UserError: if they do not go together.
    """
    kind = check_guidance(network, how)
    fills_whole = how.downsample_ratio in ("auto", 1) and how.faces is None
    streams = has_state(network) or not fills_whole or not for_pictures
    if isinstance(network, Matter) or (kind is None and streams):
        if faithful:
            raise UserError(
                "faithful is how still-picture networks were run, at full size; leave it, the ratio or the faces out"
            )
        matter = as_matter(network, how)
        if how.faces is not None:
            return Faces(matter, how.face_side, how.seq_chunk, how.alpha_bits)
        return Streaming(matter, has_state(network), how.seq_chunk, how.alpha_bits)
    per_frame = PictureMatter(network, faithful=faithful, dtype=how.dtype, pad_to=how.pad_to, alpha_bits=how.alpha_bits)
    if kind is None or how.guidance is None or how.guidance.network is None:
        return PerFrame(per_frame, kind)
    guide = load_guide(how.guidance)
    return Guided(Streaming(as_matter(guide, how), has_state(guide), how.seq_chunk), per_frame, kind)


def has_state(network: Network | Matter) -> bool:
    """Whether the frames of a clip must go through a network, or a Matter, one after the other."""
    return isinstance(network, Matter) or network.inputs.state


def check_guidance(network: Network | Matter, how: Settings) -> Guidance | None:
    """Returns what guidance a network takes.

    Raises:
      UserError: if it is missing, given to one that takes none, or does not go with the other settings.
    """
    if isinstance(network, Matter) or network.inputs.guidance is None:
        return None
    name, kind = network.name, network.inputs.guidance
    if how.guidance is None:
        raise UserError(
            f"{name} needs a {kind} beside each picture or frame; give {kind}s (--guidance), alphas to derive them "
            "from (--guidance_alpha), or a network that mattes first (--guidance_checkpoint)"
        )
    if how.downsample_ratio not in ("auto", 1):
        raise UserError(f"{name} sees its pictures and {kind}s at full size; leave downsample_ratio out")
    if how.faces is not None:
        raise UserError(f"{name} is guided by {kind}s of whole frames; leave the faces out")
    return kind


def guided_kinds(networks: Iterable[Network | Matter], how: Settings) -> list[Guidance]:
    """Returns the kinds of guidance that networks take: one source serves them all.

    Raises:
      UserError: if it is missing, or nobody wants it; see `check_guidance`.
    """
    networks = list(networks)
    first = networks[0]
    kinds = [kind for network in networks if (kind := check_guidance(network, how))]
    if how.guidance is not None and not kinds:
        name = "a Matter" if isinstance(first, Matter) else first.name
        raise UserError(f"{name} takes the picture alone, without a mask or trimap; leave the guidance out")
    return list(dict.fromkeys(kinds))


def as_matter(network: Network | Matter, how: Settings) -> Matter:
    """Returns a network's Matter by these settings; a Matter has settings of its own and starts a new stream.

    A network for still pictures mattes each frame for itself.

    Raises:
      UserError: if it wants a mask or trimap.
    """
    if isinstance(network, Matter):
        return network.another()
    ratio, streamed = how.downsample_ratio, cast(nnx.Module, network)
    if not network.inputs.state:
        streamed = FrameByFrame(network)
        ratio = 1.0 if ratio == "auto" else ratio
    return Matter(streamed, ratio, dtype=how.dtype, scene_cut=how.scene_cut, pad_to=how.pad_to)


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
