"""Masks and alphas as people's programs write them: grey, in colour, by a palette, in RGBA, in 8 or 16 bits."""

import io
import os

import cv2
import numpy as np
from PIL import Image

from rvm_jax.errors import UserError
from rvm_jax.media.orientation import orientation, upright
from rvm_jax.media.pictures import decode_raw, read_bytes

# Differences of channels, and levels, that a JPEG makes by itself.
_NOISE = 8
# Maps of labels have less than that; an alpha of no more would be hardly seen.
_MOST_LABELS = 40
_FLAT = 0.5  # the share of neighbours that are alike: labels come in areas
_JUMPS = 0.1  # the share of the others that are more than one level apart: an alpha's edges rise step by step


def read_mask(path: str | os.PathLike[str], rescale: bool = True) -> np.ndarray:
    """Reads a mask or alpha file as (H, W) uint8; see `decode_mask`."""
    return decode_mask(read_bytes(path), str(path), rescale)


def decode_mask(data: bytes, name: str, rescale: bool = True) -> np.ndarray:
    """Returns the mask or alpha (H, W) uint8, 0..255, held in the encoded bytes `data`; EXIF rotation is applied.

    What it is, in this order:
        - the alpha channel of RGBA, unless that is opaque throughout;
        - of a palette with colours (VOC, DAVIS, labelme) everything but black, or but index 0 where nothing is black;
        - of one colour on black its strength, the strongest being 255;
        - of several colours everything but black;
        - else the grey value, of 8 or 16 bits.

    Args:
        data: an encoded picture.
        name: its name, for messages.
        rescale: False for a predicted alpha, which may be faint; else a mask whose largest value is 1 is taken as 0/1
            and scaled to 0/255, and a map of labels is refused.

    Raises:
        UserError: naming `name`, if the bytes are no picture or are cut short, or hold a map of labels.
    """
    mask = decode_raw(data, name, cv2.IMREAD_UNCHANGED)
    is_lossy = data.startswith(b"\xff\xd8")
    if mask.ndim == 3:
        mask = _one_channel(mask, data)
    if mask.dtype == np.uint16:
        mask = _eight_bits(mask, rescale)
    elif mask.dtype != np.uint8:
        raise UserError(f"{name}: masks have 8 or 16 bits, this one is {mask.dtype}; convert it to an 8-bit PNG")
    if rescale and mask.max(initial=0) == 1:
        mask = mask * np.uint8(255)
    elif rescale and not is_lossy and _is_labels(mask):
        raise UserError(
            f"{name}: its largest value is {mask.max()}, as in a map of labels; a mask has 0 and 1, or 0 to 255: write "
            "255 for the labels that are the face (or the object), 0 for all others"
        )
    return upright(mask, orientation(data))


def _one_channel(mask: np.ndarray, data: bytes) -> np.ndarray:
    if mask.shape[2] == 4 and mask[..., 3].min() < np.iinfo(mask.dtype).max:
        return mask[..., 3]
    if mask.shape[2] == 2:  # grey and alpha
        return mask[..., 1] if mask[..., 1].min() < np.iinfo(mask.dtype).max else mask[..., 0]
    colours = mask[..., :3]
    if mask.dtype == np.uint8 and (indexed := _palette_mask(data, colours.shape[:2])) is not None:
        return indexed
    strongest = colours.max(-1)
    spread = strongest - colours.min(-1)
    noise = _NOISE if mask.dtype == np.uint8 else _NOISE * 257
    if spread.max(initial=0) <= noise:
        return mask[..., 0]
    return _coloured(colours, strongest, noise)


def _coloured(colours: np.ndarray, strongest: np.ndarray, noise: int) -> np.ndarray:
    """The mask that is drawn in colour on black: by strength where it is one colour, else all that is not black."""
    largest = np.iinfo(colours.dtype).max
    peak = int(strongest.max())
    sure = strongest > peak // 4
    hues = colours[sure] / strongest[sure][:, None].astype(np.float32)
    if np.ptp(hues, axis=0).max() <= 4 * noise / (peak // 4 + 1):
        return np.asarray((strongest * np.float32(largest / peak)).round().astype(colours.dtype))
    return np.where(strongest > noise, largest, 0).astype(colours.dtype)


def _palette_mask(data: bytes, size: tuple[int, int]) -> np.ndarray | None:
    """The mask of a picture whose palette has colours; None for one of greys, or without palette."""
    if data.startswith(b"\xff\xd8") or (data.startswith(b"\x89PNG") and data[25:26] != b"\x03"):
        return None
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.mode != "P":
                return None
            index = np.asarray(picture)
            colours = np.array(picture.getpalette("RGB")).reshape(-1, 3)
    except Exception:  # OpenCV has read it
        return None
    if index.shape != size or (colours == colours[:, :1]).all():
        return None
    black = (colours == 0).all(-1)
    background = 0
    if not black[0]:
        used = [value for value in np.unique(index) if value < len(black) and black[value]]
        background = int(used[0]) if used else 0
    return np.where(index == background, 0, 255).astype(np.uint8)


def _eight_bits(mask: np.ndarray, rescale: bool) -> np.ndarray:
    """Of 16 bits; masks that hold 0/1, labels or 0..255 in them are taken by their values."""
    largest = int(mask.max(initial=0))
    if rescale and (largest in (1, 255) or (largest <= _MOST_LABELS and _is_labels(mask))):
        return mask.astype(np.uint8)
    return np.asarray((mask / 257.0).round().astype(np.uint8))


def _is_labels(mask: np.ndarray) -> bool:
    """Whether the values are small and come in areas, with steps between them that no soft edge has."""
    largest = int(mask.max(initial=0))
    if not 2 <= largest <= _MOST_LABELS or int(mask.min()) == largest:
        return False
    alike = pairs = jumps = 0
    levels = mask.astype(np.int32)
    for one, other in ((levels[:, :-1], levels[:, 1:]), (levels[:-1], levels[1:])):
        seen = (one > 0) | (other > 0)
        apart = np.abs(one - other)[seen]
        pairs += apart.size
        alike += int((apart == 0).sum())
        jumps += int((apart > 1).sum())
    if not pairs or alike < _FLAT * pairs:
        return False
    return largest <= _NOISE or jumps > _JUMPS * (pairs - alike)
