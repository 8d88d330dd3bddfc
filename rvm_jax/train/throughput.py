"""How fast a run is, and how long it waits for data."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax


class Throughput:
    """Measures frames per second and the share of time spent waiting for data, since last read, pauses left out.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._frames, self._waited, self._since = 0, 0.0, clock()

    def count(self, shape: tuple[int, ...]) -> None:
        """Counts the frames of a batch (B, T, …)."""
        self._frames += shape[0] * shape[1]

    @contextmanager
    def taking_data(self, running: Any) -> Iterator[None]:
        """Times what happens inside as waiting, if the device has nothing left to do at its end.

        Args:
            running: results of what it computes meanwhile. As these may have been ready for a while or only just, the
                share is an upper bound of the time for which the device lay idle.
        """
        began = self._clock()
        yield
        if all(x.is_ready() for x in jax.tree.leaves(running)):
            self._waited += self._clock() - began

    def rates(self) -> dict[str, float]:
        """Returns `frames_per_second` and `data_wait` (0 to 1), and resets."""
        seconds = self._clock() - self._since
        rates = {"frames_per_second": self._frames / seconds, "data_wait": self._waited / seconds}
        self._frames, self._waited, self._since = 0, 0.0, self._clock()
        return rates

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves out what happens inside: evaluation, writing a checkpoint."""
        began = self._clock()
        yield
        self._since += self._clock() - began
