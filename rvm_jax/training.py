"""Training: the state, the step, and the loop, to be read from top to bottom."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from ml_collections import ConfigDict
from tqdm import tqdm

from rvm_jax import checkpoints, torch_weights
from rvm_jax.errors import UserError
from rvm_jax.logs import Logs, Meter
from rvm_jax.networks import functional
from rvm_jax.networks.functional import Tensors
from rvm_jax.networks.rvm import MattingNetwork
from rvm_jax.objectives import Objective, make_objective
from rvm_jax.optimizer import make_optimizer
from rvm_jax.workdir import keep_config

Batch = Mapping[str, np.ndarray]
# From the step to start at to an iterator of this host's batches, used as a context.
Batches = Callable[[int], AbstractContextManager[Iterator[Batch]]]
# From a network in evaluation mode to named values: scalars, and pictures (H, W, 3) uint8.
Evaluator = Callable[[MattingNetwork], Iterable[tuple[str, float | np.ndarray]]]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """All that a step changes."""

    step: jax.Array
    params: Tensors
    batch_stats: Tensors
    opt_state: optax.OptState


def train(config: ConfigDict, workdir: str | Path, batches: Batches, evaluators: Mapping[str, Evaluator]) -> TrainState:
    """Trains a network until `config.train.steps`, from the work directory's latest checkpoint if it has one.

    Args:
        config: the sections `network`, `train`, `optimizer`, `eval` and `log`; see `configs/`.
        workdir: where config.json, metrics.jsonl, tensorboard/, pictures/ and checkpoints/ are written.
        batches: `batches(step)` gives this host's batches from that step on, {name: uint8 (B, T, H, W, C)}.
        evaluators: run every `config.eval.every` steps and at the end, their values logged as `<name>/<value>`.

    Returns:
        The final state.

    Raises:
        UserError: a setting that does not work; its text names the setting.
    """
    workdir = Path(workdir).absolute()
    steps, batch_size = config.train.steps, config.train.batch_size
    is_first_host = jax.process_index() == 0

    # ---- devices: the batch is dealt to all of them, the network is the same on each
    mesh = make_mesh(batch_size)
    replicated = NamedSharding(mesh, PartitionSpec())
    sharded = NamedSharding(mesh, PartitionSpec("data"))

    # ---- the network, its optimizer and the step
    network = make_network(config.network, config.train.seed)
    graphdef, params, batch_stats = functional.split(network)
    optimizer = make_optimizer(params, config.optimizer.rates.to_dict(), **_schedule(config))
    state = TrainState(jnp.zeros((), jnp.int32), params, batch_stats, optimizer.init(params))
    state = jax.device_put(state, replicated)
    train_step = make_train_step(network, make_objective(config.train), optimizer, config.train.seed)

    # ---- the work directory: what an earlier run left there goes on
    if is_first_host:
        keep_config(config, workdir)
    with checkpoints.Checkpoints(workdir, config.train.keep_checkpoints) as store:
        start = store.latest_step() or 0
        if start:
            state = _restore(store, start, state, network)
        if start >= steps:
            return state

        def save(step: int, state: TrainState) -> None:
            train_part = {"step": state.step, "opt_state": state.opt_state}
            store.save(step, state.params | state.batch_stats, train_part, network.config)

        # ---- the loop
        with (
            Logs(workdir, start, is_first_host) as logs,
            batches(start) as stream,
            tqdm(total=steps, initial=start, unit="step", disable=not is_first_host, dynamic_ncols=True) as progress,
        ):
            meter = Meter()
            last: dict[str, jax.Array] = {}
            pending: tuple[int, dict[str, jax.Array], dict[str, float]] | None = None
            for step in range(start + 1, steps + 1):
                batch = _global_batch(next(stream), sharded, batch_size)
                meter.count(batch["src"].shape)
                state, metrics = train_step(state, batch)
                del batch  # may be the workers' own memory, which they want back

                # One step ahead and no more: the host prepares the next batch while the device works.
                jax.block_until_ready(last)
                last = metrics
                # The values of a step are read once the next one is under way: reading never holds the device up.
                if pending is not None:
                    _log_step(logs, progress, *pending)
                    pending = None
                if step % config.log.every == 0 or step == steps:
                    pending = (step, metrics, meter.rates())
                progress.update()

                if step % config.eval.every == 0 or step == steps:
                    view = functional.merge(graphdef, state.params, state.batch_stats)
                    with meter.paused():
                        for name, evaluator in evaluators.items():
                            _log_values(logs, step, name, evaluator(view), progress)
                if step % config.train.checkpoint_every == 0 or step == steps:
                    if pending is not None:  # a run that goes on from here does not log this step again
                        _log_step(logs, progress, *pending)
                        pending = None
                    with meter.paused():
                        save(step, state)
    return state


def make_network(config: ConfigDict, seed: int) -> MattingNetwork:
    """Returns the network of a config's `network` section, in evaluation mode.

    `start_from` (a checkpoint, a work directory or PyTorch weights of the same kind) sets all weights; else `backbone`
    (torchvision's ImageNet file) the encoder's; else all are drawn from `seed`.
    """
    settings = config.to_dict()
    start_from, backbone = settings.pop("start_from", ""), settings.pop("backbone", "")
    if not start_from:
        network = MattingNetwork(**settings, rngs=nnx.Rngs(seed))
        if backbone:
            torch_weights.load_backbone(network, backbone)
        return network
    path = Path(start_from)
    network = checkpoints.load(path) if path.is_dir() else torch_weights.load_torch(path, settings["refiner"])
    if network.config != settings:
        raise UserError(f"network.start_from={path} holds {network.config}, but the config asks for {settings}")
    return network


def make_mesh(batch_size: int) -> Mesh:
    """A mesh of all devices on one axis, `data`. Raises UserError where they do not divide the batch."""
    count = jax.device_count()
    if batch_size % count:
        raise UserError(f"train.batch_size={batch_size} cannot be dealt to {count} devices; use a multiple of {count}")
    return jax.make_mesh((count,), ("data",), axis_types=(AxisType.Auto,))


def make_train_step(
    network: MattingNetwork, objective: Objective, optimizer: optax.GradientTransformation, seed: int = 0
) -> Callable[[TrainState, Mapping[str, jax.Array]], tuple[TrainState, dict[str, jax.Array]]]:
    """Returns the jitted step: (state, batch of uint8 arrays) to (new state, metrics before the update).

    `seed` is that of the keys that objectives draw from. The state that is passed in is donated.
    """
    graphdef, *_ = functional.split(nnx.view(network, use_running_average=False))

    def loss_of(params: Tensors, batch_stats: Tensors, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        view = functional.merge(graphdef, params, batch_stats)
        components = objective(view, batch, key)
        return components["total"], (components, functional.batch_stats(view))

    def step(state: TrainState, batch: Mapping[str, jax.Array]) -> tuple[TrainState, dict[str, jax.Array]]:
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        gradient = jax.grad(loss_of, has_aux=True)
        gradients, (components, batch_stats) = gradient(state.params, state.batch_stats, batch, key)
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        metrics = {f"loss/{name}": value for name, value in components.items()}
        metrics["gradient_norm"] = optax.tree.norm(gradients)
        params = optax.apply_updates(state.params, updates)
        return TrainState(state.step + 1, params, batch_stats, opt_state), metrics

    return jax.jit(step, donate_argnums=0)


def _schedule(config: ConfigDict) -> dict[str, int]:
    decay = config.train.steps if config.optimizer.decay else 0
    return {"warmup_steps": config.optimizer.warmup_steps, "decay_steps": decay}


def _restore(store: checkpoints.Checkpoints, step: int, state: TrainState, network: MattingNetwork) -> TrainState:
    train_part = {"step": state.step, "opt_state": state.opt_state}
    model, train_part = store.restore(step, state.params | state.batch_stats, train_part, network.config)
    return TrainState(
        train_part["step"],
        {key: model[key] for key in state.params},
        {key: model[key] for key in state.batch_stats},
        train_part["opt_state"],
    )


def _global_batch(batch: Batch, sharding: NamedSharding, batch_size: int) -> dict[str, jax.Array]:
    """This host's share of the batch, spread over its devices as a part of the global one."""
    return {
        name: jax.make_array_from_process_local_data(sharding, values, (batch_size, *values.shape[1:]))
        for name, values in batch.items()
    }


def _log_step(
    logs: Logs, progress: tqdm, step: int, metrics: Mapping[str, jax.Array], rates: Mapping[str, float]
) -> None:
    values = {name: float(value) for name, value in metrics.items()} | dict(rates)
    logs.scalars(step, values)
    progress.set_postfix_str(f"loss {values['loss/total']:.4f}, {values['frames_per_second']:.1f} frames/s")


def _log_values(
    logs: Logs, step: int, name: str, values: Iterable[tuple[str, float | np.ndarray]], progress: tqdm
) -> None:
    scalars = {}
    for key, value in values:
        if isinstance(value, np.ndarray):
            logs.picture(step, f"{name}_{key}", value)
        else:
            scalars[f"{name}/{key}"] = float(value)
    logs.scalars(step, scalars)
    progress.write(f"step {step}: " + ", ".join(f"{key} {value:.4f}" for key, value in scalars.items()))
