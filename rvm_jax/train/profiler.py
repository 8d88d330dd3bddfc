"""A trace of a few steps, for TensorBoard's profile page or xprof."""

from typing import Any

import jax
from etils import epath


class Profiler:
    """Traces `steps` steps, once the first two have compiled and warmed up; a context manager.

    Args:
        folder: where the trace goes.
        start: the step that the run resumes from.
        steps: how many to trace; 0 for none.
        enabled: False on all hosts but the first.
    """

    def __init__(self, folder: epath.Path, start: int, steps: int, enabled: bool = True):
        self._folder = folder
        self._first, self._last = start + 3, start + 2 + steps
        self._wanted, self._traces = enabled and steps > 0, False

    def __enter__(self) -> "Profiler":
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()

    def begin(self, step: int) -> None:
        """Starts the trace if it is time; called before a step's batch is taken."""
        if self._wanted and step == self._first:
            jax.profiler.start_trace(str(self._folder))
            self._traces = True

    def end(self, step: int, results: Any) -> None:
        """Ends the trace if it is time; called with what a step computes, when it is under way."""
        if self._traces and step == self._last:
            jax.block_until_ready(results)
            self._stop()

    def _stop(self) -> None:
        if self._traces:
            self._traces = False
            jax.profiler.stop_trace()
