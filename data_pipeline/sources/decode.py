"""From a source's item, as it was read, to a picture with its alpha."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from data_pipeline.sources.base import VISIBLE, Picture
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import decode_mask, decode_picture


def decode(item: Mapping[str, Any], label: str) -> Picture:
    """Decodes an item of a `Source`; `label` is the category where it names none.

    A mask of another size than the picture is resized to it. A texture's alpha is 255.

    Raises:
        UserError: naming the item, where a picture cannot be read, or its alpha shows nothing.
    """
    key, rgb, alpha = item["key"], item["rgb"], item["alpha"]
    if alpha is None and item["kind"] != "texture":
        alpha = _alpha_channel(rgb, key)
    if isinstance(rgb, bytes):
        rgb = decode_picture(rgb, key)
    if alpha is None:
        alpha = np.full(rgb.shape[:2], 255, np.uint8)
    elif isinstance(alpha, bytes):
        alpha = decode_mask(alpha, f"{key} (mask)")
    if alpha.shape != rgb.shape[:2]:
        shrinks = alpha.shape[0] > rgb.shape[0]
        alpha = cv2.resize(alpha, rgb.shape[1::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    if alpha.max(initial=0) <= VISIBLE:
        raise UserError(f"{key} (mask): it is empty")
    return Picture(rgb, alpha, key, item.get("category", label))


def _alpha_channel(data: bytes, key: str) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if picture is None or picture.ndim != 3 or picture.shape[2] != 4:
        raise UserError(f"{key}: the picture has no alpha, and there is no folder of masks")
    return decode_mask(data, key)
