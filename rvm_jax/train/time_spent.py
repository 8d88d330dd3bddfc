"""What a training's time goes into, by name; kept in the work directory as time_spent.json."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from etils import epath

from rvm_jax.atomic_files import disk_errors

FILE = "time_spent.json"


class TimeSpent:
    """Counts seconds from its making on: those inside of `on`, and the rest.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock, self._began = clock, clock()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Counts what happens inside as time spent on `what`."""
        began = self._clock()
        try:
            yield
        finally:
            self._seconds[what] = self._seconds.get(what, 0.0) + self._clock() - began

    def so_far(self, what: str) -> None:
        """Counts all that has not been counted yet as time spent on `what`."""
        rest = self._clock() - self._began - sum(self._seconds.values())
        self._seconds[what] = self._seconds.get(what, 0.0) + rest

    def by_name(self) -> dict[str, float]:
        """Returns the seconds, the longest first."""
        return dict(sorted(self._seconds.items(), key=lambda item: -item[1]))

    def write(self, workdir: epath.Path) -> None:
        """Writes the seconds into a work directory, in place of an earlier start's.

        Raises:
            UserError: if it cannot be written.
        """
        path = workdir / FILE
        with disk_errors(path):
            path.write_text(json.dumps(self.by_name(), indent=2) + "\n")
