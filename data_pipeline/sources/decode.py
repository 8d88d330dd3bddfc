"""From a source's item, as it was read, to pictures with their alpha; what no training should see is an error."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image

from data_pipeline.sources.base import OPAQUE_KINDS, VISIBLE, Picture, Video
from data_pipeline.sources.cuts import within_one_shot
from rvm_jax.errors import UserError
from rvm_jax.media.masks import decode_mask
from rvm_jax.media.orientation import orientation
from rvm_jax.media.pictures import decode_picture, decode_raw

LEAST_SIDE, LARGEST_SIDE = 4, 16_384
MOST_PIXELS = 100_000_000
_PROPORTIONS = 1.05  # of picture and mask, beyond rounding: more is another crop, or a rotation one of them lacks


def decode(item: Mapping[str, Any], label: str) -> Picture:
    """Decodes an item of a `Source`; `label` is the category where it names none.

    A mask of another size than the picture is resized to it. A texture's and a background's alpha is 255.

    Raises:
        UserError: naming the item, if a picture cannot be read or is absurdly small or large, if the mask has
            other proportions, or shows nothing.
    """
    picture = _decode(item["rgb"], item["alpha"], item["key"], item["kind"], item.get("category", label))
    if picture.alpha.max(initial=0) <= VISIBLE:
        raise UserError(f"{picture.key} (mask): it is empty")
    return picture


def decode_clip(item: Mapping[str, Any], label: str) -> Video:
    """Decodes an item that `ClipSource.read` gave; where it may hold a scene cut and does, one shot plays to and fro.

    Raises UserError as `decode` does; masks of single frames may be empty, but not all.
    """
    frames = decode_frames(item, label)
    key = item["key"]
    if len({frame.rgb.shape for frame in frames}) > 1:
        raise UserError(f"{key}: its frames have different sizes")
    if item.get("may_cut"):
        frames = [frames[index] for index in within_one_shot([frame.rgb for frame in frames])]
    if all(frame.alpha.max(initial=0) <= VISIBLE for frame in frames):
        raise UserError(f"{key} (mask): it is empty in all frames")
    return Video(tuple(frames), key, frames[0].category)


def decode_frames(item: Mapping[str, Any], label: str) -> list[Picture]:
    """Decodes the frames of an item that `ClipSource.read` gave, as they are; one that is there twice only once."""
    key, kind, category = item["key"], item["kind"], item.get("category", label)
    alphas: Sequence[Any] = item["alpha"] if item["alpha"] is not None else [None] * len(item["rgb"])
    decoded: dict[tuple[int, int], Picture] = {}
    frames = []
    for rgb, alpha in zip(item["rgb"], alphas, strict=True):
        same = (id(rgb), id(alpha))
        if same not in decoded:
            decoded[same] = _decode(rgb, alpha, key, kind, category)
        frames.append(decoded[same])
    return frames


def _decode(rgb: Any, alpha: Any, key: str, kind: str, category: str) -> Picture:
    is_turned = is_turned_alone(rgb, alpha)
    if isinstance(rgb, bytes):
        _check_size(rgb, key)
        if alpha is None and kind not in OPAQUE_KINDS:
            alpha = _alpha_channel(rgb, key)
        rgb = decode_picture(rgb, key)
    elif rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise UserError(f"{key}: {rgb.dtype} of shape {rgb.shape} is no RGB picture")
    if min(rgb.shape[:2]) < LEAST_SIDE:
        raise UserError(f"{key}: {rgb.shape[1]}×{rgb.shape[0]} pixels show nothing")
    if alpha is None:
        alpha = np.full(rgb.shape[:2], 255, np.uint8)
    elif isinstance(alpha, bytes):
        alpha = _mask(alpha, f"{key} (mask)")
        if is_turned and alpha.shape != rgb.shape[:2] and alpha.shape == rgb.shape[1::-1]:
            raise UserError(
                f"{key} (mask): it lies over the picture as it is stored, but its EXIF orientation turns that; turn "
                "the mask too, or take the orientation out of the picture"
            )
    return Picture(rgb, _fit(alpha, rgb.shape[:2], key), key, category)


def is_turned_alone(rgb: Any, alpha: Any) -> bool:
    """Whether a picture is stored turned (by EXIF) and its mask, a file of its own, is not said to be."""
    both = isinstance(rgb, bytes) and isinstance(alpha, bytes)
    return both and orientation(rgb) != 1 and orientation(alpha) == 1


def _mask(data: bytes, name: str) -> np.ndarray:
    _check_size(data, name)
    return decode_mask(data, name)


def _check_size(data: bytes, name: str) -> None:
    """Reads the header alone: a few kilobytes may claim to be a picture that fills the memory."""
    width, height = _header_size(data, name)
    if max(width, height) > LARGEST_SIDE or width * height > MOST_PIXELS:
        raise UserError(f"{name}: the picture is absurdly large ({width}×{height} pixels); scale it down")


def _header_size(data: bytes, name: str) -> tuple[int, int]:
    """The (width, height) that a picture's header claims."""
    if data.startswith(b"\x89PNG"):
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    position = 2 if data.startswith(b"\xff\xd8") else len(data)
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker, segment = data[position + 1], data[position + 2 : position + 9]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # the start of a JPEG frame
            return int.from_bytes(segment[5:7], "big"), int.from_bytes(segment[3:5], "big")
        position += 2 + int.from_bytes(segment[:2], "big")
    try:  # a quarter of a millisecond
        with Image.open(io.BytesIO(data)) as picture:
            return picture.size
    except Image.DecompressionBombError as error:
        raise UserError(f"{name}: the picture is absurdly large ({error})") from error
    except Exception as error:  # a damaged header may raise anything
        raise UserError(f"{name}: not a picture, or cut short right at its start") from error


def _fit(alpha: np.ndarray, size: tuple[int, int], key: str) -> np.ndarray:
    """Resizes a mask to its picture's size (height, width)."""
    if alpha.shape == size:
        return alpha
    height, width = alpha.shape
    # How far off a mask is that was scaled by the picture's width, in its own rows.
    expected = width * size[0] / size[1]
    if abs(height - expected) > max(1.0, (_PROPORTIONS - 1) * expected):
        raise UserError(f"{key} (mask): {width}×{height} pixels for a picture of {size[1]}×{size[0]}")
    shrinks = height > size[0]
    return cv2.resize(alpha, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _alpha_channel(data: bytes, key: str) -> np.ndarray:
    picture = decode_raw(data, key, cv2.IMREAD_UNCHANGED)
    if picture.ndim != 3 or picture.shape[2] != 4:
        raise UserError(f"{key}: the picture has no alpha, and there is no folder of masks")
    return decode_mask(data, key)
