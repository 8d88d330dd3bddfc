"""What a config makes of a training, without data: the network, its optimizer, and the jitted step of each phase."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import optax
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from ml_collections import ConfigDict

from rvm_jax.networks import functional
from rvm_jax.networks.api import Network
from rvm_jax.networks.functional import Tensors
from rvm_jax.networks.layers.kernels import kernels_for
from rvm_jax.train.initial_network import initial_network
from rvm_jax.train.optimizer import make_optimizer
from rvm_jax.train.phases import Phase
from rvm_jax.train.rates import frozen_keys, resolve_rates
from rvm_jax.train.schedules import make_schedule
from rvm_jax.train.state import TrainState, new_state
from rvm_jax.train.step import StepMaker, StepSettings, TrainStep, make_train_step


@dataclass(frozen=True)
class TrainingProgram:
    """What `train` runs.

    Attributes:
        network: in evaluation mode.
        graphdef, params, batch_stats: its parts.
        optimizer: see `make_optimizer`.
        settings: how steps compute.
        steps: by the phase's name.
        replicated, sharded: how the state and batches lie on the mesh.
    """

    network: Network
    graphdef: nnx.GraphDef[Network]
    params: Tensors
    batch_stats: Tensors
    optimizer: optax.GradientTransformation
    settings: StepSettings
    steps: Mapping[str, TrainStep]
    replicated: NamedSharding
    sharded: NamedSharding

    def state(self) -> TrainState:
        """Returns the state before the first step, where it was made."""
        return new_state(self.params, self.batch_stats, self.optimizer, average=self.settings.average_decay > 0)

    def abstract_state(self) -> TrainState:
        """Returns the same as shapes on the mesh: for lowering, with no device to hold it."""
        shapes: TrainState = jax.eval_shape(self.state)
        placed: TrainState = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=self.replicated), shapes
        )
        return placed


def make_program(
    config: ConfigDict,
    phases: Sequence[Phase],
    mesh: Mesh,
    *,
    network: Network | None = None,
    make_step: StepMaker = make_train_step,
) -> TrainingProgram:
    """Returns the program of a config.

    Args:
        config: the sections `network`, `train` and `optimizer`; see `configs/`.
        phases: `make_phases(config.train)`.
        mesh: devices on one axis `data`: each batch is sharded across all of them, the network is the same on each.
        network: in evaluation mode, in place of the one that `config.network` describes.
        make_step: makes the jitted step of a phase.

    Raises:
        UserError: if a setting does not work.
    """
    seed = config.train.seed
    if network is None:
        network = initial_network(config.network, seed, kernels_for(mesh.devices.flat))
    for objective in {phase.objective.name: phase.objective for phase in phases}.values():
        objective.check(network)
    graphdef, params, batch_stats = functional.split(network)
    rates = resolve_rates(params, config.optimizer.rates, config.optimizer.freeze)
    updates = sum(phase.batches_until(config.train.steps) for phase in phases)  # a schedule counts these, not steps
    warmup = sum(phase.batches_until(config.optimizer.warmup_steps) for phase in phases)
    schedule = make_schedule(config.optimizer.schedule, warmup=warmup, total=updates)
    optimizer = make_optimizer(
        params,
        rates,
        schedule,
        name=config.optimizer.name,
        kwargs=config.optimizer.kwargs.to_dict(),
        clip_norm=config.optimizer.clip_norm,
        weight_decay=config.optimizer.weight_decay,
    )
    settings = StepSettings(
        precision=config.train.precision,
        accumulate=config.train.accumulate,
        remat=config.train.remat,
        average_decay=config.train.average_decay,
        frozen=frozen_keys(rates),
        schedule=schedule,
    )
    steps = {phase.name: make_step(network, phase.objective, optimizer, seed, settings) for phase in phases}
    return TrainingProgram(
        network,
        graphdef,
        params,
        batch_stats,
        optimizer,
        settings,
        steps,
        replicated=NamedSharding(mesh, PartitionSpec()),
        sharded=NamedSharding(mesh, PartitionSpec("data")),
    )
