"""Our emitted graphs beside PyTorch's export of the same network, each pair in one engine: ONNX Runtime and OpenVINO.

Processor time: what else the machine does moves it less than the wall's, so that two graphs can be compared there.
"""

import time
from collections.abc import Mapping

import numpy as np

from rvm_jax.errors import UserError
from scripts.benchmarks import export_contenders, timing, twin_contenders
from scripts.benchmarks.engines import PAIRS
from scripts.benchmarks.report import Row, table, usable_cores
from scripts.benchmarks.twin_contenders import Contender


def measure(title: str, frame: np.ndarray, ratio: float, rounds: int, calls: int) -> list[Row]:
    """Prints a table of recurrent frames (H, W, 3), RGB in [0, 1], at a ratio; returns a row for each engine.

    Raises:
        UserError: if neither engine is installed.
    """
    makers = export_contenders.contenders(frame, ratio) | twin_contenders.contenders(frame, ratio, "cpu")
    pairs = {ours: peer for ours, peer in PAIRS.items() if ours in makers and peer in makers}
    if not pairs:
        raise UserError("neither ONNX Runtime nor OpenVINO is installed; pip install onnx onnxruntime openvino")
    running = {name: makers[name]() for pair in pairs.items() for name in pair}
    _check_agreement(running, pairs)
    seconds = timing.interleave(running, rounds, calls, clock=time.process_time)
    medians = {name: timing.middle_and_spread(own) for name, own in seconds.items()}
    lines = []
    for name, (median, low, high) in medians.items():
        ratio_text = f"{medians[pairs[name]][0] / median:.2f}" if name in pairs else ""
        lines.append((name, f"{median:.1f}", f"{low:.1f} to {high:.1f}", ratio_text))
    print(
        f"\nRVM MobileNetV3, recurrent frames of {title}, processor time, threads: {usable_cores()}, "
        f"{rounds * calls} frames each"
    )
    print(table(("", "median ms", "10 to 90 %", "PyTorch's / ours"), lines))
    return [
        Row(f"matting mobilenetv3 {title} export", medians[ours][0], "ms", peer, medians[peer][0] / medians[ours][0])
        for ours, peer in pairs.items()
    ]


def _check_agreement(running: Mapping[str, Contender], pairs: Mapping[str, str]) -> None:
    """Two frames each; also where everything warms up."""
    outputs = {}
    for name, call in running.items():
        call()
        outputs[name] = call()
    for ours, peer in pairs.items():
        error = max(float(np.abs(a - b).max()) for a, b in zip(outputs[ours], outputs[peer], strict=True))
        if not error < 1e-4:
            raise RuntimeError(f"outputs of '{ours}' and '{peer}' differ by {error:.1e}")
