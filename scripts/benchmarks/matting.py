"""RVM MobileNetV3 in frames per second: our engines beside the PyTorch twin and its export, and whole clips.

With `--network`, other networks on one picture instead, beside RVM (`scripts.benchmarks.networks`); with `--exports`,
exported graphs alone (`scripts.benchmarks.exports`).
"""

import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from absl import flags
from tqdm import tqdm

from rvm_jax.errors import UserError
from scripts.benchmarks import (
    cold_start,
    engines,
    export_contenders,
    exports,
    memory,
    networks,
    timing,
    twin_contenders,
)
from scripts.benchmarks.contenders import OURS, ours_contender
from scripts.benchmarks.report import Row, beside_peers, device_name, table, usable_cores
from scripts.benchmarks.twin_contenders import Contender

_CASES = flags.DEFINE_list("cases", ["512", "hd", "4k"], "What to measure: 512, hd (ratio 0.25), 4k (0.125).")
_NETWORK = flags.DEFINE_list("network", [], "Measure these, or `all`, beside RVM on one picture (512², or --size).")
_EXPORTS = flags.DEFINE_bool("exports", False, "Measure our graphs and PyTorch's, in ONNX Runtime and OpenVINO, alone.")
_SIZE = flags.DEFINE_integer("size", None, "Measure square frames of this side at ratio 1 instead.", lower_bound=16)
_ROUNDS = flags.DEFINE_integer("rounds", 10, "How often each contender has its turn.", lower_bound=1)
_CALLS = flags.DEFINE_integer("calls", 5, "Frames that are timed in a turn.", lower_bound=1)
_FRAMES = flags.DEFINE_integer("frames", 60, "The length of the clip that goes end to end; 0 leaves that out.", 0)
_MEMORY = flags.DEFINE_bool("memory", True, "Measure memory and the start, each contender in processes of its own.")
_PRECISION = flags.DEFINE_enum(
    "precision", "float32", ["float32", "tensorfloat32", "bfloat16"], "Of our network's products."
)

_TOLERANCE = 1e-3  # the refiner's coefficients amplify rounding, see rvm_jax/networks/rvm/refiner.py
_CHUNK = 4


class Case(NamedTuple):
    """Frames of one size at one ratio."""

    title: str
    height: int
    width: int
    ratio: float

    def frame(self) -> np.ndarray:
        """Returns smooth RGB noise in [0, 1], (H, W, 3) float32."""
        import cv2

        rng = np.random.default_rng(0)
        small = rng.random((self.height // 16 + 1, self.width // 16 + 1, 3), np.float32)
        return cv2.resize(small, (self.width, self.height), interpolation=cv2.INTER_LINEAR)


_KNOWN = {
    "512": Case("512x512", 512, 512, 1.0),
    "hd": Case("1920x1080 at 0.25", 1080, 1920, 0.25),
    "4k": Case("3840x2160 at 0.125", 2160, 3840, 0.125),
}


def measure() -> list[Row]:
    """Prints a table for each case and returns its rows.

    Raises:
        UserError: PyTorch is not installed, or a case or a network is unknown.
        RuntimeError: ours and a peer disagree, so that their times could not be compared.
    """
    if _NETWORK.value:
        return networks.measure(
            _NETWORK.value, _SIZE.value or 512, rounds=_ROUNDS.value, calls=_CALLS.value, precision=_PRECISION.value
        )
    twin_contenders.import_twin()
    if _SIZE.value:
        cases = [Case(f"{_SIZE.value}x{_SIZE.value}", _SIZE.value, _SIZE.value, 1.0)]
    else:
        unknown = [name for name in _CASES.value if name not in _KNOWN]
        if unknown:
            raise UserError(f"case '{unknown[0]}' is unknown; use {', '.join(_KNOWN)}")
        cases = [_KNOWN[name] for name in _CASES.value]
    rows: list[Row] = []
    if _EXPORTS.value:
        for case in cases:
            rows += exports.measure(case.title, case.frame(), case.ratio, _ROUNDS.value, _CALLS.value)
        return rows
    for case in cases:
        network_rows, ours = _measure_network(case)
        rows += network_rows
        if _FRAMES.value:
            rows.append(_measure_clip(case, ours))
    return rows


def _measure_network(case: Case) -> tuple[list[Row], float]:
    """Returns the rows, and our milliseconds per frame."""
    frame = case.frame()
    makers: dict[str, Callable[[], Contender]] = {OURS: lambda: ours_contender(frame, case.ratio, _PRECISION.value)}
    if device_name() == "cpu" and _PRECISION.value == "float32":
        makers |= export_contenders.contenders(frame, case.ratio)
    makers |= twin_contenders.contenders(frame, case.ratio, device_name())
    running = {name: make() for name, make in makers.items()}
    _check_agreement(running)
    seconds = timing.interleave(running, _ROUNDS.value, _CALLS.value)
    del running
    begun = cold_start.measure(list(makers), frame, case.ratio) if _MEMORY.value and device_name() == "cpu" else {}
    megabytes = {name: _memory(name, begun, frame, case.ratio) for name in makers}

    more = cold_start.columns(begun) if begun else None
    medians, text = beside_peers(seconds, megabytes, OURS, more=more, decimals=1)
    timed = f"{_ROUNDS.value * _CALLS.value} frames each"
    print(
        f"\nRVM MobileNetV3, recurrent frames of {case.title}, {_PRECISION.value}, {device_name()}, threads: "
        f"{usable_cores()}, {timed}"
    )
    print(text)
    if "ONNX Runtime" not in makers:
        print("(ONNX Runtime is not installed; pip install onnxruntime onnx)")
    name = f"matting mobilenetv3 {case.title} recurrent frame"
    rows = [Row(name, medians[OURS], "ms", peer, medians[peer] / medians[OURS]) for peer in medians if peer != OURS]
    rows += engines.rows(name, medians)
    own = megabytes[OURS]
    for peer, peak in megabytes.items():
        if peer != OURS and peak is not None and own is not None:
            rows.append(Row(f"{name} memory", own, "MB", peer, peak / own))
    for contender, start in begun.items():
        if start is not None:
            rows.append(Row(f"{name} first alpha, {contender}", start.first, "s"))
            rows.append(Row(f"{name} first alpha again, {contender}", start.second, "s"))
    return rows, medians[OURS]


def _memory(name: str, begun: dict[str, cold_start.Beginning | None], frame: np.ndarray, ratio: float) -> float | None:
    """Of the process that began, or on a GPU of one that runs longer."""
    if not _MEMORY.value:
        return None
    if device_name() != "cpu":
        return memory.peak(name, frame.shape[:2], ratio)
    own = begun.get(name)
    return own and own.memory


def _measure_clip(case: Case, network_ms: float) -> Row:
    """A clip from file to file, and what its parts take alone."""
    import rvm_jax
    from rvm_jax.media.video_reader import VideoReader
    from rvm_jax.media.video_writer import VideoWriter

    count = _FRAMES.value
    frame = (255 * case.frame()).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        source, alpha = Path(folder) / "clip.mp4", Path(folder) / "alpha.mp4"
        with VideoWriter(source, Fraction(30)) as writer:
            for t in range(count):
                writer.write(np.roll(frame, 4 * t, axis=1))
        matter = _matter(case)
        for chunk in (1, _CHUNK):
            matter.warm_up(case.height, case.width, chunk)
        parts = {
            "network": _clip_seconds(matter, frame, count),
            "decoding": _timed(lambda: _decode(VideoReader, source)),
        }
        parts["encoding"] = _timed(lambda: _encode(VideoWriter, alpha, frame, count))
        whole = _timed(
            lambda: rvm_jax.matte_video(matter, source, outputs={"alpha": alpha}, seq_chunk=_CHUNK, progress=False)
        )
    lines = [(name, f"{1e3 * value / count:.1f}", f"{count / value:.1f}") for name, value in parts.items()]
    lines.append(("end to end", f"{1e3 * whole / count:.1f}", f"{count / whole:.1f}"))
    slowest = max(parts, key=parts.__getitem__)
    print(f"\n{count} frames of {case.title} from H.264 to an H.264 alpha, chunks of {_CHUNK}")
    print(table(("", "ms per frame", "frames/s"), lines))
    print(
        f"end to end runs at {100 * parts['network'] / whole:.0f} % of the network alone; its slowest part is {slowest}"
    )
    name = f"matting mobilenetv3 {case.title} end to end"
    return Row(name, count / whole, "frames/s", "network alone, same chunks", parts["network"] / whole)


def _matter(case: Case) -> Any:
    from flax import nnx

    import rvm_jax

    network = rvm_jax.MattingNetwork("mobilenetv3", foreground=True, rngs=nnx.Rngs(0))
    return rvm_jax.Matter(network, case.ratio, precision=_PRECISION.value)


def _clip_seconds(matter: Any, frame: np.ndarray, count: int) -> float:
    """The network alone, in the chunks that the clip takes, its frames on the device already."""
    import jax

    chunk = jax.device_put(np.stack([frame] * _CHUNK))

    def run() -> None:
        for _ in range(0, count, _CHUNK):
            result = matter(chunk).pha
        jax.block_until_ready(result)

    run()
    return _timed(run)


def _decode(reader: Any, source: Path) -> None:
    with reader(source) as video:
        for _ in video:
            pass


def _encode(writer: Any, path: Path, frame: np.ndarray, count: int) -> None:
    with writer(path, Fraction(30)) as video:
        for t in range(count):
            video.write(np.roll(frame[..., :1], 4 * t, axis=1))


def _timed(run: Any) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _check_agreement(running: dict[str, Contender]) -> None:
    """Two frames each, so that the state counts too; also where everything compiles and warms up."""
    outputs = {}
    for name, call in tqdm(running.items(), desc="compiling and comparing outputs", leave=False):
        call()
        outputs[name] = call()
    first, *others = outputs
    tolerance = _TOLERANCE if _PRECISION.value == "float32" and device_name() == "cpu" else 0.1
    for other in others:
        error = max(float(np.abs(a - b).max()) for a, b in zip(outputs[first], outputs[other], strict=True))
        if not error < tolerance:
            raise RuntimeError(f"outputs of '{first}' and '{other}' differ by {error:.1e}, more than {tolerance:.0e}")
