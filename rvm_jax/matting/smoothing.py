"""A steadier edge where the picture stands still: alphas averaged over time, as far as nothing moves."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from rvm_jax.matting.backends import Backend
from rvm_jax.matting.matted import Matted
from rvm_jax.media.frame_source import Frame
from rvm_jax.networks.api import State

_STILL = 6.0  # levels of 255 within which a neighbourhood's mean counts as still: what a codec and the light change
_NEIGHBOURHOOD = 1 / 64  # of the longer side; noise cancels over it, a moving edge does not


class Smoothed:
    """A `Backend` that averages the alphas of another over time, pixel by pixel, where the picture stands still.

    A pixel's new alpha is `strength * still * before + (1 - strength * still) * now`: `still` is 1 where the
    neighbourhood is as in the frame before, and falls to 0 where it changed, so that what moves does not trail.
    Unrelated pictures stay as they are. A clip is smoothed from its start: it leaves no state to resume from.

    Args:
      backend: what mattes the frames.
      strength: from 0 up to 1, exclusive; at 0.8 a still edge is the mean of about ten frames.
    """

    has_state = True

    def __init__(self, backend: Backend, strength: float):
        self._backend, self._strength = backend, strength

    def matte(self, frames: Iterable[Frame], related: bool, rec: State | None = None) -> Iterator[Matted]:
        """Yields every frame once, see `Backend`."""
        del rec
        if not related:
            yield from self._backend.matte(frames, related)
            return
        seen: np.ndarray | None = None
        held: np.ndarray | None = None
        for matted in self._backend.matte(frames, related):
            rgb, now = matted.frame.rgb, matted.pha.astype(np.float32)
            if seen is None or held is None or seen.shape != rgb.shape:
                held = now
            else:
                weight = np.float32(self._strength) * _still(seen, rgb)[..., None]
                held = weight * held + (1 - weight) * now
            seen = rgb
            yield matted._replace(pha=(held + 0.5).astype(matted.pha.dtype), rec=None)


def _still(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Returns float32 (H, W), 1 where two frames (H, W, 3) uint8 agree around a pixel, falling to 0."""
    side = 2 * max(1, round(max(now.shape) * _NEIGHBOURHOOD / 2)) + 1
    change = cv2.blur(cv2.subtract(now, before, dtype=cv2.CV_32F), (side, side))  # signed: noise cancels
    return np.exp(-((np.abs(change).max(-1) / _STILL) ** 2)).astype(np.float32)
