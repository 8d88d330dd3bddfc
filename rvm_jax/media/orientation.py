"""The EXIF orientation of pictures, where OpenCV leaves it out: it turns colours, but no masks and no alpha."""

import io

import cv2
import numpy as np
from PIL import Image

_TAG = 274
_UPRIGHT = 1
_SWAPPED = (5, 6, 7, 8)


def orientation(data: bytes) -> int:
    """Returns the orientation, 1 to 8, that an encoded JPEG, PNG or WebP says; 1 (upright) if it says none.

    OpenCV turns TIFF itself, whatever it is asked for.
    """
    marks = data.startswith(b"\xff\xd8") and b"Exif\0\0" in data[:65536]
    marks = marks or (data.startswith(b"\x89PNG") and b"eXIf" in data)
    marks = marks or (data[8:12] == b"WEBP" and b"EXIF" in data)
    if not marks:
        return _UPRIGHT
    try:
        with Image.open(io.BytesIO(data)) as picture:
            found = picture.getexif().get(_TAG, _UPRIGHT)
    except Exception:  # damaged metadata may raise anything, and the picture is fine
        return _UPRIGHT
    return found if isinstance(found, int) and 1 <= found <= 8 else _UPRIGHT


def swaps_sides(turned: int) -> bool:
    """Says whether an orientation makes the width the height."""
    return turned in _SWAPPED


def upright(picture: np.ndarray, turned: int) -> np.ndarray:
    """Turns and mirrors a picture (H, W) or (H, W, C) from the orientation that it is stored in."""
    if turned in _SWAPPED:
        picture = np.swapaxes(picture, 0, 1)
    flips = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
    if turned in flips:
        picture = cv2.flip(np.ascontiguousarray(picture), flips[turned])
    return np.ascontiguousarray(picture)
