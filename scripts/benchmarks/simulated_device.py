"""A device that only takes its time, for the input pipeline to keep up with, and the nodes that clouds rent."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rvm_jax.networks.precision import Precision
from scripts.benchmarks.chips import H100, TPUS, Chip, roofline


class Node(NamedTuple):
    """A machine: its chips, its processors, and the gigabytes that a training frame of 512² moves there in bfloat16."""

    name: str
    chip: Chip
    chips: int
    processors: int
    gigabytes_per_frame: float


# A TPU's gigabytes are its compiler's, of configs/face_best.py's step (`benchmark.py compile`); a GPU's, which pads no
# channels, are assumed. Processors: ct5lp-hightpu-8t, a3-highgpu-8g.
NODES = (Node("v5e-8", TPUS["v5e"], 8, 224, 6.9), Node("8 x H100", H100, 8, 208, 2.0))
# RVM MobileNetV3's 8 G multiply-adds, forward and twice backward, at 512².
FLOPS_PER_FRAME = 48e9


def frames_per_second(node: Node, side: int, precision: Precision) -> float:
    """Estimates what a node trains in a second at most: the slower of arithmetic and memory traffic, and nothing else.

    Args:
        node: which.
        side: of the frames, in pixels.
        precision: of products; float32 moves twice the bytes of bfloat16.
    """
    pixels = (side / 512) ** 2
    moved = node.gigabytes_per_frame * 1e9 * (1 if precision == "bfloat16" else 2)
    seconds, _ = roofline(node.chip, FLOPS_PER_FRAME * pixels, moved * pixels, precision=precision)
    return node.chips / seconds


class Fed(NamedTuple):
    """What a pipeline gave: clips a second, and the share of the time in which the device had nothing to do."""

    clips_per_second: float
    waiting: float


def feed(
    batches: Iterator[Any],
    clips: int,
    steps: int,
    step_seconds: float,
    *,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.perf_counter,
) -> Fed:
    """Takes batches as a training loop does, beside a device that sleeps.

    Args:
        batches: of `clips` clips each; the first one, for which workers start, is not counted.
        clips: of a batch.
        steps: how many.
        step_seconds: what the device takes for one.
        sleep, clock: time.
    """
    next(batches)
    began, waited = clock(), 0.0
    for _ in range(steps):
        asked = clock()
        next(batches)
        waited += clock() - asked
        sleep(step_seconds)
    total = clock() - began
    return Fed(clips * steps / total, waited / total)
