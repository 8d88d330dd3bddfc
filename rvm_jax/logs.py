"""What a run leaves to look at: `metrics.jsonl`, `tensorboard/` and `pictures/` in the work directory."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes, write_picture


class Logs:
    """Writes scalars and pictures by step; a context manager.

    Args:
        workdir: the work directory.
        start_step: the step that a run goes on from; what an earlier, interrupted run logged beyond it is dropped.
        enabled: False on all hosts but the first.
    """

    def __init__(self, workdir: str | os.PathLike, start_step: int = 0, enabled: bool = True):
        self.workdir, self.enabled = Path(workdir), enabled
        if not enabled:
            return
        import tensorboardX  # slow to import

        self._path = self.workdir / "metrics.jsonl"
        _drop_later(self._path, start_step)
        try:
            self._file = self._path.open("a")
        except OSError as error:
            raise UserError(f"{self._path}: cannot be written ({error.strerror})") from error
        self._board = tensorboardX.SummaryWriter(str(self.workdir / "tensorboard"), purge_step=start_step or None)

    def __enter__(self) -> "Logs":
        return self

    def __exit__(self, *error: object) -> None:
        if self.enabled:
            self._file.close()
            self._board.close()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Appends one line to metrics.jsonl, and a point to each curve."""
        if not self.enabled:
            return
        self._file.write(json.dumps({"step": step, **values}) + "\n")
        self._file.flush()
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Writes an RGB picture (H, W, 3) uint8 to pictures/<name>_<step>.jpg, and to TensorBoard."""
        if not self.enabled:
            return
        write_picture(self.workdir / "pictures" / f"{name}_{step:06d}.jpg", picture)
        self._board.add_image(name, picture, step, dataformats="HWC")


class Meter:
    """Frames per second since it was last read, pauses left out."""

    def __init__(self) -> None:
        self._count, self._since = 0, time.perf_counter()

    def count(self, shape: tuple[int, ...]) -> None:
        """Counts the frames of a batch (B, T, …)."""
        self._count += shape[0] * shape[1]

    def rates(self) -> dict[str, float]:
        """Returns the rate, and begins anew."""
        frames_per_second = self._count / (time.perf_counter() - self._since)
        self._count, self._since = 0, time.perf_counter()
        return {"frames_per_second": frames_per_second}

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves out what happens inside: evaluation, writing a checkpoint."""
        began = time.perf_counter()
        yield
        self._since += time.perf_counter() - began


def _drop_later(path: Path, step: int) -> None:
    if path.exists():
        kept = [line for line in path.read_text().splitlines() if _step(line) <= step]
        write_bytes(path, "".join(line + "\n" for line in kept).encode())


def _step(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):  # cut short when the run was killed
        return float("inf")
