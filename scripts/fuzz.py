"""Mutates good inputs and sees how they end: python scripts/fuzz.py --cases=2000 --seed=0

Each case runs in a process of its own and must end in success or one sentence (`UserError`), within its time and
2 GB of memory, and must leave nothing half-written. What ends otherwise is listed, its input kept under --out. A case
is named by its seed, kind and number; with the same --kinds, --first=17 --cases=1 runs number 17 again.
"""

import contextlib
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from absl import flags

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from rvm_jax import cli
from rvm_jax.errors import UserError
from scripts._fuzz_cases import NAMES, SENTENCE, SUCCESS, Case, Runner
from scripts._fuzz_kinds import KINDS

_CASES = flags.DEFINE_integer("cases", 300, "How many, over all kinds.", lower_bound=1)
_FIRST = flags.DEFINE_integer("first", 0, "The number of the first.", lower_bound=0)
_SEED = flags.DEFINE_integer("seed", 0, "Other seeds, other cases.")
_KINDS = flags.DEFINE_list("kinds", list(KINDS), "Which kinds, in turn.")
_JOBS = flags.DEFINE_integer("jobs", 2, "How many at once.", lower_bound=1)
_SECONDS = flags.DEFINE_integer("seconds", 20, "After how many of a processor a case hangs.", lower_bound=1)
_OUT = flags.DEFINE_string("out", "work/fuzz", "Where the inputs of failed cases go.")


def main(argv: list[str]) -> None:
    """Runs the cases and prints how they ended; raises UserError if any failed."""
    del argv
    if unknown := set(_KINDS.value) - KINDS.keys():
        raise UserError(f"--kinds: {', '.join(sorted(unknown))} is unknown; use some of {', '.join(KINDS)}")
    kinds = {name: KINDS[name] for name in _KINDS.value}
    counts: Counter[tuple[str, int]] = Counter()
    failed = []
    with tempfile.TemporaryDirectory() as scratch:
        runner = Runner(kinds, Path(scratch), seed=_SEED.value, jobs=_JOBS.value, seconds=_SECONDS.value)
        for case, status in runner.run(range(_FIRST.value, _FIRST.value + _CASES.value)):
            counts[case.kind, status] += 1
            if status not in (SUCCESS, SENTENCE):
                failed.append(_keep(case, status))
            shutil.rmtree(case.folder, ignore_errors=True)
    for kind in kinds:
        ends = ", ".join(f"{counts[kind, status]} {NAMES[status]}" for status in NAMES if counts[kind, status])
        print(f"{kind}: {ends}")
    if failed:
        raise UserError(f"{len(failed)} of {_CASES.value} cases failed: {'; '.join(failed)}")


def _keep(case: Case, status: int) -> str:
    """Keeps the input and the log of a failed case; returns its name and end."""
    name = f"{_SEED.value}-{case.kind}-{case.number}"
    place = Path(_OUT.value) / name
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(case.folder / "in", place)
    with contextlib.suppress(OSError):
        shutil.copy(case.folder / "log", place / "log.txt")
    return f"{name} ({NAMES[status]})"


if __name__ == "__main__":
    cli.run(main)
