"""The jitted training step of any network and objective."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.networks import functional
from rvm_jax.networks.api import Network
from rvm_jax.networks.functional import Tensors
from rvm_jax.networks.layers.kernels import kernels_of, use_kernels
from rvm_jax.networks.precision import Precision, castable_convolutions, check_precision
from rvm_jax.train.crops import CropSize, crop_batch
from rvm_jax.train.losses.objectives import Loss
from rvm_jax.train.losses.terms import Batch
from rvm_jax.train.schedules import Schedule, constant
from rvm_jax.train.state import TrainState

Metrics = dict[str, jax.Array]
# (params, batch_stats, batch, key) to (gradients, (components, batch_stats)).
_Gradient = Callable[[Tensors, Tensors, Batch, jax.Array], Any]


class TrainStep(Protocol):
    """A jitted step, as `make_train_step` returns it."""

    def __call__(
        self, state: TrainState, batch: Mapping[str, jax.Array | np.ndarray], crop: CropSize | None = None
    ) -> tuple[TrainState, Metrics]:
        """Returns the state after the update, and the metrics before it; takes the memory of `state`."""


@dataclass(frozen=True)
class StepSettings:
    """How a step computes.

    Attributes:
        precision: of products, "float32", "tensorfloat32" or "bfloat16", which convolutions then also take and give.
            Weights, batch norm, losses, the guided filter, the recurrent state and the optimizer stay float32;
            bfloat16 has float32's range and needs no loss scale.
        accumulate: in how many parts a batch is taken, one after the other, their gradients averaged: the memory of a
            part, and batch norm over each part alone, as in PyTorch.
        remat: keep no more than the convolutions' results for the backward pass and compute the rest again.
        average_decay: of the weights' moving average, such as 0.999; 0 keeps none. Early on it is lower,
            (1 + n) / (10 + n) at update n (TensorFlow's ExponentialMovingAverage), so that the start is forgotten.
        frozen: keys of the parameters that stay as they are, and the running statistics with them.
        schedule: the optimizer's, for the metric of that name.

    Raises:
        UserError: if a value is out of range.
    """

    precision: Precision = "float32"
    accumulate: int = 1
    remat: bool = False
    average_decay: float = 0.0
    frozen: frozenset[str] = frozenset()
    schedule: Schedule = constant

    def __post_init__(self) -> None:
        check_precision(self.precision, "train.precision")
        if self.accumulate < 1:
            raise UserError(f"train.accumulate={self.accumulate} must be 1 or more")
        if not 0 <= self.average_decay < 1:
            raise UserError(f"train.average_decay={self.average_decay} must lie in [0, 1)")


class StepMaker(Protocol):
    """What makes a step of its parts: `make_train_step`, or what a test puts in its place."""

    def __call__(
        self,
        network: Network,
        objective: Loss,
        optimizer: optax.GradientTransformation,
        seed: int,
        settings: StepSettings,
    ) -> TrainStep:
        """Returns the step."""


_DEFAULTS = StepSettings()


def make_train_step(
    network: Network,
    objective: Loss,
    optimizer: optax.GradientTransformation,
    seed: int = 0,
    settings: StepSettings = _DEFAULTS,
) -> TrainStep:
    """Returns the jitted step; the state that it is passed is donated.

    An update whose loss or gradient is not finite is skipped: all but the state's counters stays. Metrics are
    `loss/<component>`, `gradient_norm` (before any clipping), `skipped`, `skipped_in_row` and `schedule` (the factor of
    the learning rates).

    Args:
        network: in evaluation mode; its view for training (`use_running_average=False`) is made here.
        objective: a loss, or an `Objective`; see `rvm_jax.train.losses.objectives`.
        optimizer: its state is in the `TrainState`.
        seed: of the keys that objectives draw from.
        settings: see `StepSettings`.
    """
    view = nnx.view(network, use_running_average=False)
    use_kernels(view, replace(kernels_of(network), precision=settings.precision))
    graphdef, *_ = functional.split(view)
    low_precision_keys = frozenset(
        f"{layer}.{name}"
        for layer, _ in castable_convolutions(network)
        for name in ("weight", "bias")
        if settings.precision == "bfloat16"
    )
    frozen_stats = _statistics_beside(settings.frozen, functional.split(network)[2])

    def loss_of(params: Tensors, batch_stats: Tensors, batch: Batch, key: jax.Array) -> tuple[jax.Array, Any]:
        params = {k: jax.lax.stop_gradient(x) if k in settings.frozen else x for k, x in params.items()}
        params = {k: x.astype(jnp.bfloat16) if k in low_precision_keys else x for k, x in params.items()}
        view = functional.merge(graphdef, params, batch_stats)
        components = objective(view, batch, key)
        return components["total"], (components, functional.batch_stats(view))

    if settings.remat:
        loss_of = jax.checkpoint(loss_of, policy=_is_convolution)
    gradient_of = _accumulated(jax.grad(loss_of, has_aux=True), settings.accumulate)

    @partial(jax.jit, donate_argnums=0, static_argnums=2, compiler_options=dict(kernels_of(network).compiler_options))
    def step(
        state: TrainState, batch: Mapping[str, jax.Array], crop: CropSize | None = None
    ) -> tuple[TrainState, Metrics]:
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        batch = batch if crop is None else crop_batch(batch, crop)
        gradients, (components, batch_stats) = gradient_of(state.params, state.batch_stats, batch, key)
        batch_stats |= {k: state.batch_stats[k] for k in frozen_stats}
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        average = _moved(state.average, params | batch_stats, settings.average_decay, state.step)

        norm = optax.tree.norm(gradients)
        is_finite = jnp.isfinite(components["total"]) & jnp.isfinite(norm)
        new, old = (params, batch_stats, opt_state, average), (
            state.params, state.batch_stats, state.opt_state, state.average
        )  # fmt: skip
        params, batch_stats, opt_state, average = jax.tree.map(partial(jnp.where, is_finite), new, old)
        in_row = jnp.where(is_finite, 0, state.skipped_in_row + 1)
        skipped = state.skipped + (1 - is_finite)
        metrics = {f"loss/{name}": value for name, value in components.items()}
        metrics |= {"gradient_norm": norm, "skipped": skipped, "skipped_in_row": in_row}
        metrics["schedule"] = settings.schedule(state.step - state.skipped)  # what the optimizer has counted
        return TrainState(state.step + 1, params, batch_stats, opt_state, average, skipped, in_row), metrics

    return step


def _accumulated(gradient_of: _Gradient, parts: int) -> _Gradient:
    """Returns a function that takes a batch in `parts`, one after the other, and returns what `gradient_of` does."""
    if parts == 1:
        return gradient_of

    def gradient(params: Tensors, batch_stats: Tensors, batch: Batch, key: jax.Array) -> Any:
        # Taken in turns, not cut: every device then has its share of each part already.
        split = {name: x.reshape(-1, parts, *x.shape[1:]).swapaxes(0, 1) for name, x in batch.items()}

        def add(carry: tuple[Tensors, Tensors], part: Any) -> tuple[tuple[Tensors, Tensors], Any]:
            total, batch_stats = carry
            gradients, (components, batch_stats) = gradient_of(params, batch_stats, *part)
            return (jax.tree.map(jnp.add, total, gradients), batch_stats), components

        start = jax.tree.map(jnp.zeros_like, params), batch_stats
        (total, batch_stats), components = jax.lax.scan(add, start, (split, jax.random.split(key, parts)))
        mean = jax.tree.map(lambda x: x.mean(0), components)
        return jax.tree.map(lambda x: x / parts, total), (mean, batch_stats)

    return gradient


def _moved(average: Tensors, tensors: Tensors, decay: float, step: jax.Array) -> Tensors:
    """Returns the moving average after one more update; counters are taken as they are."""
    keep = jnp.minimum(decay, (1 + step) / (10 + step))
    return {
        key: old + (1 - keep) * (tensors[key] - old) if jnp.issubdtype(old.dtype, jnp.floating) else tensors[key]
        for key, old in average.items()
    }


def _is_convolution(primitive: Any, *_: Any, **__: Any) -> bool:
    return primitive in (jax.lax.conv_general_dilated_p, jax.lax.dot_general_p)


def _statistics_beside(frozen: Iterable[str], batch_stats: Tensors) -> frozenset[str]:
    """Returns the running statistics of the layers whose parameters are frozen."""
    layers = {key.rpartition(".")[0] for key in frozen}
    return frozenset(key for key in batch_stats if key.rpartition(".")[0] in layers)
