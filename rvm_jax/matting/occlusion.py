"""What hides the face: its alpha, and the hidden share of the face.

The network's alpha is the visible face. What is hidden is the rest of the *whole* face, of which the network knows
nothing: its region comes from masks of whole faces, or else is the ellipse that a face fills in its aligned square
(see `rvm_jax.media.face_alignment`), which is coarse: where it reaches beyond the face (over hair, ears, background),
that counts as hidden.
"""

import contextlib
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from rvm_jax.atomic_files import PartialFile
from rvm_jax.matting.matted import Matted
from rvm_jax.media.frame_source import Frame
from rvm_jax.media.writer import Destination


def occluder_alpha(frame: Matted) -> np.ndarray:
    """Returns what hides the face, (H, W, 1) uint8: the face's whole region × (1 − the alpha of its visible part)."""
    hidden: np.ndarray = np.zeros(frame.frame.size, np.uint8)
    for region in frame.regions.values():
        own = (region.astype(np.uint16) * (255 - frame.pha8[..., 0]) + 127) // 255
        hidden = np.maximum(hidden, own.astype(np.uint8))
    return hidden[..., None]


def occluded_fraction(frame: Matted, region: np.ndarray) -> float | None:
    """Returns the hidden share of one face: Σ region · (1 − alpha) / Σ region; None where the region is empty."""
    weight = region.astype(np.float64) / 255
    total = weight.sum()
    return float((weight * (1 - frame.pha8[..., 0] / 255)).sum() / total) if total > 0 else None


class HiddenFace(NamedTuple):
    """Is a line of the table.

    Attributes:
      face: its name.
      pixels: of its whole region.
      hidden: the hidden share; None if the region is empty.
    """

    face: str
    pixels: float
    hidden: float | None


def hidden_faces(frame: Matted) -> list[HiddenFace]:
    """Returns how much of each face of a frame is hidden."""
    regions = frame.regions.items()
    return [HiddenFace(face, region.sum() / 255, occluded_fraction(frame, region)) for face, region in regions]


class OcclusionTable:
    """A CSV of the hidden share: a line for each frame and face.

    A face that has gone keeps its lines, of 0 pixels and with no share, so that frames that lack it are no gap.
    """

    workers = 1

    def __init__(self, path: Path):
        self._partial = PartialFile(path)
        with self._partial.errors():
            self._file = self._partial.path.open("w", newline="")
        self._rows = csv.writer(self._file)
        self._seen: dict[str, None] = {}
        self._rows.writerow(("frame", "seconds", "face", "face_pixels", "occluded_fraction"))

    @classmethod
    def open(cls, to: Destination) -> Self:
        """Begins the file."""
        return cls(to.path)

    @staticmethod
    def form(to: Destination, channels: int, deep: bool) -> tuple[str, int]:
        """Returns what it will be, and the bits that it holds."""
        return "CSV", 8

    def write(self, made: Sequence[HiddenFace], frame: Frame) -> None:
        """Appends the lines of a frame."""
        gone = self._seen.keys() - {each.face for each in made}
        self._seen |= dict.fromkeys(each.face for each in made)
        rows = [*made, *(HiddenFace(face, 0.0, None) for face in self._seen if face in gone)]
        with self._partial.errors():
            for face, pixels, hidden in rows:
                fraction = "" if hidden is None else f"{hidden:.6f}"
                self._rows.writerow((frame.name, f"{float(frame.time):.6f}", face, f"{pixels:.1f}", fraction))

    def close(self) -> None:
        """Finishes the file and gives it its name."""
        with self._partial.errors():
            self._file.close()
        self._partial.commit()

    def discard(self) -> None:
        """Removes what has been written."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._partial.discard()
