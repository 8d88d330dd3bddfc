"""What hides the face: its alpha, and the hidden share of the face.

The network's alpha is the visible face. What is hidden is the rest of the *whole* face, of which the network knows
nothing: its region comes from masks of whole faces, or else is the ellipse that a face fills in its aligned square
(see `rvm_jax.media.face_alignment`), which is coarse: where it reaches beyond the face (over hair, ears, background),
that counts as hidden.
"""

import csv
import os
from pathlib import Path

import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.matting.mattes import MattedFrame


def occluder_alpha(frame: MattedFrame) -> np.ndarray:
    """What hides the face, (H, W, 1) uint8: the face's whole region × (1 − the alpha of its visible part)."""
    hidden = np.zeros(frame.frame.rgb.shape[:2], np.uint8)
    for region in frame.regions.values():
        own = (region.astype(np.uint16) * (255 - frame.pha8[..., 0]) + 127) // 255
        hidden = np.maximum(hidden, own.astype(np.uint8))
    return hidden[..., None]


def occluded_fraction(frame: MattedFrame, region: np.ndarray) -> float | None:
    """The hidden share of one face: Σ region · (1 − alpha) / Σ region; None where the region is empty."""
    weight = region.astype(np.float64) / 255
    total = weight.sum()
    return float((weight * (1 - frame.pha8[..., 0] / 255)).sum() / total) if total > 0 else None


class OcclusionTable:
    """A CSV of the hidden share: a line for each frame and face."""

    def __init__(self, path: Path):
        self.path = path
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._partial.open("w", newline="")
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror})") from error
        self._rows = csv.writer(self._file)
        self._rows.writerow(("frame", "seconds", "face", "face_pixels", "occluded_fraction"))

    def write(self, matted: MattedFrame) -> None:
        """Appends the lines of a frame."""
        for face, region in matted.regions.items():
            fraction = occluded_fraction(matted, region)
            row = (matted.frame.name, f"{float(matted.frame.time):.6f}", face, f"{region.sum() / 255:.1f}")
            try:
                self._rows.writerow((*row, "" if fraction is None else f"{fraction:.6f}"))
            except OSError as error:
                raise UserError(f"{self.path}: cannot be written ({error.strerror})") from error

    def close(self) -> None:
        """Finishes the file and gives it its name."""
        try:
            self._file.close()
            self._partial.replace(self.path)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror})") from error

    def discard(self) -> None:
        """Removes what has been written."""
        self._file.close()
        self._partial.unlink(missing_ok=True)
