"""What all benchmarks write: where they ran, a table for the screen, rows for a file."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eval.threads import usable_cores as usable_cores
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes
from scripts.benchmarks.timing import middle_and_spread

_PACKAGES = ("jax", "jaxlib", "flax", "torch", "numpy", "opencv-python-headless")


class Row(NamedTuple):
    """Ours in `unit`, and how many times better (`ratio`) it is than `peer`; both None where there is no peer."""

    name: str
    value: float
    unit: str
    peer: str | None = None
    ratio: float | None = None


def environment() -> str:
    """Returns one line: processor, usable cores, Python and the versions that matter to speed."""
    versions = [f"{name} {metadata.version(name)}" for name in _PACKAGES if _is_installed(name)]
    return f"{_processor()}, usable cores: {usable_cores()}; Python {platform.python_version()}, {', '.join(versions)}"


def device_name() -> str:
    """Returns where both run, as PyTorch calls it: "cpu" or "cuda"."""
    import jax

    return "cpu" if jax.default_backend() == "cpu" else "cuda"


def beside_peers(
    seconds: Mapping[str, np.ndarray],
    megabytes: Mapping[str, float | None],
    ours: str,
    *,
    more: Mapping[str, Mapping[str, str]] | None = None,
    frames: int = 1,
    decimals: int = 0,
) -> tuple[dict[str, float], str]:
    """Returns each contender's median milliseconds per call, and a table of all.

    Args:
        seconds: per call, of each contender (`timing.interleave`).
        megabytes: its peak, None where it was not measured.
        ours: what our contenders' names begin with; the best of them is what others' times are divided by.
        more: further columns: of each header, each contender's text.
        frames: of a call.
        decimals: of the milliseconds.
    """
    timed = {name: middle_and_spread(values) for name, values in seconds.items()}
    medians = {name: median for name, (median, _, _) in timed.items()}
    best = min(median for name, median in medians.items() if name.startswith(ours))
    lines = [
        (
            name,
            f"{median:.{decimals}f}",
            f"{low:.{decimals}f} to {high:.{decimals}f}",
            f"{1e3 * frames / median:.1f}",
            f"{median / best:.2f}",
            "-" if (peak := megabytes[name]) is None else f"{peak:.0f}",
            *(column.get(name, "-") for column in (more or {}).values()),
        )
        for name, (median, low, high) in timed.items()
    ]
    return medians, table(("", "median ms", "10 to 90 %", "frames/s", "time / ours", "peak MB", *(more or {})), lines)


def table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Aligns columns: the first to the left, the others, which are numbers, to the right."""
    widths = [max(len(line[i]) for line in (header, *lines)) for i in range(len(header))]

    def align(line: Sequence[str]) -> str:
        cells = [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        return "  ".join(cells)

    return "\n".join([align(header), "  ".join("-" * width for width in widths), *map(align, lines)])


def write_json(path: str, rows: Sequence[Row]) -> None:
    """Writes the rows as a JSON list, whole or not at all. Raises UserError if `path` cannot be written."""
    write_bytes(path, (json.dumps([row._asdict() for row in rows], indent=2) + "\n").encode())


def check_writable(path: str) -> None:
    """Raises UserError now for what `write_json` would only find out after minutes of measuring."""
    folder = Path(path).absolute().parent
    while not folder.exists():
        folder = folder.parent
    if Path(path).is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UserError(f"{path}: cannot be written; give a file in a folder of yours")


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    names = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    named = [line.split(":", 1)[1].strip() for line in names if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
