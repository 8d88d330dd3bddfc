"""Where interrupted work came to, so that the same call resumes there."""

import contextlib
import io
import json
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rvm_jax.atomic_files import write_bytes
from rvm_jax.errors import UserError
from rvm_jax.matting.options import Settings
from rvm_jax.matting.weights import Weights, weights_stamp
from rvm_jax.networks.api import State

# Frames between two saves: a few megabytes each.
SAVE_EVERY = 100


class Start(NamedTuple):
    """Says where work begins: the number of its first frame, and the state before it (None: zeros)."""

    position: int = 0
    rec: State | None = None


BEGINNING = Start()


class ResumeState:
    """Keeps the number of frames done and the recurrent state after them in a file.

    Args:
      path: the file.
      job: what was asked for; a file that another job left is passed over.
    """

    def __init__(self, path: Path, job: dict[str, Any]):
        self._path = path
        self._job = json.dumps(job, sort_keys=True, default=str)
        self._saved = 0
        self._reached: Start | None = None
        self._unwritten: deque[tuple[int, Start]] = deque()

    def load(self) -> Start | None:
        """Returns where the same job came to; None if there is nothing to resume."""
        try:
            with np.load(self._path, allow_pickle=False) as saved:
                if str(saved["job"]) != self._job:
                    return None
                self._saved = int(saved["done"])
                return Start(self._saved, tuple(jnp.asarray(saved[f"r{i}"]) for i in range(int(saved["states"]))))
        except (OSError, ValueError, KeyError, EOFError):
            return None

    def note(self, count: int, position: int, rec: State | None) -> None:
        """Takes the state after a frame; None says that one cannot resume from there.

        Args:
          count: the frames done in this run.
          position: those done in all.
          rec: the state.
        """
        if rec is not None:
            self._unwritten.append((count, Start(position, rec)))

    def save_if_due(self, written: int) -> None:
        """Saves now and then, for the first `written` frames of this run, which are on the disk."""
        self._advance(written)
        if self._reached is not None and self._reached.position - self._saved >= SAVE_EVERY:
            self.save(self._reached)

    def save_last(self, written: int) -> None:
        """Saves for the last time; if that fails, what was saved before stays valid."""
        self._advance(written)
        if self._reached is not None:
            with contextlib.suppress(UserError):
                self.save(self._reached)

    def save(self, reached: Start) -> None:
        """Writes where the work came to; its frames must be on the disk. Raises UserError if that fails."""
        states = [np.asarray(r) for r in jax.tree.leaves(reached.rec)]
        data = io.BytesIO()
        arrays: dict[str, Any] = {f"r{index}": state for index, state in enumerate(states)}
        np.savez(data, job=self._job, done=reached.position, states=len(states), **arrays)
        write_bytes(self._path, data.getvalue())
        self._saved = reached.position

    def remove(self) -> None:
        """Says that the work is complete."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _advance(self, written: int) -> None:
        while self._unwritten and self._unwritten[0][0] <= written:
            self._reached = self._unwritten.popleft()[1]


def beside(output: Path) -> Path:
    """Returns the file for the state of a clip that becomes the folder `output`."""
    return output.with_name(f".{output.name}.partial.npz")


def job_of(weights: Weights, how: Settings, **more: Any) -> dict[str, Any]:
    """Returns what tells one job from another: weights, settings that change what is written, and `more`."""
    apart = ("progress", "seq_chunk", "faces", "guidance", "compare_with")
    settings: dict[str, Any] = {each.name: getattr(how, each.name) for each in fields(how) if each.name not in apart}
    settings["guidance"] = how.guidance.stamp if how.guidance else None
    # Of a function that finds faces nothing can be told: such work is never resumed.
    settings["faces"] = getattr(how.faces, "stamp", str(uuid.uuid4())) if how.faces else None
    networks: Sequence[Weights] = (weights, *how.compare_with)
    return {"weights": [weights_stamp(each) for each in networks], "settings": settings, **more}
