"""Where one scene ends and the next begins (OpenCV)."""

import cv2
import numpy as np

# FFmpeg's default for its scdet filter.
DEFAULT_THRESHOLD = 10.0
_THUMBNAIL = 64  # pixels a side: a cut changes the whole picture, noise and small motion average out


class SceneCuts:
    """Tells frame by frame whether a new scene begins, by the score of FFmpeg's `scdet` filter, on small copies.

    The score is the mean absolute difference of the luma to the frame before, in percent, or the change of that
    difference where it is smaller: a pan differs much from frame to frame, but as much as it did the frame before.
    """

    def __init__(self, threshold: float = DEFAULT_THRESHOLD):
        self.threshold = threshold
        self.reset()

    def reset(self) -> None:
        """Forgets the frames before: the next frame begins no scene."""
        self._luma: np.ndarray | None = None
        self._difference = 0.0

    def __call__(self, frame: np.ndarray) -> bool:
        """Takes the next frame, RGB (H, W, 3), uint8 or float in [0, 1]; True where it begins a new scene."""
        small = cv2.resize(frame, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32)
        luma = cv2.cvtColor(small / 255 if frame.dtype == np.uint8 else small, cv2.COLOR_RGB2GRAY)
        before, self._luma = self._luma, luma
        if before is None:
            return False
        difference = 100 * float(np.abs(luma - before).mean())
        change, self._difference = abs(difference - self._difference), difference
        return min(difference, change) >= self.threshold
