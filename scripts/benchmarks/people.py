"""Frames of rendered people a second and core: every style of hair, each with a hand in the picture."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from tqdm import tqdm

from scripts.benchmarks.report import Row, table

_SIZES = (256, 512)
_FRAMES = 4  # timed of each clip, after one that makes the person


def measure(progress: Callable[..., object] = partial(tqdm, leave=False)) -> list[Row]:
    """Prints how long a frame takes, and a person, by size; returns the frames a second."""
    lines, rows = [], []
    for size in _SIZES:
        people, frames = _times(size, progress)
        rate = 1 / float(np.mean(frames))
        slowest = float(np.max(frames)) * 1e3
        lines.append((f"{size}²", f"{rate:.1f}", f"{1e3 / rate:.0f}", f"{slowest:.0f}", f"{np.mean(people) * 1e3:.0f}"))
        rows.append(Row(f"data people {size}²", rate, "frames/s/core"))
    print(
        "\nRendered people, 2×2 samples a pixel, a hand in the picture, mean of all styles of hair; CPU time, one thread"
    )
    print(table(("", "frames/s", "ms", "slowest style, ms", "a person, ms"), lines))
    return rows


def _times(size: int, progress: Callable[..., object]) -> tuple[list[float], list[float]]:
    """Seconds that making a person took, and a frame, for each style."""
    from data_pipeline.people.clip import Clip, Options
    from data_pipeline.people.hair_styles import STYLES
    from data_pipeline.people.motion import Visit
    present = Visit(-9.0, 0.1, 99.0, np.zeros(3))
    Clip((1, 0), size, 4, Options(hands=1.0)).frame(0)  # reads the mesh
    people, frames = [], []
    names: list[str] = list(progress(STYLES, f"people at {size}²"))  # type: ignore[call-overload]
    for number, name in enumerate(names):
        clip = Clip((0, number), size, 16, Options(hands=1.0))
        clip.traits = replace(clip.traits, hair=name)
        clip.hands = [replace(hand, visit=present) for hand in clip.hands]
        start = time.process_time()
        clip.frame(0)
        first = time.process_time()
        for frame in range(1, 1 + _FRAMES):
            clip.frame(frame)
        frames.append((time.process_time() - first) / _FRAMES)
        people.append(first - start - frames[-1])
    return people, frames
