"""What a run leaves to look at: `metrics.jsonl`, `tensorboard/` and `pictures/` in the work directory."""

import json
import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from etils import epath

from rvm_jax.atomic_files import absolute, disk_errors, is_remote, write_text
from rvm_jax.media.pictures import write_picture


class Logs:
    """Writes scalars and pictures by step; a context manager.

    Everything is on the disk when a method returns, but for a work directory in a bucket, whose files cannot be
    appended to: there metrics.jsonl is written at `flush`, and pictures are in TensorBoard's files alone.

    Args:
        workdir: the work directory.
        start_step: the step that a run resumes from; what an earlier, interrupted run logged beyond it is dropped.
        enabled: False on all hosts but the first.
        appends: whether files can be appended to; by default, whether the work directory is not of a bucket.

    Raises:
        UserError: from every method, if the disk refuses what it is given.
    """

    def __init__(
        self, workdir: str | os.PathLike[str], start_step: int = 0, enabled: bool = True, appends: bool | None = None
    ):
        self.workdir, self.enabled = absolute(workdir), enabled
        self._appends = not is_remote(workdir) if appends is None else appends
        if not enabled:
            return
        self._path = self.workdir / "metrics.jsonl"
        with disk_errors(self._path):
            self._lines = _lines_until(self._path, start_step)
            write_text(self._path, "".join(self._lines))
            self._file = self._path.open("a") if self._appends else None
        try:
            self._board = _Board(self.workdir / "tensorboard", start_step)
        except BaseException:
            if self._file is not None:
                self._file.close()
            raise

    def __enter__(self) -> "Logs":
        return self

    def __exit__(self, *error: object) -> None:
        if self.enabled:
            self.flush()
            if self._file is not None:
                self._file.close()
            self._board.close()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Appends one line to metrics.jsonl, and a point to each curve."""
        if not self.enabled:
            return
        line = json.dumps({"step": step, **values}) + "\n"
        if self._file is None:
            self._lines.append(line)
        else:
            with disk_errors(self._path):
                self._file.write(line)
                self._file.flush()
        self._board.scalars(step, values)

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Writes an RGB picture (H, W, 3) uint8 to pictures/<name>_<step>.jpg, and to TensorBoard."""
        if not self.enabled:
            return
        if self._appends:
            write_picture(self.workdir / "pictures" / f"{name}_{step:06d}.jpg", picture)
        self._board.picture(step, name, picture)

    def flush(self) -> None:
        """Writes what could not be appended; called when a checkpoint is saved."""
        if self.enabled and not self._appends:
            write_text(self._path, "".join(self._lines))


class _Board:
    """Writes TensorBoard's file of events, at once.

    tensorboardX's own writer has a thread that a full disk ends in silence, and the run then waits for it for ever.
    """

    def __init__(self, folder: epath.Path, start_step: int):
        from tensorboardX import summary  # slow to import
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        self._summary, self._event = summary, Event
        self._folder = folder
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = EventsWriter(os.fspath(folder / "events"), f".{os.getpid()}")
        if start_step:  # hides what was logged beyond
            self._write(start_step, session_log=SessionLog(status=SessionLog.START))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._write(step, summary=self._summary.scalar(name, value))

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        self._write(step, summary=self._summary.image(name, picture, dataformats="HWC"))

    def close(self) -> None:
        with disk_errors(self._folder):
            self._writer.close()

    def _write(self, step: int, **content: Any) -> None:
        with disk_errors(self._folder):
            self._writer.write_event(self._event(step=step, wall_time=time.time(), **content))
            self._writer.flush()


def _lines_until(path: epath.Path, step: int) -> list[str]:
    if not step or not path.exists():
        return []
    return [line + "\n" for line in path.read_text().splitlines() if _step(line) <= step]


def _step(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):  # cut short when the run was killed
        return float("inf")
