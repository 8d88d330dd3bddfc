"""Frames with what guides them: resized, with their masks or trimaps, and with masks of their whole faces."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, repeat
from pathlib import Path

import cv2
import numpy as np

from rvm_jax import guidance
from rvm_jax.matting.guidance import GuidanceSource, find_files, find_guidance
from rvm_jax.matting.inputs import masks
from rvm_jax.matting.options import Settings
from rvm_jax.media.frame_source import Frame, FrameSource, Guide, resized
from rvm_jax.media.masks import read_mask
from rvm_jax.media.picture_folders import PictureGroup
from rvm_jax.networks.api import Guidance


def clip_frames(video: FrameSource, how: Settings, kinds: Sequence[Guidance], start: int) -> Iterator[Frame]:
    """Yields the frames of a clip, from number `start`, with all that guides them.

    Args:
      video: the clip; masks come from a picture for all frames, a folder of frames, or a video.
      how: the settings.
      kinds: the guidance that networks want.
      start: the number of the first frame.

    Raises:
      UserError: if masks do not fit, or end before the frames do.
    """
    size, source = how.input_resize or video.size, how.guidance
    files: Iterator[np.ndarray | None] = repeat(None)
    if kinds and source is not None and source.path is not None:
        files = masks(source.path, size, how.input_resize, _interpolation(source), video.size)
    faces: Iterator[np.ndarray | None] = repeat(None)
    if how.face_mask is not None:
        faces = masks(how.face_mask, size, how.input_resize, source_size=video.size)
    left = islice(enumerate(zip(video.frames(), files, faces)), start, None)  # noqa: B905  the frames decide
    for number, (frame, file, face) in left:
        values = {}
        if file is not None and source is not None:
            values = _values(source, kinds, file, size, f"{source.path}: frame {number}")
        yield resized(frame, how.input_resize)._replace(number=number, guide=Guide(values, face))


class PictureGuides:
    """Completes pictures in the threads that read them.

    Args:
      groups: the pictures.
      output_dir: where their results go: by these names masks are found.
      how: the settings.
      kinds: the guidance that networks want.

    Raises:
      UserError: naming all of them, if pictures' masks are missing, or are there twice.
    """

    def __init__(self, groups: Sequence[PictureGroup], output_dir: Path, how: Settings, kinds: Sequence[Guidance]):
        self._resize, self._kinds = how.input_resize, kinds
        self._source = how.guidance if how.guidance is not None and how.guidance.path is not None else None
        self._files: Mapping[Path, Path] = {}
        if kinds and self._source is not None:
            self._files = find_guidance(self._source, kinds[0], groups, output_dir)
        self._faces: Mapping[Path, Path] = {}
        if how.face_mask is not None:
            self._faces = find_files(Path(how.face_mask), "mask of the whole face", None, groups, output_dir)

    def __call__(self, frame: Frame) -> Frame:
        """Returns a picture with all that guides it. Raises UserError, naming the file, if a mask does not fit."""
        target, frame = frame.target, resized(frame, self._resize)
        assert target is not None
        values: Mapping[str, np.ndarray] = {}
        if self._source is not None and self._files:
            path = self._files[target]
            file = self._read(path, _interpolation(self._source))
            values = _values(self._source, self._kinds, file, frame.size, str(path))
        face = None
        if self._faces:
            path = self._faces[target]
            face = self._read(path, cv2.INTER_AREA)
            guidance.check_guidance(face, "mask", frame.size, str(path))
        return frame._replace(guide=Guide(values, face))

    def _read(self, path: Path, interpolation: int) -> np.ndarray:
        mask = read_mask(path)
        if self._resize is None:
            return mask
        return cv2.resize(mask, self._resize[::-1], interpolation=interpolation)


def _interpolation(source: GuidanceSource) -> int:
    # A trimap's three values are all that may be in it.
    return cv2.INTER_NEAREST if source.files is not None else cv2.INTER_AREA


def _values(
    source: GuidanceSource, kinds: Sequence[Guidance], file: np.ndarray, size: tuple[int, int], what: str
) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for kind in kinds:
        found[kind] = source.values(kind, file)
        guidance.check_guidance(found[kind], kind, size, what)
    return found
