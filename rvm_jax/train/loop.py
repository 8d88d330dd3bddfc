"""Training: the loop, to be read from top to bottom."""

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Protocol

import jax
import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict
from tqdm import tqdm

from rvm_jax.atomic_files import absolute
from rvm_jax.compilation import FirstCalls
from rvm_jax.errors import UserError
from rvm_jax.networks import functional
from rvm_jax.networks.api import Network
from rvm_jax.train import example_pictures
from rvm_jax.train.best_checkpoint import BestCheckpoint, check_metric
from rvm_jax.train.checkpoint_store import Checkpoints
from rvm_jax.train.devices import check_divides, global_batch, make_mesh
from rvm_jax.train.initial_network import starting_paths
from rvm_jax.train.logs import Logs
from rvm_jax.train.losses.objectives import OBJECTIVES, Loss
from rvm_jax.train.phases import MAIN, Batches, make_phases
from rvm_jax.train.preemption import Preempted, Preemption
from rvm_jax.train.profiler import Profiler
from rvm_jax.train.program import make_program
from rvm_jax.train.rates import rate_names
from rvm_jax.train.renamed import current_settings
from rvm_jax.train.state import TrainState, from_items, to_items, trained_network
from rvm_jax.train.step import StepMaker, make_train_step
from rvm_jax.train.step_monitor import PhaseRun, StepMonitor
from rvm_jax.train.time_spent import TimeSpent
from rvm_jax.train.workdir import check_config, check_workdir, record_start


class Evaluator(Protocol):
    """Looks at a network in evaluation mode."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the scalars that a call yields."""

    def __call__(self, network: Network, /) -> Iterable[tuple[str, float | np.ndarray]]:
        """Yields named values: the scalars, and pictures (H, W, 3) uint8."""


def train(
    config: ConfigDict,
    workdir: str | os.PathLike[str],
    batches: Batches,
    evaluators: Mapping[str, Evaluator],
    *,
    phase_batches: Mapping[str, Batches] | None = None,
    fingerprint: str = "",
    allow_changes: bool = False,
    profile_steps: int = 0,
    network: Network | None = None,
    mesh: Mesh | None = None,
    objectives: Mapping[str, Loss] = OBJECTIVES,
    make_step: StepMaker = make_train_step,
) -> TrainState:
    """Trains a network until `config.train.steps`, from the work directory's latest checkpoint if it has one.

    Args:
        config: the sections `network`, `train`, `optimizer`, `eval` and `log`; see `configs/`.
        workdir: where config.json, starts.json, metrics.jsonl, tensorboard/, pictures/, checkpoints/ and best/ are
            written; a path, or one of a bucket (gs://…).
        batches: `batches(n)` gives this host's batches after the first n, {name: uint8 (B, T, H, W, C)}.
        evaluators: run every `config.eval.every` steps and at the end, their values logged as `<name>/<value>`.
        phase_batches: as `batches`, for each of `config.train.phases`.
        fingerprint: of the data; a run that resumes with another is refused.
        allow_changes: let a run resume with other settings or data than it was made with.
        profile_steps: how many steps to trace into profile/, once the first ones have compiled.
        network: in evaluation mode, in place of the one that `config.network` describes.
        mesh: devices on one axis `data`; by default all.
        objectives: what `config.train.loss` may name.
        make_step: makes the jitted step of a phase.

    Returns:
        The final state.

    Raises:
        UserError: if a setting does not work, a disk is full, or too many updates are not finite.
        Preempted: if the process was told to end (SIGTERM); the step is saved.
    """
    settings, renamed = current_settings(config.to_dict())
    config = ConfigDict(settings)
    root = absolute(workdir)
    check_workdir(root, starting_paths(config.network))
    spent = TimeSpent()
    steps = config.train.steps
    if steps < 1:
        raise UserError(f"train.steps={steps} must be 1 or more")
    known_metrics = [f"{name}/{metric}" for name, evaluator in evaluators.items() for metric in evaluator.metrics]
    check_metric(config.train.keep_best, known_metrics)
    is_first_host = jax.process_index() == 0

    # ---- devices: each batch is sharded across all of them, the network is the same on each
    phases = make_phases(config.train, objectives)
    mesh = make_mesh() if mesh is None else mesh
    check_divides(mesh, (phase.batch_size // config.train.accumulate for phase in phases))

    # ---- the network, its optimizer and the steps
    program = make_program(config, phases, mesh, network=network, make_step=make_step)
    network = program.network
    state = program.state()
    state = jax.device_put(state, program.replicated)
    compilations = FirstCalls()

    with ExitStack() as stack:
        # ---- the work directory: what an earlier run left there is resumed
        difference = check_config(config, root, write=is_first_host, allow_changes=allow_changes)
        store = stack.enter_context(Checkpoints(root / "checkpoints", config.train.keep_checkpoints))
        best = stack.enter_context(BestCheckpoint(root / "best", config.train.keep_best, known_metrics))
        start = store.latest_step() or 0
        absent: tuple[str, ...] = ()
        if start:
            restored = store.restore(start, *to_items(state), network.config, optional=trained_network(state))
            state, absent = from_items(state, restored.model, restored.train), restored.absent
        if start >= steps:
            return state
        record_start(root, start, fingerprint, write=is_first_host, allow_changes=allow_changes)

        # ---- data, logs, and what watches over the run
        sources = {MAIN: batches, **(phase_batches or {})}
        streams = {phase.name: stack.enter_context(sources[phase.name](phase.batches_until(start))) for phase in phases}
        logs = stack.enter_context(Logs(root, start, is_first_host))
        preemption = stack.enter_context(Preemption())
        profiler = stack.enter_context(Profiler(root / "profile", start, profile_steps, is_first_host))
        progress: tqdm[None] = stack.enter_context(
            tqdm(total=steps, initial=start, unit="step", disable=not is_first_host, dynamic_ncols=True)
        )
        for sentence in renamed:
            progress.write(sentence)
        if difference:
            progress.write(f"resuming with other settings: {difference}")
        if absent:
            progress.write(f"the optimizer's {', '.join(absent)} of the checkpoint cannot be used and restart")

        # ---- the loop
        monitor = StepMonitor(
            logs,
            progress,
            log_every=config.log.every,
            rates=rate_names(config.optimizer.rates),
            max_skipped_in_row=config.train.max_skipped_in_row,
            workdir=root,
        )
        spent.so_far("preparation")
        for step in range(start + 1, steps + 1):
            profiler.begin(step)
            runs: list[PhaseRun] = []
            for phase in phases:
                if not phase.is_due(step):
                    continue
                with spent.on("waiting for data"), monitor.taking_data():
                    batch = next(streams[phase.name])
                shared = global_batch(batch, program.sharded, phase.batch_size)
                crop = phase.crop(step)
                height, width = crop or batch["src"].shape[2:4]
                kind = (phase.name, height, width)
                doing = "compilation" if compilations.is_first(kind) else "steps"
                with spent.on(doing), compilations.of(kind, f"{height}x{width}"):
                    state, metrics = program.steps[phase.name](state, shared, crop)
                runs.append(PhaseRun(phase, batch, metrics))
            monitor.add(step, runs)
            profiler.end(step, runs)

            ends = step == steps or preemption.reached(step)
            evaluates = step % config.eval.every == 0 or step == steps
            draws = config.log.pictures_every > 0 and step % config.log.pictures_every == 0
            saves = ends or step % config.train.checkpoint_every == 0
            if evaluates or draws or saves:
                # Before the checkpoint, as a run that resumes from there does not log this step again.
                monitor.settle(log=step == steps)
                spent.so_far("steps")
                with monitor.throughput.paused():
                    if draws and is_first_host:
                        picture = example_pictures.draw(program.graphdef, *state.weights_for_eval(), runs[0].batch)
                        logs.picture(step, "training", picture)
                    if evaluates:
                        view = functional.merge(program.graphdef, *state.weights_for_eval())
                        with spent.on("validation"):
                            values = _evaluate(evaluators, view, logs, step, progress)
                        best.save(step, values, *to_items(state), network.config)
                    if saves:
                        store.save(step, *to_items(state), network.config)
                        logs.flush()
                spent.so_far("checkpoints and pictures")
            if ends and step < steps:
                raise Preempted(step)
    spent.so_far("checkpoints and pictures")  # the last one is complete only now
    if is_first_host:
        spent.write(root)
    return state


def _evaluate(
    evaluators: Mapping[str, Evaluator], view: Network, logs: Logs, step: int, progress: "tqdm[None]"
) -> dict[str, float]:
    """Runs the evaluators, logs what they yield, and returns their scalars."""
    scalars: dict[str, float] = {}
    for evaluator, yielded in ((name, evaluator(view)) for name, evaluator in evaluators.items()):
        for key, value in yielded:
            if isinstance(value, np.ndarray):
                logs.picture(step, f"{evaluator}_{key}", value)
            else:
                scalars[f"{evaluator}/{key}"] = float(value)
    if scalars:
        logs.scalars(step, scalars)
        progress.write(f"step {step}: " + ", ".join(f"{key} {value:.4f}" for key, value in scalars.items()))
    return scalars
