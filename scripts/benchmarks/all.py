"""Every benchmark of this machine, one after the other, and one table of their ratios.

    python scripts/benchmark.py all --quick --json=work/benchmarks.json

`--quick` takes smaller inputs and fewer rounds: ten minutes on two quiet cores. The ratios of an earlier run, by
default docs/benchmarks.json, stand beside the new ones, so that a regression shows. `scripts/benchmark_page.py` makes
docs/benchmarks.md of the JSON.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from absl import flags

from rvm_jax.atomic_files import write_bytes
from rvm_jax.errors import UserError
from scripts import ROOT
from scripts.benchmarks import report
from scripts.benchmarks.report import Row, table

_QUICK = flags.DEFINE_bool("quick", False, "Smaller inputs and fewer rounds: ten minutes on two quiet cores.")
_ONLY = flags.DEFINE_list("only", [], "Run these benchmarks alone.")
_BESIDE = flags.DEFINE_string(
    "beside", str(ROOT / "docs" / "benchmarks.json"), "An earlier run's JSON, whose ratios stand beside the new ones."
)

_WORSE = 0.8  # the share of the earlier ratio below which a line is marked


@dataclass(frozen=True)
class Part:
    """A benchmark, with its flags in a whole and in a quick run, and the package without which it is left out."""

    name: str
    whole: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    needs: str | None = None


PARTS = (
    Part("first", quick=("--seconds=2",)),
    Part("matting", ("--rounds=4", "--calls=2", "--frames=16"),
         ("--cases=512", "--rounds=3", "--calls=2", "--frames=8", "--nomemory"), "torch"),
    Part("train", ("--rounds=6", "--calls=3"), ("--size=256", "--rounds=3", "--calls=2", "--nomemory"), "torch"),
    Part("eval", quick=("--pictures=128",)),
    Part("data", quick=("--rounds=3", "--calls=6", "--people=1")),
    Part("feed", ("--config=configs/quickstart.py",), ("--config=configs/quickstart.py", "--workers=0,2", "--steps=4")),
    Part("parity"),
    Part("devices", ("--size=256", "--per_device=1", "--calls=4"), ("--size=128", "--per_device=1", "--calls=2")),
    Part("compile", ("--config=configs/face_best.py",),
         ("--config=configs/quickstart.py", "--topology=v5e:2x2x1", "--lower_only"), "libtpu"),
    Part("compile_matting", quick=("--size=64", "--streams=1", "--precision=bfloat16"), needs="libtpu"),
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of a part: its rows, or why there are none."""

    name: str
    command: str
    seconds: float
    rows: list[dict[str, Any]]
    left_out: str | None = None


def measure() -> list[Outcome]:
    """Runs all parts, prints one table of their rows, and returns what became of each.

    Raises:
        UserError: `--only` names none of them.
    """
    unknown = set(_ONLY.value) - {part.name for part in PARTS}
    if unknown:
        raise UserError(f"--only: '{min(unknown)}' is none of {', '.join(part.name for part in PARTS)}")
    began = time.perf_counter()
    outcomes = [_run(part, _QUICK.value) for part in PARTS if not _ONLY.value or part.name in _ONLY.value]
    print("\n== All\n")
    print(summary(outcomes, _ratios(Path(_BESIDE.value))))
    for outcome in outcomes:
        print(f"{outcome.name}: {outcome.left_out or f'{outcome.seconds / 60:.1f} minutes'}")
    print(f"in all {(time.perf_counter() - began) / 60:.1f} minutes")
    return outcomes


def write_json(path: str, outcomes: Sequence[Outcome]) -> None:
    """Writes the environment and all outcomes as one JSON object. Raises UserError if `path` cannot be written."""
    document = {
        "environment": report.environment(),
        "quick": _QUICK.value,
        "benchmarks": [asdict(outcome) for outcome in outcomes],
    }
    write_bytes(path, (json.dumps(document, indent=2) + "\n").encode())


def summary(outcomes: Sequence[Outcome], before: dict[tuple[str, str | None], float]) -> str:
    """Returns one table of all rows, with the ratios of an earlier run; those that became worse are marked."""
    lines = []
    for row in (Row(**row) for outcome in outcomes for row in outcome.rows):
        then = before.get((row.name, row.peer))
        mark = " worse" if row.ratio and then and row.ratio < _WORSE * then else ""
        ratio = f"{row.ratio:.2f}" if row.ratio else ""
        value = f"{row.value:.4g} {row.unit}"
        lines.append((row.name, value, row.peer or "", ratio, f"{then:.2f}{mark}" if then and row.ratio else ""))
    return table(("", "value", "beside", "ratio", "ratio before"), lines)


def _ratios(path: Path) -> dict[tuple[str, str | None], float]:
    if not path.is_file():
        return {}
    try:
        parts = json.loads(path.read_text())["benchmarks"]
        return {(row["name"], row["peer"]): row["ratio"] for part in parts for row in part["rows"] if row["ratio"]}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: is no JSON of `benchmark.py all`; give another --beside") from error


def _run(part: Part, quick: bool) -> Outcome:
    arguments = part.quick if quick else part.whole
    shown = " ".join(["scripts/benchmark.py", part.name, *arguments])
    print(f"\n== {shown}", flush=True)
    if part.needs and find_spec(part.needs) is None:
        return Outcome(part.name, shown, 0.0, [], f"{part.needs} is not installed")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="rvm_jax_benchmark_") as folder:
        found = Path(folder) / "rows.json"
        command = [sys.executable, str(ROOT / "scripts" / "benchmark.py"), part.name, *arguments, f"--json={found}"]
        result = subprocess.run(command, cwd=ROOT, check=False)
        seconds = time.perf_counter() - began
        if result.returncode or not found.is_file():
            return Outcome(part.name, shown, seconds, [], f"it ended with exit status {result.returncode}")
        return Outcome(part.name, shown, seconds, json.loads(found.read_text()))
