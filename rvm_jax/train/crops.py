"""RVM's random crop, on the device and in a few sizes, so that a step compiles only so often."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from rvm_jax.errors import UserError
from rvm_jax.networks.layers.resizing import resize

CropSize = tuple[int, int]


def crop_sizes(value: object, where: str) -> tuple[CropSize, ...]:
    """Returns the sizes, (height, width), that a setting gives.

    Args:
        value: of the setting: pairs of whole numbers of 1 or more, or nothing.
        where: the setting's name, for messages.

    Raises:
        UserError: if it is anything else, saying what to write.
    """
    sizes = list(value) if isinstance(value, (list, tuple)) else None
    if sizes is None or not all(_is_size(size) for size in sizes):
        numbers = [number for number in (sizes or [value]) if isinstance(number, int) and not isinstance(number, bool)]
        height, width = numbers[0] if numbers else 256, numbers[-1] if numbers else 256
        raise UserError(
            f"{where}={value!r}: give sizes as (height, width), also where it is one: "
            f'{where}="(({height}, {width}),)", or () for whole frames'
        )
    return tuple((int(height), int(width)) for height, width in sizes)


def _is_size(size: object) -> bool:
    return isinstance(size, (list, tuple)) and len(size) == 2 and all(isinstance(n, int) and n >= 1 for n in size)


def crop_batch(batch: Mapping[str, jax.Array], size: CropSize) -> dict[str, jax.Array]:
    """Resizes square clips to the longer side of `size` (height, width), then cuts out their centre.

    If foreground and background come apart, `src` is composed after it, as in RVM: its edges are then of one piece.

    Args:
        batch: arrays (B, T, S, S, C), uint8; not a `trimap`, whose three values cannot be resized.
        size: height and width of the crop.

    Returns:
        The same arrays, (B, T, *size, C), float in the same range, [0, 255]: losses divide by 255 whatever they get.

    Raises:
        UserError: if the batch has a trimap.
    """
    if "trimap" in batch:
        raise UserError("train.crop_sizes cannot resize a trimap; set data.trimap=False or train.crop_sizes=()")
    names = [name for name in batch if name != "src" or "bgr" not in batch]
    cropped = {name: _crop(batch[name], size) for name in names}
    if "bgr" in batch:
        pha = cropped["pha"] / 255
        cropped["src"] = cropped["fgr"] * pha + cropped["bgr"] * (1 - pha)
    return cropped


def _crop(values: jax.Array, size: CropSize) -> jax.Array:
    side = max(size)
    frames = resize(jnp.asarray(values, float).reshape(-1, *values.shape[2:]), (side, side))
    top, left = ((side - length) // 2 for length in size)
    frames = frames[:, top : top + size[0], left : left + size[1]]
    return frames.reshape(*values.shape[:2], *frames.shape[1:])
