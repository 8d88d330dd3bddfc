"""How the frames of a video lie: its display matrix, which rotates and mirrors (PyAV)."""

from collections.abc import Sequence
from typing import cast

import av
import numpy as np
from av.buffer import Buffer

IDENTITY = (1, 0, 0, 1)


def display_matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """Returns the linear part (a, b, c, d) of a frame's display matrix: (x, y) is shown at (a·x + c·y, b·x + d·y)."""
    data = cast("Buffer | None", frame.side_data.get("DISPLAYMATRIX"))
    if data is None:
        return IDENTITY
    values = np.frombuffer(bytes(data), np.int32)
    if values.size != 9:
        return IDENTITY
    a, b, c, d = (int(values[index]) for index in (0, 1, 3, 4))
    return a, b, c, d


def swaps_sides(matrix: Sequence[int]) -> bool:
    """Says whether width and height change places."""
    a, b, c, d = matrix
    return abs(b) + abs(c) > abs(a) + abs(d)


def upright(picture: np.ndarray, matrix: Sequence[int]) -> np.ndarray:
    """Returns a picture (H, W, C) as a display matrix shows it: rotated by the nearest quarter turn, and mirrored.

    A matrix of zeros, which some recorders write, changes nothing.
    """
    a, b, c, d = matrix
    across, down = (c, b) if swaps_sides(matrix) else (a, d)
    if swaps_sides(matrix):
        picture = picture.swapaxes(0, 1)
    return np.ascontiguousarray(picture[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])
