"""The frames that a source names, and the masks that go with them."""

import glob
import os
import sys
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import cv2
import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.matting.options import InputSettings, Settings
from rvm_jax.matting.weights import StrPath, weights_paths
from rvm_jax.media.face_tracks import FileTracks
from rvm_jax.media.frame_folder import FrameFolder
from rvm_jax.media.frame_source import FrameSource
from rvm_jax.media.live import RawFrames, Webcam
from rvm_jax.media.masks import read_mask
from rvm_jax.media.picture_folders import frame_order
from rvm_jax.media.picture_formats import refuse_unread
from rvm_jax.media.pictures import PICTURE_SUFFIXES, list_pictures
from rvm_jax.media.video_reader import VideoReader

STANDARD_INPUT = "-"
_WEBCAM = "webcam"


def is_live(source: StrPath | FrameSource) -> bool:
    """Returns whether frames come as they are made: from standard input ("-") or a camera ("webcam", "webcam:1")."""
    return str(source) == STANDARD_INPUT or _is_webcam(source) or isinstance(source, (RawFrames, Webcam))


def open_source(source: StrPath | FrameSource, settings: InputSettings) -> FrameSource:
    """Opens a video, a folder of frames, "-" or "webcam[:<number>]"; what is a `FrameSource` already is passed through.

    Raises:
      UserError: if there is no such source, or it holds no frames.
    """
    if not isinstance(source, (str, os.PathLike)):
        return source
    if str(source) == STANDARD_INPUT:
        if settings.input_size is None:
            raise UserError("standard input holds raw frames of a size that it does not tell; give input_size")
        return RawFrames(sys.stdin.buffer, settings.input_size, settings.input_rate)
    if _is_webcam(source):
        number = str(source).partition(":")[2] or "0"
        if not number.isdecimal():
            raise UserError(f"{source}: no camera has this number; give webcam, or webcam:1")
        return Webcam(int(number))
    path = Path(source)
    refuse_unread(path)
    if path.is_dir() or path.suffix.lower() in PICTURE_SUFFIXES:
        return FrameFolder(path, settings.input_rate, bridge=settings.bridge)
    return VideoReader(source, stream=settings.input_stream, bridge=settings.bridge)


def is_single_picture(source: StrPath | FrameSource) -> bool:
    """Says whether a source is one picture, rather than frames of a clip."""
    if not isinstance(source, (str, os.PathLike)):
        return False
    path = Path(source)
    is_pattern = glob.has_magic(str(source)) and not path.exists()
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.is_dir() and not is_pattern


def stem(source: StrPath | FrameSource) -> str:
    """Returns what "{stem}" stands for in the names of outputs."""
    if is_live(source):
        return "stdin" if str(source) == STANDARD_INPUT or isinstance(source, RawFrames) else _WEBCAM
    path = Path(source if isinstance(source, (str, os.PathLike)) else source.name)
    return path.name if path.is_dir() else path.stem


def source_paths(source: StrPath | FrameSource) -> list[Path]:
    """Returns the file, the folder, or what a pattern matches, that a source is read from; none where it is live."""
    if is_live(source):
        return []
    path = Path(source if isinstance(source, (str, os.PathLike)) else source.name)
    if not path.exists() and glob.has_magic(str(path)):
        return [Path(found) for found in glob.glob(str(path), recursive=True)]  # noqa: PTH207  may be absolute
    return [path]


def input_paths(how: Settings) -> list[Path]:
    """Returns what is read beside the source: backgrounds, masks, guidance, faces and further networks."""
    paths = [path for each in how.compare_with for path in weights_paths(each)]
    if not isinstance(how.background, tuple) and Path(how.background).exists():
        paths.append(Path(how.background))
    if how.face_mask is not None:
        paths.append(Path(how.face_mask))
    if how.guidance is not None and how.guidance.path is not None:
        paths.append(how.guidance.path)
    if how.guidance is not None and how.guidance.network is not None:
        paths += weights_paths(how.guidance.network)
    if isinstance(how.faces, FileTracks) and how.faces.path is not None:
        paths.append(how.faces.path)
    return paths


def masks(
    path: StrPath,
    size: tuple[int, int],
    input_resize: tuple[int, int] | None,
    interpolation: int = cv2.INTER_AREA,
    source_size: tuple[int, int] | None = None,
) -> Iterator[np.ndarray]:
    """Yields the mask of each frame, (H, W) uint8: from one picture (again and again), a folder, or a video.

    They are brought to `input_resize` by an interpolation of OpenCV's. An odd side of `source_size`, the frames before
    that, may have become even by a row or column more, as MP4 and WebM have it: that is cut off.

    Raises:
      UserError: if a mask is not of the frames' size (height, width), or they end too early.
    """
    for number, mask in enumerate(_masks(Path(path))):
        mask = _without_filling(mask, source_size or size)
        if input_resize is not None:
            mask = cv2.resize(mask, input_resize[::-1], interpolation=interpolation)
        if mask.shape != size:
            raise UserError(
                f"{path}: mask {number} has {mask.shape[1]}x{mask.shape[0]} pixels, the frames {size[1]}x{size[0]}"
            )
        yield mask
    raise UserError(f"{path}: holds fewer masks than the input has frames; give one for each")


def _without_filling(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    filled = tuple(side + side % 2 for side in size)
    return mask[: size[0], : size[1]] if mask.shape == filled else mask


def _masks(path: Path) -> Iterator[np.ndarray]:
    if path.is_dir():
        pictures = sorted(list_pictures(path), key=frame_order)
        if not pictures:
            raise UserError(f"{path}: holds no masks")
        yield from map(read_mask, pictures)
    elif path.suffix.lower() in PICTURE_SUFFIXES:
        yield from repeat(read_mask(path))
    else:
        with VideoReader(path) as video:
            for frame in video:
                yield frame[..., 1]


def _is_webcam(source: StrPath | FrameSource) -> bool:
    return isinstance(source, str) and source.partition(":")[0] == _WEBCAM
