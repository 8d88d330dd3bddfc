"""The training step of RVM on one device and on all of this machine: how many frames a second each way."""

import time
from typing import Any

import numpy as np
from absl import flags

from rvm_jax.networks.precision import PRECISIONS
from scripts.benchmarks.report import Row, table

_SIZE = flags.DEFINE_integer("size", 512, "Height and width of the frames.", lower_bound=64)
_FRAMES = flags.DEFINE_integer("frames", 4, "Frames of a clip.", lower_bound=1)
_PER_DEVICE = flags.DEFINE_integer("per_device", 2, "Clips of a step on each device.", lower_bound=1)
_CALLS = flags.DEFINE_integer("calls", 10, "Steps that are timed.", lower_bound=1)
_PRECISION = flags.DEFINE_enum("precision", "bfloat16", list(PRECISIONS), "Of products.")


def measure() -> list[Row]:
    """Prints a line for one device and, if there are several, for all; returns the rows.

    Raises:
        RuntimeError: if a loss is not finite.
    """
    import jax

    counts = sorted({1, jax.device_count()})
    clips = _PER_DEVICE.value * counts[-1]
    rng = np.random.default_rng(0)
    batch = {
        name: rng.integers(0, 256, (clips, _FRAMES.value, _SIZE.value, _SIZE.value, channels), np.uint8)
        for name, channels in (("src", 3), ("pha", 1))
    }
    rates, losses = {}, {}
    for count in counts:
        own = {name: values[: _PER_DEVICE.value * count] for name, values in batch.items()}
        losses[count], rates[count] = _run(own, count)
    if not all(np.isfinite(list(losses.values()))):
        raise RuntimeError(f"the first losses are {losses}")
    print(f"\nOne training step, {_PER_DEVICE.value} clips of {_FRAMES.value} frames of {_SIZE.value}² a device")
    lines = [
        (str(count), f"{rates[count]:.1f}", f"{rates[count] / rates[1] / count:.0%}", f"{losses[count]:.4f}")
        for count in counts
    ]
    print(table(("devices", "frames/s", "of linear", "first loss"), lines))
    return [Row(f"train step on {count} devices", rates[count], "frames/s") for count in counts]


def _run(batch: dict[str, np.ndarray], count: int) -> tuple[float, float]:
    """Returns the first loss, and frames a second."""
    import jax

    from configs import face_stage1
    from rvm_jax.train.devices import global_batch, make_mesh
    from rvm_jax.train.phases import make_phases
    from rvm_jax.train.program import make_program

    config = face_stage1.get_config()
    clips = len(batch["src"])
    config.train.update({"steps": 100, "batch_size": clips, "precision": _PRECISION.value})
    (phase,) = make_phases(config.train)
    program = make_program(config, [phase], make_mesh(jax.devices()[:count]))
    state = jax.device_put(program.state(), program.replicated)
    step: Any = program.steps[phase.name]
    shared = global_batch(batch, program.sharded, clips)
    state, metrics = step(state, shared)
    first = float(metrics["loss/total"])
    began = time.perf_counter()
    for _ in range(_CALLS.value):
        state, metrics = step(state, shared)
    jax.block_until_ready(metrics)
    seconds = (time.perf_counter() - began) / _CALLS.value
    return first, clips * _FRAMES.value / seconds
