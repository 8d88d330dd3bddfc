"""Compiles a recipe's sharded training step for a slice of TPUs that is not there: what it needs, moves and may take.

    python scripts/benchmark.py compile --topology=v5e:2x4 --config=configs/face_best.py

Needs libtpu (the extra `aot`), whose compiler works without a chip. Memory is the compiler's own figure, for which a
recipe that does not fit is refused; the time is an estimate, a roofline of the maker's figures: nothing was run.
"""

import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from absl import flags
from ml_collections import ConfigDict, config_flags
from tqdm import tqdm

from rvm_jax.errors import UserError
from rvm_jax.networks.cost import count_multiply_adds
from rvm_jax.train.crops import CropSize
from rvm_jax.train.devices import check_divides, make_mesh
from rvm_jax.train.phases import MAIN, Phase, make_phases
from rvm_jax.train.program import TrainingProgram, make_program
from rvm_jax.train.renamed import current_settings
from scripts.benchmarks import compiled_program
from scripts.benchmarks.chips import Chip, roofline
from scripts.benchmarks.report import Row, table
from scripts.benchmarks.slices import compile_for_slice, tpu_slice

_CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe, one of configs/*.py.", lock_config=True)
_TOPOLOGY = flags.DEFINE_string("topology", "v5e:2x4", "The slice: v5e:2x4, v6e:2x4, v4:2x2x1, …")
_PHASES = flags.DEFINE_list("phases", [], "These phases of the recipe alone, such as main; else all.")
_LOWER_ONLY = flags.DEFINE_bool("lower_only", False, "Lower the step and count its multiply-adds; do not compile it.")

# What losses read of a clip beside `src` and `pha`, by the loss.
_READ = {"matting": {"fgr": 3}, "segmentation": {"seg": 1}, "trimap": {"trimap": 1}, "alpha_composed": {"occluder": 4}}


def measure() -> list[Row]:
    """Prints a table with a line for each phase of the recipe, and returns its rows.

    Raises:
        UserError: libtpu is missing, the slice is unknown, or the recipe does not fit.
    """
    if _CONFIG.value is None:
        raise UserError("give the recipe to compile: --config=configs/face_best.py")
    config = without_weights(_CONFIG.value)
    phases = _chosen(make_phases(config.train))
    chip, devices = tpu_slice(_TOPOLOGY.value)
    mesh = make_mesh(devices)
    check_divides(mesh, (phase.batch_size // config.train.accumulate for phase in phases))
    program = make_program(config, phases, mesh)
    rows, lines, too_large = [], [], []
    for phase in tqdm(phases, desc="compiling", unit="phase", leave=False):
        batch, crop = batch_of(config, phase, program)
        height, width = crop or batch["src"].shape[2:4]
        frames = batch["src"].shape[0] * batch["src"].shape[1]
        shape = f"{batch['src'].shape[0]} x {batch['src'].shape[1]} x {height}x{width}"
        step: Any = program.steps[phase.name]
        traced = step.trace(program.abstract_state(), batch, crop)
        flops = 2 * count_multiply_adds(traced.jaxpr.jaxpr) / len(devices)
        if _LOWER_ONLY.value:
            traced.lower(lowering_platforms=("tpu",))
            lines.append((phase.name, shape, "", "", f"{flops / 1e12:.2f}", "", "", "", ""))
            continue
        start = time.perf_counter()
        needs = _compiled(traced, chip, phase.name)
        took = time.perf_counter() - start
        moved = needs.bytes_moved
        seconds, bound = roofline(chip, flops, moved, needs.bytes_exchanged, program.settings.precision)
        collectives = ", ".join(f"{count} {kind}" for kind, count in needs.collectives.items()) or "none"
        peak = needs.peak_bytes / 2**30
        lines.append(
            (
                phase.name,
                shape,
                f"{took:.0f}",
                f"{peak:.2f} of {chip.memory_gib:g}",
                f"{flops / 1e12:.2f}",
                f"{moved / 1e9:.1f}",
                f"{collectives}, {needs.bytes_exchanged / 1e6:.0f} MB",
                f"{1e3 * seconds:.0f} ({bound})",
                f"{frames / seconds:.0f}",
            )
        )
        name = f"compile {_TOPOLOGY.value}, {phase.name}, {shape}, {program.settings.precision}"
        rows += [Row(f"{name}: peak", peak, "GiB/chip"), Row(f"{name}: estimate", frames / seconds, "frames/s")]
        if peak > chip.memory_gib:
            too_large.append(f"{phase.name} needs {peak:.1f} GiB")
    print(f"\n{len(devices)} x {chip.name} ({_TOPOLOGY.value}), train.precision={program.settings.precision}; a chip's")
    head = ("phase", "clips x frames x size", "compiled in s", "peak GiB", "TFLOP", "GB moved", "exchanged")
    print(table((*head, "estimate: ms", "estimate: frames/s"), lines))
    print("FLOPs are of the traced step, loops counted as often as they run; bytes the compiler's, a loop's body once.")
    if too_large:
        raise UserError(_does_not_fit("; ".join(too_large), chip))
    return rows


def _chosen(phases: Sequence[Phase]) -> list[Phase]:
    names = [phase.name for phase in phases]
    unknown = [name for name in _PHASES.value if name not in names]
    if unknown:
        raise UserError(f"--phases={unknown[0]}: the recipe has {', '.join(names)}")
    return [phase for phase in phases if phase.name in (_PHASES.value or names)]


def without_weights(config: ConfigDict) -> ConfigDict:
    """Returns a config whose network starts from nothing: a program does not depend on the weights."""
    config = ConfigDict(current_settings(config.to_dict())[0])
    config.network.update({"start_from": "", "backbone": ""})
    config.train.steps = config.train.steps or 100_000  # as many as epochs would give: data alone tell
    return config


def batch_of(
    config: ConfigDict, phase: Phase, program: TrainingProgram
) -> tuple[dict[str, jax.ShapeDtypeStruct], CropSize | None]:
    """Returns a batch of a phase as shapes on the mesh, and the largest of its crops."""
    section = config.train if phase.name == MAIN else config.train.phases[phase.name]
    data = {**config.data.to_dict(), **ConfigDict(section.get("data", {})).to_dict()}
    channels = {"src": 3, "pha": 1, **_READ.get(phase.objective.name, {})}
    if data.get("trimap"):
        channels["trimap"] = 1
    if phase.objective.name == "segmentation":
        del channels["pha"]
    sides = (phase.batch_size, data["seq_length"], data["resolution"], data["resolution"])
    batch = {
        name: jax.ShapeDtypeStruct((*sides, count), np.uint8, sharding=program.sharded)
        for name, count in channels.items()
    }
    return batch, max(phase.crops, key=lambda size: size[0] * size[1], default=None)


def _compiled(traced: Any, chip: Chip, name: str) -> compiled_program.Program:
    try:
        return compiled_program.read(compile_for_slice(traced.lower(lowering_platforms=("tpu",))))
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        reason = next((line for line in str(error).splitlines() if "Used" in line), str(error).splitlines()[0])
        raise UserError(_does_not_fit(f"{name}: {reason.strip()}", chip)) from error


def _does_not_fit(reason: str, chip: Chip) -> str:
    return (
        f"the recipe does not fit a {chip.name} of {chip.memory_gib:g} GiB: {reason}; take fewer clips a chip "
        "(train.batch_size, train.accumulate), train.remat=True, train.precision=bfloat16 or a larger chip"
    )
