"""Frames of rendered people a second and core: every style of hair, each with a hand in the picture."""

import time
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from scripts.benchmarks.report import Row, table

_SIZES = (256, 512)


def measure(frames: int) -> list[Row]:
    """Prints how long a frame takes, the mean of so many of each style, and a person; returns the frames a second."""
    lines, rows = [], []
    for size in _SIZES:
        people, seconds = _times(size, frames)
        rate = 1 / float(np.mean(seconds))
        slowest = float(np.max(seconds)) * 1e3
        made = float(np.mean(people)) * 1e3
        numbers = (f"{rate:.1f}", f"{1e3 / rate:.0f}", f"{slowest:.0f}", f"{made:.0f}")
        lines.append((f"{size}²", *numbers))
        rows.append(Row(f"data people {size}²", rate, "frames/s/core"))
    print(
        "\nRendered people, 2×2 samples a pixel, each with a hand, mean of all styles of hair; CPU time of one thread"
    )
    print(table(("", "frames/s", "ms", "slowest style, ms", "a person, ms"), lines))
    return rows


def _times(size: int, frames: int) -> tuple[list[float], list[float]]:
    """Seconds that making a person took, and a frame, for each style."""
    from data_pipeline.people.clip import Clip, Options
    from data_pipeline.people.hair_styles import STYLES
    from data_pipeline.people.motion import Visit

    present = Visit(-9.0, 0.1, 99.0, np.zeros(3))
    Clip((1, 0), size, 4, Options(hands=1.0)).frame(0)  # reads the mesh
    people, seconds = [], []
    for number, name in enumerate(tqdm(STYLES, f"people at {size}²", leave=False)):
        clip = Clip((0, number), size, 16, Options(hands=1.0))
        clip.traits = replace(clip.traits, hair=name)
        clip.hands = [replace(hand, visit=present) for hand in clip.hands]
        start = time.process_time()
        clip.frame(0)
        first = time.process_time()
        for frame in range(1, 1 + frames):
            clip.frame(frame)
        seconds.append((time.process_time() - first) / frames)
        people.append(first - start - seconds[-1])
    return people, seconds
