"""What all writers of matted frames look like."""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from rvm_jax.media.frame_source import Frame

Made = TypeVar("Made", contravariant=True)


class Destination(NamedTuple):
    """Says where a writer's frames go, and how.

    Attributes:
      path: the file or folder.
      rate: frames per second.
      sound: the file whose sound is copied, and the time in it of the first frame.
      codec: an encoder for videos, None for the suffix's.
      mbps: megabits per second of videos, None to keep a quality.
      resume: whether frames that are there already belong to the same work.
      pixel_aspect: the width of a pixel in its heights.
    """

    path: Path
    rate: Fraction
    sound: tuple[Path, Fraction] | None = None
    codec: str | None = None
    mbps: float | None = None
    resume: bool = False
    pixel_aspect: Fraction = Fraction(1)


class Writer(Protocol[Made]):
    """Writes what is made of frames to a file or a folder, which has its name when it is complete.

    Attributes:
      workers: how many threads may write frames at once; 1 where their order counts.
    """

    workers: int

    def write(self, made: Made, frame: Frame) -> None:
        """Writes what was made of `frame`, whose time, name or target says where it belongs."""

    def close(self) -> None:
        """Finishes the file and gives it its name."""

    def discard(self) -> None:
        """Gives up, and removes what has been written."""
