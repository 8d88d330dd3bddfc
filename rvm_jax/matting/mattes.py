"""Frames and their mattes as they come off the device, for one network on whole frames or on the faces in them."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from rvm_jax.matting.matter import Matter
from rvm_jax.media.face_alignment import Pose, PoseSmoother, crop, face_ellipse, paste
from rvm_jax.media.face_tracks import FaceTracks
from rvm_jax.media.frame_source import Frame
from rvm_jax.networks.rvm.model import Matte

# The names of face regions and where they are: {face: (H, W) uint8, 0..255}.
Regions = dict[str, np.ndarray]


class MattedFrame(NamedTuple):
    """A frame, its alpha (H, W, 1) uint8 or uint16, its foreground (H, W, 3) uint8, and where its faces are."""

    frame: Frame
    pha: np.ndarray
    fgr: np.ndarray
    regions: Regions

    @property
    def pha8(self) -> np.ndarray:
        """The alpha with 8 bits."""
        return self.pha if self.pha.dtype == np.uint8 else ((self.pha + 128.0) // 257).astype(np.uint8)


class Chunk(NamedTuple):
    """Some matted frames, and the state (on the device) after the last of them, None where none is kept."""

    frames: list[MattedFrame]
    rec: Any


class ClipMatter(Protocol):
    """Mattes a clip from its first frame, or from the state that its frames before left."""

    def matte(self, frames: Iterable[Frame], chunk: int, rec: Any = None) -> Iterator[Chunk]:
        """Yields every frame once, `chunk` at a time."""


class WholeFrames:
    """Mattes whole frames with one network: a `ClipMatter`."""

    def __init__(self, matter: Matter, alpha_bits: int = 8):
        self._matter = matter
        self._quantize = partial(quantize, alpha_bits)

    def matte(self, frames: Iterable[Frame], chunk: int, rec: Any = None) -> Iterator[Chunk]:
        taken: list[Frame] = []

        def pictures() -> Iterator[np.ndarray]:
            for frame in frames:
                taken.append(frame)
                yield frame.rgb

        for src, (fgr, pha, rec_after) in self._matter.stream(pictures(), chunk, rec, self._quantize):
            own, taken[: len(src)] = taken[: len(src)], []
            fgr = src if fgr is None else np.asarray(fgr)
            mattes = zip(own, np.asarray(pha), fgr, strict=True)
            yield Chunk([MattedFrame(frame, p, f, {}) for frame, p, f in mattes], rec_after)


class Faces:
    """Cuts faces out, mattes each with a state of its own, and puts the alphas back: a `ClipMatter`.

    A face's square is smoothed over time. Its state begins anew when it has been away; elsewhere alpha is 0.

    Args:
      matter: its weights and compilations serve all faces.
      tracks: where the faces are.
      rate: frames per second.
      side: pixels of the square that the network sees.
      alpha_bits: 8 or 16.
    """

    def __init__(self, matter: Matter, tracks: FaceTracks, rate: float, side: int, alpha_bits: int = 8):
        self._matter, self._tracks, self._rate, self._side = matter, tracks, rate, side
        self._quantize = partial(quantize, alpha_bits)
        self._dtype = np.uint8 if alpha_bits == 8 else np.uint16

    def matte(self, frames: Iterable[Frame], chunk: int, rec: Any = None) -> Iterator[Chunk]:
        matters: dict[str, Matter] = {}
        smoothers: dict[str, PoseSmoother] = {}
        held: list[tuple[Frame, dict[str, Pose]]] = []
        for number, frame in enumerate(frames):
            found = self._tracks(number, frame.rgb)
            for face in [face for face in smoothers if face not in found]:
                del smoothers[face]
            poses = {}
            for face, pose in found.items():
                smoother = smoothers.setdefault(face, PoseSmoother(self._rate))
                poses[face] = smoother(pose)
            held.append((frame, poses))
            if len(held) == chunk:
                yield self._matted(held, chunk, matters)
                held = []
        if held:
            yield self._matted(held, chunk, matters)

    def _matted(self, held: list[tuple[Frame, dict[str, Pose]]], chunk: int, matters: dict[str, Matter]) -> Chunk:
        pending: dict[tuple[int, str], Any] = {}
        for face in dict.fromkeys(face for _, poses in held for face in poses):
            matter = matters.setdefault(face, self._matter.another())
            present = [face in poses for _, poses in held]
            if all(present) and len(held) == chunk:
                squares = np.stack([crop(frame.rgb, poses[face], self._side) for frame, poses in held])
                fgr, pha, _ = self._quantize(matter(squares))
                for index in range(len(held)):
                    pending[index, face] = None if fgr is None else fgr[index], pha[index]
                continue
            # It comes or goes within the chunk, or the chunk is the last: one by one, in a shape compiled once.
            for index, (frame, poses) in enumerate(held):
                if face in poses:
                    fgr, pha, _ = self._quantize(matter(crop(frame.rgb, poses[face], self._side)))
                    pending[index, face] = fgr, pha
                else:
                    matter.reset()
        for face in [face for face in matters if not any(face in poses for _, poses in held)]:
            del matters[face]
        whole = [self._put_back(index, frame, poses, pending) for index, (frame, poses) in enumerate(held)]
        return Chunk(whole, None)

    def _put_back(self, index: int, frame: Frame, poses: dict[str, Pose], pending: dict) -> MattedFrame:
        size = frame.rgb.shape[:2]
        alpha = np.zeros(size, self._dtype)
        foreground = frame.rgb
        for face, pose in poses.items():
            fgr, pha = pending[index, face]
            own = paste(np.asarray(pha)[..., 0], pose, size)
            if fgr is not None:
                leads = (own > alpha)[..., None]
                foreground = np.where(leads, paste(np.asarray(fgr), pose, size), foreground)
            alpha = np.maximum(alpha, own)
        regions = {face: face_ellipse(pose, size) for face, pose in poses.items()}
        return MattedFrame(frame, alpha[..., None], foreground, regions)


@partial(jax.jit, static_argnums=0)
def quantize(alpha_bits: int, matte: Matte) -> Matte:
    """Rounds the alpha to 8 or 16 bits and the foreground to 8, on the device: less travels from it."""
    levels = 2**alpha_bits - 1
    pha = jnp.round(matte.pha * levels).astype(jnp.uint8 if alpha_bits == 8 else jnp.uint16)
    return Matte(None if matte.fgr is None else jnp.round(matte.fgr * 255).astype(jnp.uint8), pha, matte.rec)
