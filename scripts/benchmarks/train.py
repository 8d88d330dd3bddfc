"""A full training step of RVM MobileNetV3, alpha only, in frames per second, beside the PyTorch twin on this device."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags
from tqdm import tqdm

from rvm_jax.errors import UserError
from scripts import ROOT
from scripts.benchmarks import timing, twin_contenders
from scripts.benchmarks.report import Row, beside_peers, device_name, usable_cores

if TYPE_CHECKING:
    from rvm_jax.networks.precision import Precision

_SIZE = flags.DEFINE_integer("size", 512, "Height and width of the frames.", lower_bound=64)
_FRAMES = flags.DEFINE_integer("frames", 4, "Frames of a clip.", lower_bound=1)
_BATCH = flags.DEFINE_integer("batch", 1, "Clips of a step.", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "How often each contender has its turn.", lower_bound=1)
_CALLS = flags.DEFINE_integer("calls", 3, "Steps that are timed in a turn.", lower_bound=1)
_ONLY = flags.DEFINE_list("only", [], "Measure the contenders whose names begin with these alone.")
_WHERE = flags.DEFINE_bool("where", False, "Also print where the time of ours goes, by the profiler.")
_VARIANTS = flags.DEFINE_bool(
    "variants", False, "Instead of PyTorch, measure what each choice in our step gives: it is undone, alone."
)
_MEMORY = flags.DEFINE_bool("memory", True, "Measure memory, each contender in a process of its own.")

# Else JAX takes three quarters of a GPU's memory at its start, and PyTorch, in the same process, finds none.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

OURS = "rvm_jax"
_RATES = {"backbone": 1e-4, "aspp": 2e-4, "decoder": 2e-4, "refiner": 0.0}
_PATTERNS = (("backbone.*", 1e-4), ("refiner.*", None), (".*", 2e-4))
# A step that has run: a call makes one more and returns its loss once the step is complete.
Contender = Callable[[], float]


def measure() -> list[Row]:
    """Prints a table and returns its rows, ours against each of PyTorch's.

    Raises:
        UserError: PyTorch is not installed, or `--only` leaves none.
        RuntimeError: ours and a peer disagree on the loss, so that their times could not be compared.
    """
    twin_contenders.import_twin()
    if _VARIANTS.value:
        return _measure_variants()
    makers = _makers()
    if not makers:
        raise UserError(f"--only={','.join(_ONLY.value)} leaves no contender; there are {', '.join(_all_makers())}")
    running = {name: make(_batch()) for name, make in makers.items()}
    _check_agreement(running)
    seconds = timing.interleave(running, _ROUNDS.value, _CALLS.value)
    if _WHERE.value:
        _print_where()
    running.clear()
    megabytes = {name: _peak(name) if _MEMORY.value else None for name in makers}

    frames = _BATCH.value * _FRAMES.value
    medians, text = beside_peers(seconds, megabytes, OURS, frames=frames)
    shape = _shape()
    print(f"\nOne training step, {shape}, {device_name()}, threads: {usable_cores()}")
    print(text)
    return [
        Row(f"train step, {own}, {shape}", 1e3 * frames / medians[own], "frames/s", peer, medians[peer] / medians[own])
        for own in medians
        if own.startswith(OURS)
        for peer in medians
        if not peer.startswith(OURS)
    ]


def _all_makers() -> dict[str, Callable[[dict[str, np.ndarray]], Contender]]:
    makers: dict[str, Callable[[dict[str, np.ndarray]], Contender]] = {
        OURS: lambda batch: _ours(batch, "float32"),
        f"{OURS} tensorfloat32": lambda batch: _ours(batch, "tensorfloat32"),
        f"{OURS} bfloat16": lambda batch: _ours(batch, "bfloat16"),
        "PyTorch eager": lambda batch: _theirs(batch),
        "PyTorch eager channels_last": lambda batch: _theirs(batch, channels_last=True),
        "PyTorch compiled channels_last": lambda batch: _theirs(batch, channels_last=True, compiled=True),
        "PyTorch fp16 eager channels_last": lambda batch: _theirs(batch, channels_last=True, mixed=True),
        "PyTorch fp16 compiled channels_last": lambda batch: _theirs(
            batch, channels_last=True, compiled=True, mixed=True
        ),
    }
    if device_name() == "cpu":  # where neither lower precision nor the compiler's kernels are PyTorch's strength
        return {
            name: make
            for name, make in makers.items()
            if not any(x in name for x in ("fp16", "float32", "bfloat", "comp"))
        }
    return makers


def _measure_variants() -> list[Row]:
    from scripts.benchmarks import variants

    batch = _batch()
    names = tqdm(variants.CHOICES, desc="compiling", unit="variant", leave=False)
    running = {name: _stepping(*variants.compiled(name, partial(_step, batch, "float32"))) for name in names}
    seconds = timing.interleave(running, _ROUNDS.value, _CALLS.value)
    medians, text = beside_peers(
        seconds, dict.fromkeys(running), variants.AS_IT_IS, frames=_BATCH.value * _FRAMES.value
    )
    print(f"\nOne training step of {_shape()}, {device_name()}, threads: {usable_cores()}; each choice undone, alone")
    print(text)
    ours = medians[variants.AS_IT_IS]
    return [
        Row(f"train step, {_shape()}", 1e3 / ours, "steps/s", name, medians[name] / ours)
        for name in medians
        if name != variants.AS_IT_IS
    ]


def _shape() -> str:
    return f"{_BATCH.value} clip(s) of {_FRAMES.value} frames of {_SIZE.value}x{_SIZE.value}"


def _makers() -> dict[str, Callable[[dict[str, np.ndarray]], Contender]]:
    chosen = _ONLY.value or [""]
    return {name: make for name, make in _all_makers().items() if any(name.startswith(part) for part in chosen)}


def _batch() -> dict[str, np.ndarray]:
    """Smooth noise with a disc that moves: uint8, (B, T, S, S, C)."""
    import cv2

    rng = np.random.default_rng(0)
    clips, frames, side = _BATCH.value, _FRAMES.value, _SIZE.value
    src = np.empty((clips, frames, side, side, 3), np.uint8)
    pha = np.zeros((clips, frames, side, side, 1), np.uint8)
    for b in range(clips):
        noise = rng.integers(0, 256, (side // 16 + 1, side // 16 + 1, 3), dtype=np.uint8)
        for t in range(frames):
            src[b, t] = np.roll(cv2.resize(noise, (side, side)), 4 * t, axis=1)
            cv2.circle(pha[b, t], (side // 2 + 4 * t, side // 2), side // 3, 255, -1)
    return {"src": src, "pha": pha}


def _print_where() -> None:
    from scripts.benchmarks import where

    step, state, batch = _step(_batch(), "float32")
    compiled = step.lower(state, batch).compile()
    call = _stepping(compiled, state, batch)
    for _ in range(3):  # the first ones take memory from the system
        call()
    where.print_table(call, compiled.as_text())


def _ours(batch: dict[str, np.ndarray], precision: "Precision") -> Contender:
    return _stepping(*_step(batch, precision))


def _stepping(step: Any, state: Any, batch: dict[str, np.ndarray]) -> Contender:
    import jax

    def call() -> float:
        nonlocal state
        state, metrics = jax.block_until_ready(step(state, batch))
        return float(metrics["loss/total"])

    return call


def _step(batch: dict[str, np.ndarray], precision: "Precision", kernels: Any = None) -> Any:
    """The jitted step, its state at the start, and the batch."""
    import rvm_jax
    from rvm_jax.networks import functional
    from rvm_jax.train.losses.rvm import alpha
    from rvm_jax.train.optimizer import make_optimizer
    from rvm_jax.train.rates import resolve_rates
    from rvm_jax.train.state import new_state
    from rvm_jax.train.step import StepSettings, make_train_step
    from rvm_jax.weights import torch_weights

    twin, _ = twin_contenders.import_twin()
    network = rvm_jax.MattingNetwork("mobilenetv3", foreground=False, rngs=None, kernels=kernels)
    tensors = {key: tensor.numpy() for key, tensor in twin.golden_network("face").state_dict().items()}
    torch_weights.set_state_dict(network, tensors, "the twin's weights")
    _, params, batch_stats = functional.split(network)
    optimizer = make_optimizer(params, resolve_rates(params, _PATTERNS))
    step = make_train_step(network, alpha, optimizer, 0, StepSettings(precision=precision))
    return step, new_state(params, batch_stats, optimizer), batch


def _theirs(
    batch: dict[str, np.ndarray], *, channels_last: bool = False, compiled: bool = False, mixed: bool = False
) -> Contender:
    twin, torch = twin_contenders.import_twin()
    import torch_twin_losses

    device = device_name()
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    network = twin.golden_network("face").to(device, memory_format=memory_format).train()
    optimizer = torch_twin_losses.adam(network, **_RATES)
    forward = torch.compile(network) if compiled else network
    scaler = torch.amp.GradScaler(device, enabled=mixed)

    def call() -> float:
        # As a loader hands it over: uint8 from the host, divided on the device.
        given = {
            name: torch.from_numpy(values).to(device).permute(0, 1, 4, 2, 3).float() / 255
            for name, values in batch.items()
        }
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.float16, enabled=mixed):
            pha, *_ = forward(given["src"])
        parts = torch_twin_losses.alpha_loss(pha.float(), given["pha"])
        scaler.scale(parts["total"]).backward()
        scaler.step(optimizer)
        scaler.update()
        return parts["total"].item()  # waits for the device

    return call


def _check_agreement(running: dict[str, Contender]) -> None:
    """The first step's losses; also where everything compiles."""
    losses = {name: call() for name, call in running.items()}
    for call in running.values():
        call()
    first, *others = losses
    for other in others:
        exact = "16" not in first + other and device_name() == "cpu"
        difference = abs(losses[other] - losses[first]) / losses[first]
        if not difference < (1e-4 if exact else 0.05):
            raise RuntimeError(f"the first losses of '{first}' and '{other}' differ by {difference:.1e}")


def _peak(name: str) -> float | None:
    """Megabytes at the most, measured in a process of its own; None where the system does not tell."""
    settings = [f"--size={_SIZE.value}", f"--frames={_FRAMES.value}", f"--batch={_BATCH.value}"]
    command = [sys.executable, "-m", "scripts.benchmarks.train", name, *settings]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    return json.loads(result.stdout.splitlines()[-1]) if result.returncode == 0 else None


def _main() -> None:
    """Prints the peak of one contender: of the device's memory on a GPU, of the process's on the CPU."""
    name = sys.argv.pop(1)
    flags.FLAGS(sys.argv)
    from scripts.benchmarks.memory import resident_peak

    call = _all_makers()[name](_batch())
    for _ in range(2):
        call()
    if device_name() == "cpu":
        print(json.dumps(resident_peak(call)))
    elif name.startswith(OURS):
        import jax

        print(json.dumps((jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0) / 2**20))
    else:
        import torch

        print(json.dumps(torch.cuda.max_memory_allocated() / 2**20))


if __name__ == "__main__":
    _main()
