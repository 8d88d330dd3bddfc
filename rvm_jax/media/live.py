"""Frames that come as they are made: raw bytes from another program, and a webcam (OpenCV)."""

import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Self

import cv2
import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.media.frame_source import DEFAULT_RATE, Frame, Shown


class RawFrames:
    """Yields raw RGB frames (3 bytes a pixel, row by row) from a pipe: a `FrameSource`.

        ffmpeg -i clip.mxf -f rawvideo -pix_fmt rgb24 - | rvm-matte --input_source=- --input_size=1920x1080 …

    Args:
      pipe: where the bytes come from, such as `sys.stdin.buffer`.
      size: (height, width) of a frame.
      rate: frames per second.

    Raises UserError if no frame comes, and while iterating if the last one is cut short.
    """

    name = "standard input"
    expected_frames: int | None = None
    sound: tuple[Path, Fraction] | None = None

    def __init__(self, pipe: IO[bytes], size: tuple[int, int], rate: Fraction = DEFAULT_RATE):
        self.size, self.rate = size, rate
        self.damaged: list[int] = []
        self._pipe = pipe
        self._first = self._read(0)
        if self._first is None:
            raise UserError(f"{self.name}: no frame came; write raw RGB frames of {size[1]}x{size[0]} pixels to it")

    def frames(self) -> Iterator[Frame]:
        number, rgb = 0, self._first
        while rgb is not None:
            yield Frame(rgb, Shown(number / self.rate, 1 / self.rate, f"{number:05d}"))
            number += 1
            rgb = self._read(number)

    def close(self) -> None:
        """Leaves the pipe to its owner."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _read(self, number: int) -> np.ndarray | None:
        wanted = self.size[0] * self.size[1] * 3
        data = bytearray()
        while len(data) < wanted and (piece := self._pipe.read(wanted - len(data))):
            data += piece
        if not data:
            return None
        if len(data) < wanted:
            raise UserError(
                f"{self.name}: frame {number} is cut short ({len(data)} of {wanted} bytes); check that the frames have "
                f"{self.size[1]}x{self.size[0]} pixels of 3 bytes"
            )
        return np.frombuffer(data, np.uint8).reshape(*self.size, 3)


class Webcam:
    """Yields the frames of a camera until `stop` is called: a `FrameSource`. Times are those of the clock.

    Raises UserError if there is no such camera, or it stops to give pictures at once.
    """

    expected_frames: int | None = None
    sound: tuple[Path, Fraction] | None = None

    def __init__(self, index: int = 0):
        self.name = f"webcam {index}"
        self.damaged: list[int] = []
        self._camera = cv2.VideoCapture(index)
        self._stopped = False
        picture = self._read()
        if picture is None:
            self._camera.release()
            raise UserError(f"{self.name}: no picture comes from it; check that it is plugged in, free and permitted")
        height, width = picture.shape[:2]
        self.size: tuple[int, int] = (height, width)
        stated = self._camera.get(cv2.CAP_PROP_FPS)
        self.rate = Fraction(stated).limit_denominator(1001) if stated and stated > 0 else Fraction(30)

    def frames(self) -> Iterator[Frame]:
        start, number = time.monotonic(), 0
        while not self._stopped and (rgb := self._read()) is not None:
            shown = Fraction(time.monotonic() - start).limit_denominator(100_000)
            yield Frame(rgb, Shown(shown if number else Fraction(0), None, f"{number:05d}"))
            number += 1

    def stop(self) -> None:
        """Ends the frames: the present one is the last."""
        self._stopped = True

    def close(self) -> None:
        """Gives the camera back."""
        self._camera.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _read(self) -> np.ndarray | None:
        ok, picture = self._camera.read()
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) if ok else None
