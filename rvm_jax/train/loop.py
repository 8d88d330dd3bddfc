"""Training: the loop, to be read from top to bottom."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from ml_collections import ConfigDict
from tqdm import tqdm

from rvm_jax.atomic_files import absolute
from rvm_jax.networks import functional
from rvm_jax.train import example_pictures as training_pictures
from rvm_jax.train.best_checkpoint import Best
from rvm_jax.train.checkpoints import Checkpoints
from rvm_jax.train.devices import global_batch, make_mesh
from rvm_jax.train.initial_network import make_network
from rvm_jax.train.logs import Logs
from rvm_jax.train.optimizer import frozen_keys, make_optimizer, make_schedule
from rvm_jax.train.phases import MAIN, Batch, Batches, Pass, make_passes
from rvm_jax.train.preemption import Preempted, Preemption
from rvm_jax.train.profiler import Profiler
from rvm_jax.train.state import TrainState, from_items, new_state, to_items
from rvm_jax.train.step import Metrics, StepSettings, make_train_step
from rvm_jax.train.step_monitor import Watch
from rvm_jax.train.workdir import keep_config, keep_start

# From a network in evaluation mode to named values: scalars, and pictures (H, W, 3) uint8.
Evaluator = Callable[[Any], Iterable[tuple[str, float | np.ndarray]]]


def train(
    config: ConfigDict,
    workdir: str | os.PathLike,
    batches: Batches,
    evaluators: Mapping[str, Evaluator],
    *,
    pass_batches: Mapping[str, Batches] | None = None,
    fingerprint: str = "",
    allow_changes: bool = False,
    profile_steps: int = 0,
) -> TrainState:
    """Trains a network until `config.train.steps`, from the work directory's latest checkpoint if it has one.

    Args:
        config: the sections `network`, `train`, `optimizer`, `eval` and `log`; see `configs/`.
        workdir: where config.json, starts.json, metrics.jsonl, tensorboard/, pictures/, checkpoints/ and best/ are
            written; a path, or one of a bucket (gs://…).
        batches: `batches(n)` gives this host's batches after the first n, {name: uint8 (B, T, H, W, C)}.
        evaluators: run every `config.eval.every` steps and at the end, their values logged as `<name>/<value>`.
        pass_batches: as `batches`, for each of `config.train.passes`.
        fingerprint: of the data; a run that goes on with another is refused.
        allow_changes: let a run go on with other settings or data than it was made with.
        profile_steps: how many steps to trace into profile/, once the first ones have compiled.

    Returns:
        The final state.

    Raises:
        UserError: a setting that does not work, a disk that is full, updates that are not finite.
        Preempted: the process was told to end (SIGTERM); the step is saved.
    """
    root = absolute(workdir)
    steps, seed = config.train.steps, config.train.seed
    is_first_host = jax.process_index() == 0

    # ---- devices: each batch is dealt to all of them, the network is the same on each
    passes = make_passes(config.train)
    mesh = make_mesh(one.batch_size // config.train.accumulate for one in passes)
    replicated = NamedSharding(mesh, PartitionSpec())
    sharded = NamedSharding(mesh, PartitionSpec("data"))

    # ---- the network, its optimizer and the steps
    network = make_network(config.network, seed)
    graphdef, params, batch_stats = functional.split(network)
    frozen = frozen_keys(params, config.optimizer.freeze)
    updates = sum(one.batches_until(steps) for one in passes)  # a schedule counts these, not steps
    warmup = sum(one.batches_until(config.optimizer.warmup_steps) for one in passes)
    schedule = make_schedule(config.optimizer.schedule, warmup=warmup, total=updates)
    settings = StepSettings(
        dtype=config.train.dtype,
        accumulate=config.train.accumulate,
        remat=config.train.remat,
        average_decay=config.train.average_decay,
        frozen=frozen,
        schedule=schedule,
    )
    rates = config.optimizer.rates.to_dict()
    optimizer = make_optimizer(
        params,
        rates,
        schedule,
        clip_norm=config.optimizer.clip_norm,
        weight_decay=config.optimizer.weight_decay,
        frozen=frozen,
    )
    state = new_state(params, batch_stats, optimizer, average=settings.average_decay > 0)
    state = jax.device_put(state, replicated)
    train_steps = {one.name: make_train_step(network, one.objective, optimizer, seed, settings) for one in passes}

    with ExitStack() as stack:
        # ---- the work directory: what an earlier run left there goes on
        difference = keep_config(config, root, write=is_first_host, allow_changes=allow_changes)
        store = stack.enter_context(Checkpoints(root / "checkpoints", config.train.keep_checkpoints))
        best = stack.enter_context(Best(root / "best", config.train.keep_best))
        start = store.latest_step() or 0
        if start:
            state = from_items(state, *store.restore(start, *to_items(state), network.config))
        if start >= steps:
            return state
        keep_start(root, start, fingerprint, write=is_first_host, allow_changes=allow_changes)

        # ---- data, logs, and what watches over the run
        given = {MAIN: batches, **(pass_batches or {})}
        streams = {one.name: stack.enter_context(given[one.name](one.batches_until(start))) for one in passes}
        logs = stack.enter_context(Logs(root, start, is_first_host))
        preemption = stack.enter_context(Preemption())
        profiler = stack.enter_context(Profiler(root / "profile", start, profile_steps, is_first_host))
        progress = stack.enter_context(
            tqdm(total=steps, initial=start, unit="step", disable=not is_first_host, dynamic_ncols=True)
        )
        if difference:
            progress.write(f"going on with other settings: {difference}")

        # ---- the loop
        watch = Watch(
            logs,
            progress,
            log_every=config.log.every,
            rates=rates,
            max_skipped_in_row=config.train.max_skipped_in_row,
            workdir=root,
        )
        for step in range(start + 1, steps + 1):
            profiler.begin(step)
            made: list[tuple[Pass, Batch, Metrics]] = []
            for one in passes:
                if not one.is_due(step):
                    continue
                with watch.taking_data():
                    batch = next(streams[one.name])
                state, metrics = train_steps[one.name](
                    state, global_batch(batch, sharded, one.batch_size), one.crop(step)
                )
                made.append((one, batch, metrics))
            watch.add(step, made)
            profiler.end(step, made)

            ends = step == steps or preemption.reached(step)
            evaluates = step % config.eval.every == 0 or step == steps
            draws = config.log.pictures_every > 0 and step % config.log.pictures_every == 0
            saves = ends or step % config.train.checkpoint_every == 0
            if evaluates or draws or saves:
                # Before the checkpoint, as a run that goes on from there does not log this step again.
                watch.settle(log=step == steps)
                with watch.meter.paused():
                    if draws and is_first_host:
                        logs.picture(step, "training", training_pictures.draw(graphdef, *state.evaluated(), made[0][1]))
                    if evaluates:
                        view = functional.merge(graphdef, *state.evaluated())
                        values = _evaluate(evaluators, view, logs, step, progress)
                        best.save(step, values, *to_items(state), network.config)
                    if saves:
                        store.save(step, *to_items(state), network.config)
                        logs.flush()
            if ends and step < steps:
                raise Preempted(step)
    return state


def _evaluate(
    evaluators: Mapping[str, Evaluator], view: Any, logs: Logs, step: int, progress: tqdm
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
