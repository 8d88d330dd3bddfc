"""Faces cut out of frames, matted each with a state of its own, and put back."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice

import cv2
import jax
import numpy as np

from rvm_jax.matting.matted import Matted, quantize
from rvm_jax.matting.matter import Matter
from rvm_jax.media.aspect import display_size
from rvm_jax.media.face_alignment import Pose, PoseSmoother, crop, paste
from rvm_jax.media.face_tracks import ClipTracks, FaceTracks, StatefulTracks
from rvm_jax.media.frame_source import Frame
from rvm_jax.networks.api import State

# A face's foreground or None, and its alpha, on the device, by the frame's index and the face's name.
_Pending = dict[tuple[int, str], tuple[jax.Array | None, jax.Array]]


def tracked(frames: Iterable[Frame], tracks: FaceTracks, rate: float, related: bool) -> Iterator[Frame]:
    """Adds the faces to frames: once, whoever and how many matte them.

    Where pixels are not square, `tracks` sees the frames as they are shown, and poses lie there.

    Args:
      frames: the frames.
      tracks: where the faces are.
      rate: frames per second.
      related: whether the frames are one clip's: each face's square is smoothed over time then, and a detector follows
        it. Otherwise every frame is looked at for itself.
    """
    smoothers: dict[str, PoseSmoother] = {}
    for index, frame in enumerate(frames):
        if index == 0 or not related:
            smoothers = {}
            if isinstance(tracks, ClipTracks):
                tracks.begin(rate if related else 0.0, frame.pixel_aspect)
            if isinstance(tracks, StatefulTracks):
                tracks.reset()
        seen = frame.rgb
        if frame.pixel_aspect != 1:
            height, width = display_size(frame.size, frame.pixel_aspect)
            seen = cv2.resize(seen, (width, height), interpolation=cv2.INTER_AREA)
        found = tracks(frame.number, seen)
        smoothers = {face: smoothers.get(face) or PoseSmoother(rate) for face in found}
        poses = {face: smoothers[face](pose) for face, pose in found.items()}
        yield frame._replace(guide=frame.guide._replace(poses=poses))


class Faces:
    """A `Backend`: cuts out the faces that frames are tracked with, and puts their alphas back; elsewhere alpha is 0.

    A face's state is reset when it has been away.

    Args:
      matter: its weights and compilations serve all faces.
      side: pixels of the square that the network sees.
      chunk: how many frames of a clip go to the device at once.
      alpha_bits: 8 or 16.
    """

    has_state = True

    def __init__(self, matter: Matter, side: int, chunk: int, alpha_bits: int = 8):
        self._matter, self._side, self._chunk = matter, side, chunk
        self._quantize = partial(quantize, alpha_bits)
        self._dtype = np.uint8 if alpha_bits == 8 else np.uint16

    def matte(self, frames: Iterable[Frame], related: bool, rec: State | None = None) -> Iterator[Matted]:
        del rec  # a clip with faces is matted from its start
        matters: dict[str, Matter] = {}
        left = iter(frames)
        while held := list(islice(left, self._chunk if related else 1)):
            yield from self._matted(held, self._chunk if related else 1, matters if related else {})

    def _matted(self, held: list[Frame], chunk: int, matters: dict[str, Matter]) -> Iterator[Matted]:
        poses = [frame.guide.poses or {} for frame in held]
        pending: _Pending = {}
        for face in dict.fromkeys(face for found in poses for face in found):
            matter = matters.setdefault(face, self._matter.another())
            if len(held) == chunk and all(face in found for found in poses):
                squares = [
                    crop(frame.rgb, found[face], self._side, frame.pixel_aspect)
                    for frame, found in zip(held, poses, strict=True)
                ]
                fgr, pha, _ = self._quantize(matter(np.stack(squares)))
                for index in range(len(held)):
                    pending[index, face] = None if fgr is None else fgr[index], pha[index]
                continue
            # It comes or goes within the chunk, or the chunk is the last: one by one, in a shape compiled once.
            for index, (frame, found) in enumerate(zip(held, poses, strict=True)):
                if face in found:
                    fgr, pha, _ = self._quantize(matter(crop(frame.rgb, found[face], self._side, frame.pixel_aspect)))
                    pending[index, face] = fgr, pha
                else:
                    matter.reset()
        for face in [face for face in matters if not any(face in found for found in poses)]:
            del matters[face]
        for index, (frame, found) in enumerate(zip(held, poses, strict=True)):
            yield self._put_back(frame, {face: (pose, *pending[index, face]) for face, pose in found.items()})

    def _put_back(self, frame: Frame, faces: dict[str, tuple[Pose, jax.Array | None, jax.Array]]) -> Matted:
        alpha: np.ndarray = np.zeros(frame.size, self._dtype)
        foreground = frame.rgb
        for pose, fgr, pha in faces.values():
            own = paste(np.asarray(pha)[..., 0], pose, frame.size, frame.pixel_aspect)
            if fgr is not None:
                leads = (own > alpha)[..., None]
                foreground = np.where(leads, paste(np.asarray(fgr), pose, frame.size, frame.pixel_aspect), foreground)
            alpha = np.maximum(alpha, own)
        return Matted(frame, alpha[..., None], foreground)
