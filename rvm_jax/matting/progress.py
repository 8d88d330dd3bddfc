"""How far an interrupted clip came, so that the same command goes on there."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from rvm_jax.media.pictures import write_bytes

# Frames between two saves: a few megabytes each.
SAVE_EVERY = 100


class ClipProgress:
    """The number of frames done and the recurrent state after them, in a file beside the first output.

    Args:
      output: the first output; the file is `.<its name>.partial.npz`.
      job: what was asked for; a file that another job left is passed over.
    """

    def __init__(self, output: Path, job: dict[str, Any]):
        self._path = output.with_name(f".{output.name}.partial.npz")
        self._job = json.dumps(job, sort_keys=True, default=str)
        self._saved = 0

    def load(self) -> tuple[int, Any]:
        """Returns (frames done, state); (0, None) where there is nothing to go on from."""
        try:
            with np.load(self._path, allow_pickle=False) as saved:
                if str(saved["job"]) != self._job:
                    return 0, None
                self._saved = int(saved["done"])
                return self._saved, tuple(saved[f"r{index}"] for index in range(int(saved["states"])))
        except (OSError, ValueError, KeyError, EOFError):
            return 0, None

    def is_due(self, done: int) -> bool:
        """Whether it is time to save."""
        return done - self._saved >= SAVE_EVERY

    def save(self, done: int, rec: Any) -> None:
        """Writes both; the frames must be on the disk by now."""
        states = [np.asarray(r) for r in jax.tree.leaves(rec)]
        data = io.BytesIO()
        arrays = {f"r{index}": state for index, state in enumerate(states)}
        np.savez(data, job=self._job, done=done, states=len(states), **arrays)  # type: ignore[arg-type]
        write_bytes(self._path, data.getvalue())
        self._saved = done

    def remove(self) -> None:
        """The clip is complete."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
