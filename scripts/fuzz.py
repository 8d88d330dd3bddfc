"""Mutates good inputs and sees how they end: python scripts/fuzz.py --cases=2000 --seed=0

Each case runs in a process of its own and must end in success or one sentence (`UserError`), within its time and
memory, and must leave nothing half-written. What ends otherwise is listed, its input kept under --out. A case is named
by its seed, kind and number, and `--kinds=pictures --first=17 --cases=1` runs it again.
"""

import contextlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from absl import flags

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from rvm_jax import cli
from rvm_jax.errors import UserError
from scripts import _fuzz_kinds, _mutations

_CASES = flags.DEFINE_integer("cases", 300, "How many, over all kinds.", lower_bound=1)
_FIRST = flags.DEFINE_integer("first", 0, "The number of the first.", lower_bound=0)
_SEED = flags.DEFINE_integer("seed", 0, "Other seeds, other cases.")
_KINDS = flags.DEFINE_list("kinds", list(_fuzz_kinds.KINDS), "Which kinds, in turn.")
_JOBS = flags.DEFINE_integer("jobs", 2, "How many at once.", lower_bound=1)
_SECONDS = flags.DEFINE_integer("seconds", 20, "After how many of a processor a case hangs.", lower_bound=1)
_OUT = flags.DEFINE_string("out", "work/fuzz", "Where the inputs of failed cases go.")
_PATIENCE = 10  # times as long may it wait for a processor, or for what never comes
_MEMORY = 2 << 30  # bytes beyond what the process has when it starts

# The exit status of a case.
SUCCESS, SENTENCE, TRACEBACK, UNTIDY, MEMORY = 0, 10, 11, 12, 13
HANG, CRASH = 14, 15
NAMES = {
    SUCCESS: "success",
    SENTENCE: "sentence",
    TRACEBACK: "traceback",
    UNTIDY: "half-written",
    MEMORY: "memory",
    HANG: "hang",
    CRASH: "crash",
}


class Case(NamedTuple):
    """A case that runs: its kind and number, its folder, and when it began."""

    kind: str
    number: int
    folder: Path
    begun: float

    @property
    def source(self) -> Path:
        """The mutated input."""
        return next((self.folder / "in").iterdir())


def main(argv: list[str]) -> None:
    """Runs the cases and prints how they ended; raises UserError if any failed."""
    del argv
    _fuzz_kinds.imports()
    with tempfile.TemporaryDirectory() as scratch:
        good = Path(scratch) / "good"
        for kind in _KINDS.value:
            (good / kind).mkdir(parents=True)
            if _forked(partial(_fuzz_kinds.KINDS[kind].make, good / kind), None) != SUCCESS:
                raise UserError(f"the good inputs of kind '{kind}' could not be made")
        counts: Counter[tuple[str, int]] = Counter()
        failed = []
        for case, status in _run(good, Path(scratch)):
            counts[case.kind, status] += 1
            if status not in (SUCCESS, SENTENCE):
                failed.append(_keep(case, status))
            shutil.rmtree(case.folder, ignore_errors=True)
    for kind in _KINDS.value:
        ends = ", ".join(f"{counts[kind, status]} {NAMES[status]}" for status in NAMES if counts[kind, status])
        print(f"{kind}: {ends}")
    if failed:
        raise UserError(f"{len(failed)} of {_CASES.value} cases failed: {'; '.join(failed)}")


def _run(good: Path, scratch: Path) -> Iterator[tuple[Case, int]]:
    """Yields each case and how it ended."""
    running: dict[int, Case] = {}
    numbers = iter(range(_FIRST.value, _FIRST.value + _CASES.value))
    while True:
        while len(running) < _JOBS.value and (number := next(numbers, None)) is not None:
            case = _prepared(number, good, scratch)
            running[_fork(partial(_use, case), case.folder / "log")] = case
        if not running:
            return
        time.sleep(0.01)
        for process, case in list(running.items()):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                del running[process]
                yield case, _end_of(status)
            elif time.monotonic() - case.begun > _PATIENCE * _SECONDS.value:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                del running[process]
                yield case, HANG


def _prepared(number: int, good: Path, scratch: Path) -> Case:
    kind = _KINDS.value[number % len(_KINDS.value)]
    rng = random.Random(f"{_SEED.value}/{kind}/{number}")
    inputs = sorted((good / kind).iterdir())
    chosen, other = rng.choice(inputs), rng.choice(inputs)
    folder = scratch / f"{kind}-{number}"
    (folder / "in").mkdir(parents=True)
    (folder / "out").mkdir()
    name = chosen.name if rng.random() < 0.9 else f"{chosen.stem}{other.suffix}"  # some are wrongly named
    (folder / "in" / name).write_bytes(_mutations.mutate(rng, chosen.read_bytes(), other.read_bytes()))
    return Case(kind, number, folder, time.monotonic())


def _use(case: Case) -> int:
    out = case.folder / "out"
    try:
        _fuzz_kinds.KINDS[case.kind].use(case.source, out)
    except UserError as error:
        if "\n" in str(error).strip() or not str(error).strip():
            traceback.print_exc()
            return TRACEBACK
        status = SENTENCE
    except SystemExit:  # the command has said its sentence
        status = SENTENCE
    except MemoryError:
        traceback.print_exc()
        return MEMORY
    except BaseException:
        traceback.print_exc()
        return TRACEBACK
    else:
        status = SUCCESS
    left = [path for path in out.rglob("*") if path.is_file()]
    if (status == SENTENCE and left) or any("partial" in path.name for path in left):
        print("left:", *left)
        return UNTIDY
    return status


def _fork(work: Callable[[], int | None], log: Path | None) -> int:
    """Starts a process that does some work, and returns its number; it ends with the work's status."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    status = CRASH
    try:
        if log is not None:
            descriptor = os.open(log, os.O_WRONLY | os.O_CREAT)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            spent = resource.getrusage(resource.RUSAGE_SELF)
            seconds = round(spent.ru_utime + spent.ru_stime) + _SECONDS.value
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            resource.setrlimit(resource.RLIMIT_DATA, (used + 2 * _MEMORY, used + 2 * _MEMORY))
        status = work() or SUCCESS
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if log is not None and used > _MEMORY:
            status = MEMORY
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _forked(work: Callable[[], int | None], log: Path | None) -> int:
    """Does some work in a process of its own: this one stays free of threads, so that it can be forked."""
    _, status = os.waitpid(_fork(work, log), 0)
    return _end_of(status)


def _end_of(status: int) -> int:
    """Returns how a process ended, by what `os.waitpid` gave."""
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    return HANG if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL) else CRASH


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
