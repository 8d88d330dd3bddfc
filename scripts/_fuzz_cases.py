"""Runs mutated inputs, each in a process of its own, and tells how each ended."""

import contextlib
import os
import random
import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rvm_jax.errors import UserError
from scripts._fuzz_kinds import Kind
from scripts._mutations import mutate

_PATIENCE = 10  # times as long may a case wait for a processor, or for what never comes
_MEMORY = 2 << 30  # bytes

# The exit statuses of cases.
SUCCESS, SENTENCE, TRACEBACK, UNTIDY, MEMORY, HANG, CRASH = 0, 10, 11, 12, 13, 14, 15
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


class Runner:
    """Runs cases, which their seed, kind and number tell apart.

    Args:
        kinds: the kinds, taken in turn.
        scratch: a folder for good inputs and for cases that run.
        seed: other seeds, other cases.
        jobs: how many run at once.
        seconds: after how many of a processor a case hangs.

    Raises:
        UserError: if good inputs cannot be made.
    """

    def __init__(self, kinds: Mapping[str, Kind], scratch: Path, *, seed: int = 0, jobs: int = 1, seconds: int = 20):
        self._kinds, self._scratch = kinds, scratch
        self._seed, self._jobs, self._seconds = seed, jobs, seconds
        for name, kind in kinds.items():
            good = scratch / "good" / name
            good.mkdir(parents=True)
            _, status = os.waitpid(self._fork(partial(kind.make, good), None), 0)
            if status:
                raise UserError(f"the good inputs of kind '{name}' could not be made")

    def run(self, numbers: Iterable[int]) -> Iterator[tuple[Case, int]]:
        """Yields each case, whose folder is the caller's to remove, and how it ended, a key of `NAMES`."""
        running: dict[int, Case] = {}
        left = iter(numbers)
        while True:
            while len(running) < self._jobs and (number := next(left, None)) is not None:
                case = self._prepare(number)
                running[self._fork(partial(self._use, case), case.folder / "log")] = case
            if not running:
                return
            time.sleep(0.01)
            for process, case in list(running.items()):
                if time.monotonic() - case.begun > _PATIENCE * self._seconds:
                    os.kill(process, signal.SIGKILL)
                ended, status = os.waitpid(process, os.WNOHANG)
                if ended:
                    del running[process]
                    yield case, _end_of(status)

    def _prepare(self, number: int) -> Case:
        kind = list(self._kinds)[number % len(self._kinds)]
        rng = random.Random(f"{self._seed}/{kind}/{number}")
        inputs: Sequence[Path] = sorted((self._scratch / "good" / kind).iterdir())
        chosen, other = rng.choice(inputs), rng.choice(inputs)
        folder = self._scratch / f"{kind}-{number}"
        (folder / "in").mkdir(parents=True)
        (folder / "out").mkdir()
        name = chosen.name if rng.random() < 0.9 else f"{chosen.stem}{other.suffix}"  # some are wrongly named
        (folder / "in" / name).write_bytes(mutate(rng, chosen.read_bytes(), other.read_bytes()))
        return Case(kind, number, folder, time.monotonic())

    def _use(self, case: Case) -> int:
        out, before = case.folder / "out", _peak()
        status = SENTENCE
        try:
            self._kinds[case.kind].use(case.source, out)
            status = SUCCESS
        except UserError as error:
            if "\n" in str(error).strip() or not str(error).strip():
                traceback.print_exc()
                return TRACEBACK
        except SystemExit:  # the command has said its sentence
            pass
        except MemoryError:
            traceback.print_exc()
            return MEMORY
        except BaseException:
            traceback.print_exc()
            return TRACEBACK
        left = [path for path in out.rglob("*") if path.is_file()]
        if (status == SENTENCE and left) or any("partial" in path.name for path in left):
            print("left:", *left)
            return UNTIDY
        return MEMORY if _peak() - before > _MEMORY else status

    def _fork(self, work: Callable[[], int | None], log: Path | None) -> int:
        """Starts a process that does some work and ends with its status, and returns the process's number.

        This one does nothing of the kind itself: free of threads it can be forked, with all that it has imported.
        """
        sys.stdout.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # JAX warns of its threads, of which there are none yet
            process = os.fork()
        if process:
            return process
        status = CRASH
        try:
            if log is not None:
                self._limit(log)
            status = work() or SUCCESS
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _limit(self, log: Path) -> None:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        spent = resource.getrusage(resource.RUSAGE_SELF)
        seconds = round(spent.ru_utime + spent.ru_stime) + self._seconds
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        most = _peak() + 2 * _MEMORY  # of what is reserved; `_use` looks at what was used
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _peak() -> int:
    """Returns the most memory that this process has used, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _end_of(status: int) -> int:
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    return HANG if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL) else CRASH
