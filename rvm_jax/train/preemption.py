"""A machine that is about to be taken away says so with SIGTERM: the step under way is finished and saved first."""

import signal
import threading
from types import FrameType
from typing import Any

import jax
from jax.experimental import multihost_utils


class Preempted(Exception):
    """Tells that the run was told to end, and has saved: the same command resumes it. `step` is the last."""

    def __init__(self, step: int):
        super().__init__(f"ended by SIGTERM after step {step}, which is saved")
        self.step = step


class Preemption:
    """Takes note of SIGTERM in place of ending at once; a context manager.

    With several hosts the signal may reach only one: JAX's coordination service, which listens for it then, has all of
    them agree on the step to end at.
    """

    def __init__(self) -> None:
        self._noted = False
        self._previous: Any = None
        self._listens = jax.process_count() == 1 and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> "Preemption":
        if self._listens:
            self._previous = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        if self._listens:
            signal.signal(signal.SIGTERM, self._previous)

    def reached(self, step: int) -> bool:
        """Returns whether to end after this step; all hosts must ask at every step."""
        if jax.process_count() > 1:
            return bool(multihost_utils.reached_preemption_sync_point(step))
        return self._noted

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = True
