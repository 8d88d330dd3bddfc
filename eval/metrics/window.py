"""The part of a picture that errors come from: where the predicted or the true alpha is above 0, and a margin.

Beyond it both are 0, and every form of the unknown region is certain background: faces take a third of their pictures,
so measuring windows alone takes a third of the time, and gives the same numbers.
"""

from typing import NamedTuple

import cv2
import numpy as np

from eval.metrics.packed_bits import LARGEST_KERNEL

# As far as the largest kernel reaches; a gradient reaches 4.
MARGIN = LARGEST_KERNEL // 2


class Window(NamedTuple):
    """Rows `top` to `bottom` and columns `left` to `right`, the last ones not counted; empty if there are none."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    @property
    def area(self) -> int:
        """How many pixels it has."""
        return self.shape[0] * self.shape[1]

    def of(self, picture: np.ndarray) -> np.ndarray:
        """Returns its part (h, w, …) of a picture (H, W, …), as a view."""
        return picture[self.top : self.bottom, self.left : self.right]

    def union(self, other: "Window") -> "Window":
        """Returns the smallest window that holds both."""
        if not other.area or not self.area:
            return self if self.area else other
        low, high = np.minimum(self[:2], other[:2]), np.maximum(self[2:], other[2:])
        return Window(*low.tolist(), *high.tolist())

    def with_margin(self, shape: tuple[int, ...]) -> "Window":
        """Returns the window grown by the margin on each side, as far as a picture of `shape`, (H, W), goes."""
        return Window(
            max(self.top - MARGIN, 0),
            max(self.left - MARGIN, 0),
            min(self.bottom + MARGIN, shape[0]),
            min(self.right + MARGIN, shape[1]),
        )


def covered(pred: np.ndarray, label: np.ndarray) -> Window:
    """Returns the window beyond which both alphas (H, W) uint8 are 0, without margin."""
    left, top, width, height = cv2.boundingRect(cv2.max(pred, label))
    return Window(top, left, top + height, left + width)
