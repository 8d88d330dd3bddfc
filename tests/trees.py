"""Tiny trees in the layouts of the datasets."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from data_pipeline.sources import open_source
from data_pipeline.sources.base import Kind, Request
from data_pipeline.sources.decode import decode
from rvm_jax.media.pictures import write_picture
from rvm_jax.media.video_writer import VideoWriter

SIZE = (16, 24)  # height, width of every picture


def request(kind: Kind, split: str = "train") -> Request:
    return Request(kind, split, 64, "data.main")


def open_(name: str, root: Path, kind: Kind, part: str = "train", **settings: Any) -> Any:
    return open_source({"name": name, "root": str(root), **settings}, request(kind, part))


def keys(source: Any) -> list[str]:
    return [record.key for record in source.records]


def pictures(root: Path, *names: str, value: int = 90) -> None:
    for name in names:
        write_picture(root / name, np.full((*SIZE, 3), value, np.uint8))


def half(value: int = 255, left: bool = True) -> np.ndarray:
    """A mask of one half of the picture."""
    mask = np.zeros(SIZE, np.uint8)
    mask[:, slice(0, 12) if left else slice(12, 24)] = value
    return mask


def masks(root: Path, *names: str, mask: np.ndarray | None = None) -> None:
    for name in names:
        write_picture(root / name, half() if mask is None else mask)


def palette_mask(path: Path, colours: list[int], index: np.ndarray) -> None:
    """Writes a PNG with a palette."""
    from PIL import Image

    picture = Image.fromarray(index, "P")
    picture.putpalette(colours)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def alpha(source: Any, index: int = 0) -> np.ndarray:
    return decode(source[index], "main").alpha


def write_video(path: Path, frames: list[np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, Fraction(25)) as writer:
        for frame in frames:
            writer.write(frame)


def numbered_frames(count: int, size: tuple[int, int] = (32, 48)) -> list[np.ndarray]:
    """Frames that tell their number: a bright column at 2 pixels a frame."""
    frames = []
    for number in range(count):
        frame = np.full((*size, 3), 60, np.uint8)
        cv2.rectangle(frame, (2 * number, 0), (2 * number + 5, size[0]), (220, 220, 220), -1)
        frames.append(frame)
    return frames


def number_of(frame: np.ndarray) -> int:
    bright = np.flatnonzero(frame[..., 1].mean(axis=0) > 140)
    return round(float((bright.mean() - 2.5) / 2))


def landmarks(points: np.ndarray, note: str = "") -> str:
    """Returns the text of a file of landmarks as WebMorph writes it, with the lines of its drawing."""
    lines = [f"{x}\t{y}" for x, y in points]
    return "\n".join([note, str(len(points)), *lines, "1", "0", "3", "0 1 2", ""])


def london(root: Path, people: int) -> None:
    """Writes the Face Research Lab London Set as downloaded, of so many people whose faces are ellipses."""
    from data_pipeline.sources.london import LANDMARKS, OUTLINE

    points = np.full((LANDMARKS, 2), 3.0)
    turn = np.linspace(0, 2 * np.pi, len(OUTLINE), endpoint=False) + np.pi
    height, width = SIZE
    points[list(OUTLINE)] = np.stack([width / 2 + width / 3 * np.cos(turn), height / 2 + height / 3 * np.sin(turn)], 1)
    for person in range(people):
        pictures(root / "neutral_front", f"{person:03d}_03.jpg")
        (root / "neutral_front" / f"{person:03d}_03.tem").write_text(landmarks(points))
