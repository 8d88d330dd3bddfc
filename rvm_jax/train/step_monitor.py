"""What becomes of each step's metrics: a run that keeps failing is stopped, every so many steps are logged."""

import io
from collections.abc import Mapping
from contextlib import AbstractContextManager

import jax
import numpy as np
from etils import epath
from tqdm import tqdm

from rvm_jax.atomic_files import disk_errors
from rvm_jax.errors import UserError
from rvm_jax.train.devices import memory_in_use
from rvm_jax.train.logs import Logs
from rvm_jax.train.phases import Batch, Pass
from rvm_jax.train.step import Metrics
from rvm_jax.train.throughput import Meter

Made = list[tuple[Pass, Batch, Metrics]]


class Watch:
    """Follows a run one step behind, so that the host prepares a batch while the device works, and no further.

    The values of a step are read once the next one is under way: reading never holds the device up.

    Args:
        logs, progress: where to.
        log_every: of so many steps one is logged.
        rates: learning rate of each part, before the schedule.
        max_skipped_in_row: how many updates in a row may be skipped.
        workdir: where the batch of a failed step is kept.

    Attributes:
        meter: of speed and waiting; it is read whenever a step is logged.
    """

    def __init__(
        self,
        logs: Logs,
        progress: tqdm,
        *,
        log_every: int,
        rates: Mapping[str, float],
        max_skipped_in_row: int,
        workdir: epath.Path,
    ):
        self.meter = Meter()
        self._logs, self._progress, self._log_every = logs, progress, log_every
        self._rates, self._limit, self._workdir = rates, max_skipped_in_row, workdir
        self._last: tuple[int, Made] | None = None

    def taking_data(self) -> AbstractContextManager[None]:
        """Times what happens inside as waiting for data, where it lasts longer than what the device has to do."""
        return self.meter.taking_data(self._last[1][-1][2] if self._last else None)

    def add(self, step: int, made: Made) -> None:
        """Takes on a step that was handed to the device, for each of its passes; settles the one before."""
        self.settle()
        self._last = step, made
        for _, batch, _ in made:
            self.meter.count(batch["src"].shape)
        self._progress.update()

    def settle(self, log: bool = False) -> None:
        """Waits for the step taken on last; logs it if its turn has come, or `log` is set.

        Raises:
            UserError: too many updates in a row were skipped; the last batch is kept in the work directory.
        """
        if self._last is None:
            return
        (step, made), self._last = self._last, None
        for one, batch, metrics in made:
            self._check(step, one, batch, metrics)
        if log or step % self._log_every == 0:
            self._log(step, made)

    def _check(self, step: int, one: Pass, batch: Batch, metrics: Metrics) -> None:
        in_row = int(metrics["skipped_in_row"])
        if not in_row:
            return
        loss = one.metric("loss/total")
        values = f"{loss} is {metrics['loss/total']:.4g}, the gradient's norm {metrics['gradient_norm']:.4g}"
        said = f"step {step}: {values}"
        self._progress.write(f"{said}; the update is skipped")
        if in_row < self._limit:
            return
        path = self._workdir / f"failed_batch_{step:06d}_host{jax.process_index()}.npz"
        keep_batch(path, batch)
        raise UserError(
            f"{said}, and not finite {in_row} times in a row (train.max_skipped_in_row); its batch is kept in {path}; "
            "lower optimizer.rates, or clip with optimizer.clip_norm, and go on from the last checkpoint"
        )

    def _log(self, step: int, made: Made) -> None:
        values = {one.metric(name): float(value) for one, _, metrics in made for name, value in metrics.items()}
        factor = values.pop("schedule")
        values |= {f"rate/{part}": rate * factor for part, rate in self._rates.items()}
        values |= self.meter.rates() | memory_in_use()
        self._logs.scalars(step, values)
        loss = next(value for name, value in values.items() if name.endswith("loss/total"))
        self._progress.set_postfix_str(f"loss {loss:.4f}, {values['frames_per_second']:.1f} frames/s")


def keep_batch(path: epath.Path, batch: Batch) -> None:
    """Writes this host's share of a batch as an .npz. Raises UserError where it cannot be written."""
    buffer, arrays = io.BytesIO(), {name: np.asarray(values) for name, values in batch.items()}
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    with disk_errors(path):
        path.write_bytes(buffer.getvalue())
