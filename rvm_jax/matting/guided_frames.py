"""Frames of clips through a network that wants a mask or trimap beside each of them."""

from collections.abc import Iterable, Iterator
from itertools import islice

import cv2
import numpy as np

from rvm_jax.guidance import from_alpha as guidance
from rvm_jax.matting import inputs
from rvm_jax.matting.guidance import GuidanceSource
from rvm_jax.matting.mattes import Chunk, ClipMatter, MattedFrame
from rvm_jax.matting.picture_matter import PictureMatter
from rvm_jax.media.frame_source import Frame
from rvm_jax.networks.api import Guidance


class GuidedByFiles:
    """A `ClipMatter`: masks, trimaps or alphas come from a picture, a folder of frames, or a video."""

    def __init__(
        self, matter: PictureMatter, kind: Guidance, source: GuidanceSource, input_resize: tuple[int, int] | None
    ):
        self._matter, self._kind, self._source, self._resize = matter, kind, source, input_resize

    def matte(self, frames: Iterable[Frame], chunk: int, rec: object = None) -> Iterator[Chunk]:
        del rec
        matted = self._matted(iter(frames))
        while batch := list(islice(matted, chunk)):
            yield Chunk(batch, None)

    def _matted(self, frames: Iterator[Frame]) -> Iterator[MattedFrame]:
        guides: Iterator[np.ndarray] | None = None
        for number, frame in enumerate(frames):
            size = frame.rgb.shape[:2]
            guides = guides or self._guides(size)
            values = self._source.values(self._kind, next(guides))
            guidance.check(values, self._kind, size, f"{self._source.path}: frame {number}")
            yield MattedFrame(frame, self._matter(frame.rgb, values), frame.rgb, {})

    def _guides(self, size: tuple[int, int]) -> Iterator[np.ndarray]:
        path = self._source.path
        assert path is not None
        # A trimap's three values are all that may be in it.
        interpolation = cv2.INTER_NEAREST if self._source.files is not None else cv2.INTER_AREA
        return inputs.masks(path, size, self._resize, interpolation)


class GuidedByNetwork:
    """A `ClipMatter`: another one mattes first, and of its alphas is derived what guides the network."""

    def __init__(self, matter: PictureMatter, kind: Guidance, first: ClipMatter):
        self._matter, self._kind, self._first = matter, kind, first

    def matte(self, frames: Iterable[Frame], chunk: int, rec: object = None) -> Iterator[Chunk]:
        for matted, rec_after in self._first.matte(frames, chunk, rec):
            yield Chunk([self._guided(frame) for frame in matted], rec_after)

    def _guided(self, first: MattedFrame) -> MattedFrame:
        rgb = first.frame.rgb
        return first._replace(pha=self._matter(rgb, guidance.derive(self._kind, first.pha8)), fgr=rgb)
