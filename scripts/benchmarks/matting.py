"""One recurrent frame through RVM MobileNetV3, our network under `jax.jit` against the PyTorch twin."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import flags
from tqdm import tqdm

from rvm_jax.errors import UserError
from scripts._checkout import ROOT
from scripts.benchmarks import timing
from scripts.benchmarks.report import Row, table, usable_cores

_SIZE = flags.DEFINE_integer("size", 512, "Height and width of the frame.", lower_bound=16)
_ROUNDS = flags.DEFINE_integer("rounds", 10, "How often each contender has its turn.", lower_bound=1)
_CALLS = flags.DEFINE_integer("calls", 5, "Frames that are timed in a turn.", lower_bound=1)

# A frame in evaluation mode, its state kept from call to call; returns fgr and pha, (H, W, C), once they are computed.
Contender = Callable[[], tuple[np.ndarray, np.ndarray]]

_TOLERANCE = 1e-4


def measure() -> list[Row]:
    """Prints a table of milliseconds per frame and returns a row for each peer.

    Raises:
        UserError: PyTorch is not installed.
        RuntimeError: ours and the twin disagree, so that their times could not be compared.
    """
    twin, torch = _import_twin()
    network = twin.golden_network("mobilenetv3")
    frame = np.random.default_rng(0).random((_SIZE.value, _SIZE.value, 3), np.float32)
    torch.set_num_threads(usable_cores())  # as many as XLA takes
    ours = "rvm_jax, jit"
    contenders = {
        ours: _ours(network.state_dict(), frame),
        "PyTorch eager": _twin(torch, network, frame, torch.contiguous_format),
        "PyTorch eager channels_last": _twin(torch, network, frame, torch.channels_last),
    }
    _check_agreement(contenders)
    seconds = timing.interleave(contenders, _ROUNDS.value, _CALLS.value)

    size = f"{_SIZE.value}x{_SIZE.value}"
    medians, lines = {}, []
    for name, values in seconds.items():
        medians[name], low, high = timing.middle_and_spread(values)
        ratio = medians[name] / medians[ours]
        lines.append(
            (name, f"{medians[name]:.1f}", f"{low:.1f} to {high:.1f}", f"{1e3 / medians[name]:.1f}", f"{ratio:.2f}")
        )
    timed = f"{_ROUNDS.value * _CALLS.value} frames each"
    print(f"\nRVM MobileNetV3, recurrent frames of {size}, float32, threads: {usable_cores()}, {timed}")
    print(table(("", "median ms", "10 to 90 %", "frames/s", "time / ours"), lines))
    name = f"matting mobilenetv3 {size} recurrent frame"
    return [Row(name, medians[ours], "ms", peer, medians[peer] / medians[ours]) for peer in medians if peer != ours]


def _import_twin() -> tuple[Any, Any]:
    try:
        import torch
    except ImportError as error:
        raise UserError(
            "the matting benchmark compares with PyTorch, which is missing; install it with pip install -e '.[torch]'"
        ) from error
    sys.path.insert(0, str(ROOT / "tests"))
    import torch_twin

    return torch_twin, torch


def _ours(tensors: dict[str, Any], frame: np.ndarray) -> Contender:
    import jax
    from flax import nnx

    import rvm_jax
    from rvm_jax import torch_weights

    network = rvm_jax.MattingNetwork("mobilenetv3", refiner="deep_guided_filter", foreground=True, rngs=nnx.Rngs(0))
    torch_weights.set_state_dict(
        network, {key: tensor.numpy() for key, tensor in tensors.items()}, "the twin's weights"
    )
    graphdef, state = nnx.split(network)

    @jax.jit
    def matte(state, src, rec):
        return nnx.merge(graphdef, state)(src, rec)

    weights, src = nnx.to_pure_dict(state), jax.device_put(frame[None])
    rec = network.initial_state(1, *frame.shape[:2])

    def call() -> tuple[np.ndarray, np.ndarray]:
        nonlocal rec
        fgr, pha, rec = jax.block_until_ready(matte(weights, src, rec))
        return np.asarray(fgr)[0], np.asarray(pha)[0]

    return call


def _twin(torch: Any, network: Any, frame: np.ndarray, memory_format: Any) -> Contender:
    import copy

    network = copy.deepcopy(network).to(memory_format=memory_format)
    src = torch.from_numpy(frame.transpose(2, 0, 1)[None]).contiguous(memory_format=memory_format)
    rec: list[Any] = []

    @torch.inference_mode()
    def call() -> tuple[np.ndarray, np.ndarray]:
        fgr, pha, *rec[:] = network(src, *rec)
        return fgr[0].permute(1, 2, 0).numpy(), pha[0].permute(1, 2, 0).numpy()

    return call


def _check_agreement(contenders: dict[str, Contender]) -> None:
    """Two frames each, so that the state counts too; also where everything compiles and warms up."""
    outputs = {}
    for name, call in tqdm(contenders.items(), desc="compiling and comparing outputs", leave=False):
        call()
        outputs[name] = call()
    first, *others = outputs
    for other in others:
        error = max(float(np.abs(a - b).max()) for a, b in zip(outputs[first], outputs[other], strict=True))
        if not error < _TOLERANCE:
            raise RuntimeError(f"outputs of '{first}' and '{other}' differ by {error:.1e}, more than {_TOLERANCE:.0e}")
