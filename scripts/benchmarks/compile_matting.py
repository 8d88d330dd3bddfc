"""Compiles matting for a TPU chip that is not there, by each set of kernels: what a frame computes, moves and may take.

    python scripts/benchmark.py compile_matting --topology=v5e:2x4 --streams=8

Needs libtpu (the extra `aot`), whose compiler works without a chip. Bytes are the compiler's estimate for the whole
program, its copies and all that it pads to lanes included; the time is a roofline of the maker's figures, an estimate.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import jax
import numpy as np
from absl import flags
from tqdm import tqdm

import rvm_jax
from rvm_jax.errors import UserError
from rvm_jax.matting.engine import JaxEngine
from rvm_jax.networks.layers.kernels import PRECISIONS, TPU, XLA, Kernels, Precision
from rvm_jax.networks.layers.kernels.cpu_depthwise import depthwise_shifts
from scripts.benchmarks import compiled_program
from scripts.benchmarks.chips import Chip, roofline
from scripts.benchmarks.report import Row, table
from scripts.benchmarks.slices import compile_for_slice, tpu_slice

_TOPOLOGY = flags.DEFINE_string("topology", "v5e:2x4", "The chip is one of this slice: v5e:2x4, v6e:2x4, …")
_NETWORK = flags.DEFINE_string("network", "rvm", "The network.")
_SIZE = flags.DEFINE_integer("size", 512, "Height and width of the frames.", lower_bound=32)
_STREAMS = flags.DEFINE_integer("streams", 8, "Streams of frames at once.", lower_bound=1)
_FRAMES = flags.DEFINE_integer("frames", 1, "Frames of each at once.", lower_bound=1)
_PRECISION = flags.DEFINE_enum("precision", "float32", PRECISIONS, "Of products.")
_KERNELS = flags.DEFINE_list("kernels", ["TPU"], "The sets of kernels, by name; see the first column.")

# A set undoes a choice, or makes it: the others leave their names in the table.
SETS: Mapping[str, Kernels] = {
    "TPU": TPU,
    "XLA": XLA,
    "TPU-doubling-apart": replace(TPU, merge_upsampling=False),
    "TPU-depthwise-shifts": replace(TPU, depthwise_conv=depthwise_shifts),
}


def measure() -> list[Row]:
    """Prints a table with a line for each set of kernels, and returns its rows.

    Raises:
        UserError: libtpu is missing, or the slice or a set of kernels unknown.
    """
    unknown = [name for name in _KERNELS.value if name not in SETS]
    if unknown:
        raise UserError(f"--kernels={unknown[0]}: there are {', '.join(repr(name) for name in SETS)}")
    chip, devices = tpu_slice(_TOPOLOGY.value)
    frames = _STREAMS.value * _FRAMES.value
    rows, lines = [], []
    for name in tqdm(_KERNELS.value, desc="compiling", unit="program", leave=False):
        start = time.perf_counter()
        needs = compiled_program.read(compile_for_slice(_lowered(SETS[name], devices[0])))
        took = time.perf_counter() - start
        moved, flops = needs.bytes_moved / frames, needs.flops / frames
        seconds, bound = roofline(chip, flops, moved, precision=cast(Precision, _PRECISION.value))
        lines.append(_line(name, took, needs, moved, flops, f"{1e3 * seconds:.1f} ({bound})"))
        rows.append(Row(f"matting {_SIZE.value}, {chip.name}, {name}: moved", moved / 1e9, "GB/frame"))
    print(f"\n{_NETWORK.value} at {_SIZE.value}x{_SIZE.value} on one {chip.name}, {_shape(chip)}")
    head = ("kernels", "compiled in s", "peak GiB", "GB a frame", "GFLOP a frame", "estimate: ms a frame")
    print(table(head, lines))
    return rows


def _line(
    name: str, took: float, needs: compiled_program.Program, moved: float, flops: float, estimate: str
) -> tuple[str, ...]:
    peak = needs.peak_bytes / 2**30
    return name, f"{took:.0f}", f"{peak:.2f}", f"{moved / 1e9:.2f}", f"{flops / 1e9:.1f}", estimate


def _shape(chip: Chip) -> str:
    return f"{chip.memory_gib:g} GiB, {_STREAMS.value} streams of {_FRAMES.value}, products in {_PRECISION.value}"


def _lowered(kernels: Kernels, device: jax.Device) -> jax.stages.Lowered:
    network = rvm_jax.create(_NETWORK.value, rngs=None, kernels=kernels)
    program = JaxEngine(network, precision=_PRECISION.value)
    sharding = jax.sharding.SingleDeviceSharding(device)
    shape = (_STREAMS.value, _FRAMES.value, _SIZE.value, _SIZE.value, 3)
    return program.lower(jax.ShapeDtypeStruct(shape, np.uint8, sharding=sharding), ("tpu",))
