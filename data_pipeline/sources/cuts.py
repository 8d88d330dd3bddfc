"""Scene cuts: a clip of people cut by whole seconds often holds the end of one shot and the start of the next."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

_SIDE = 32
_BINS = 32
# Share of the pixels whose level the next frame does not have, mean over the channels: within a shot it stays below
# 0.1, even 20 frames apart, from picture to picture it is 0.35 and more.
_CUT = 0.25


def within_one_shot(frames: Sequence[np.ndarray]) -> list[int]:
    """Returns which of the frames, RGB (h, w, 3) uint8, to show so that no cut is seen: all if there is none.

    Else the longest run without a cut (the first of several) plays to and fro: of frames 0 1 | 2 3 4 they are
    2 3 4 3 2.
    """
    histograms = [_histogram(frame) for frame in frames]
    cuts = [
        index
        for index, (before, after) in enumerate(pairwise(histograms), 1)
        if np.abs(before - after).sum() / 6 > _CUT
    ]
    starts, ends = [0, *cuts], [*cuts, len(frames)]
    length, start = max((end - start, -start) for start, end in zip(starts, ends, strict=True))
    period = max(2 * (length - 1), 1)
    places = (step % period for step in range(len(frames)))
    return [-start + (place if place < length else period - place) for place in places]


def _histogram(frame: np.ndarray) -> np.ndarray:
    """The shares of the levels of each channel (3, bins), blurred, so that a change of exposure is no cut."""
    small = cv2.resize(frame, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    counts = [cv2.calcHist([small], [channel], None, [_BINS], [0, 256]).ravel() for channel in range(3)]
    return cv2.GaussianBlur(np.stack(counts), (7, 1), 0) / small[..., 0].size
