"""The peak of memory that a contender takes, measured in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable

import numpy as np

from scripts import ROOT


def peak(name: str, size: tuple[int, int], ratio: float) -> float | None:
    """Returns megabytes: on the CPU the process's resident peak while it runs, its libraries included, compilation
    not; on a GPU what was allocated there. None where the system does not tell."""
    command = [sys.executable, "-m", "scripts.benchmarks.memory", json.dumps([name, *size, ratio])]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if result.returncode:
        return None
    peak_of_child: float | None = json.loads(result.stdout.splitlines()[-1])
    return peak_of_child


def resident_peak(call: Callable[[], object]) -> float | None:
    """Megabytes that the process holds at the most while it calls; None where the system does not tell."""
    try:
        with open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123  5 resets the peak (proc(5))
            file.write("5")
        for _ in range(3):
            call()
        with open("/proc/self/status") as file:  # noqa: PTH123
            line = next(line for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return None
    return int(line.split()[1]) / 1024


def _main() -> None:
    from absl import flags

    flags.FLAGS(["memory"])
    name, height, width, ratio = json.loads(sys.argv[1])
    frame = np.random.default_rng(0).random((height, width, 3), np.float32)
    from scripts.benchmarks import contenders, export_contenders, twin_contenders

    if name == contenders.OURS:
        import jax

        call: Callable[[], object] = contenders.ours_contender(frame, ratio)
        device = jax.devices()[0]
        for _ in range(2):
            call()
        if device.platform != "cpu":
            stats = device.memory_stats() or {}
            print(json.dumps(stats.get("peak_bytes_in_use", 0) / 2**20))
            return
    elif name in export_contenders.contenders(frame, ratio):
        call = export_contenders.contenders(frame, ratio)[name]()
        for _ in range(2):
            call()
    else:
        import torch

        device_name = "cuda" if torch.cuda.is_available() else "cpu"
        call = twin_contenders.contenders(frame, ratio, device_name)[name]()
        for _ in range(2):
            call()
        if device_name == "cuda":
            print(json.dumps(torch.cuda.max_memory_allocated() / 2**20))
            return
    print(json.dumps(resident_peak(call)))


if __name__ == "__main__":
    _main()
