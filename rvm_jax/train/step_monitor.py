"""What becomes of each step's metrics: every so many steps are logged, a run that keeps failing is stopped."""

import io
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

import jax
import numpy as np
from etils import epath
from tqdm import tqdm

from rvm_jax.atomic_files import disk_errors
from rvm_jax.errors import UserError
from rvm_jax.train.devices import memory_in_use
from rvm_jax.train.logs import Logs
from rvm_jax.train.phases import Batch, Phase
from rvm_jax.train.step import Metrics
from rvm_jax.train.throughput import Throughput


class PhaseRun(NamedTuple):
    """A phase of a step that was handed to the device: its batch, and the metrics to come."""

    phase: Phase
    batch: Batch
    metrics: Metrics


class StepMonitor:
    """Follows a run one step behind, so that the host prepares a batch while the device works, and no further.

    Metrics stay on the device until a step is logged or a checkpoint is due, and are then fetched together, once the
    next step is under way: reading never holds the device up. Skipped updates are noticed then.

    Args:
        logs, progress: where to.
        log_every: of so many steps one is logged.
        rates: learning rates by the names that they are logged under, before the schedule.
        max_skipped_in_row: how many updates in a row may be skipped.
        workdir: where the batch of a failed step is kept.

    Attributes:
        throughput: speed and waiting; it is read whenever a step is logged.
    """

    def __init__(
        self,
        logs: Logs,
        progress: "tqdm[None]",
        *,
        log_every: int,
        rates: Mapping[str, float],
        max_skipped_in_row: int,
        workdir: epath.Path,
    ):
        self.throughput = Throughput()
        self._logs, self._progress, self._log_every = logs, progress, log_every
        self._rates, self._limit, self._workdir = rates, max_skipped_in_row, workdir
        self._step, self._runs = 0, list[PhaseRun]()  # the newest step, the only one whose batches are held
        self._pending: list[tuple[int, Phase, Metrics]] = []

    def taking_data(self) -> AbstractContextManager[None]:
        """Times what happens inside as waiting for data, if it lasts longer than what the device has to do."""
        return self.throughput.taking_data(self._runs[-1].metrics if self._runs else None)

    def add(self, step: int, runs: list[PhaseRun]) -> None:
        """Takes on a step that was handed to the device; waits for the one before, and logs it if its turn has come.

        Raises:
            UserError: as `settle`.
        """
        jax.block_until_ready([run.metrics for run in self._runs])
        if self._is_due:
            self.settle()
        self._step, self._runs = step, runs
        self._pending += [(step, run.phase, run.metrics) for run in runs]
        for run in runs:
            self.throughput.count(run.batch["src"].shape)
        self._progress.update()

    def settle(self, log: bool = False) -> None:
        """Fetches the metrics of all steps since the last time; logs the newest if its turn has come, or `log` is set.

        Raises:
            UserError: if too many updates in a row were skipped; if the newest batch is one of theirs, it is kept in
                the work directory.
        """
        if not self._pending:
            return
        fetched = jax.device_get([metrics for _, _, metrics in self._pending])
        settled = [(step, phase, values) for (step, phase, _), values in zip(self._pending, fetched, strict=True)]
        self._pending = []
        for step, phase, values in settled:
            self._check(step, phase, values)
        if log or self._is_due:
            self._log([(phase, values) for step, phase, values in settled if step == self._step])

    @property
    def _is_due(self) -> bool:
        return self._step % self._log_every == 0

    def _check(self, step: int, phase: Phase, values: Mapping[str, np.ndarray]) -> None:
        in_row = int(values["skipped_in_row"])
        if not in_row:
            return
        loss = phase.metric("loss/total")
        said = f"step {step}: {loss} is {values['loss/total']:.4g}, the gradient's norm {values['gradient_norm']:.4g}"
        self._progress.write(f"{said}; the update is skipped")
        if in_row < self._limit:
            return
        kept = "its batch is gone by now, log.every=1 keeps it"
        for run in self._runs:
            if step == self._step and run.phase == phase:
                path = self._workdir / f"failed_batch_{step:06d}_host{jax.process_index()}.npz"
                keep_batch(path, run.batch)
                kept = f"its batch is kept in {path}"
        raise UserError(
            f"{said}, and not finite {in_row} times in a row (train.max_skipped_in_row); {kept}; "
            "lower optimizer.rates, or clip with optimizer.clip_norm, and resume from the last checkpoint"
        )

    def _log(self, newest: list[tuple[Phase, Mapping[str, np.ndarray]]]) -> None:
        values = {phase.metric(name): float(value) for phase, metrics in newest for name, value in metrics.items()}
        factor = values.pop("schedule")
        values |= {f"rate/{name}": rate * factor for name, rate in self._rates.items()}
        values |= self.throughput.rates() | memory_in_use()
        self._logs.scalars(self._step, values)
        loss = next(value for name, value in values.items() if name.endswith("loss/total"))
        self._progress.set_postfix_str(f"loss {loss:.4f}, {values['frames_per_second']:.1f} frames/s")


def keep_batch(path: epath.Path, batch: Batch) -> None:
    """Writes this host's share of a batch as an .npz.

    Raises:
        UserError: if it cannot be written.
    """
    buffer, arrays = io.BytesIO(), {name: np.asarray(values) for name, values in batch.items()}
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    with disk_errors(path):
        path.write_bytes(buffer.getvalue())
