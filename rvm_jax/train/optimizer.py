"""An optimizer of optax, with a learning rate for each parameter and a schedule of all rates."""

import inspect
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from rvm_jax.errors import UserError
from rvm_jax.networks.functional import Tensors
from rvm_jax.train.schedules import Schedule, constant

# Optax's optimizers whose learning rate scales a finished update, so that each parameter can have a rate of its own.
OPTIMIZERS = (
    *("adabelief", "adagrad", "adam", "adamax", "adamw", "adan", "amsgrad", "lamb", "lion", "nadam", "nadamw"),
    *("novograd", "radam", "rmsprop", "sgd", "yogi"),
)


def make_optimizer(
    params: Tensors,
    rates: Mapping[str, float],
    schedule: Schedule = constant,
    *,
    name: str = "adam",
    kwargs: Mapping[str, Any] | None = None,
    clip_norm: float = 0.0,
    weight_decay: float = 0.0,
) -> optax.GradientTransformation:
    """Returns an optimizer of optax whose updates are scaled by each parameter's rate; its defaults are PyTorch's Adam.

    Args:
        params: the network's parameters, for their keys and shapes.
        rates: learning rate of each parameter; see `rvm_jax.train.rates`. 0 keeps it as it is.
        schedule: the factor of all rates, by update.
        name: one of `OPTIMIZERS`.
        kwargs: optax's own arguments of it, such as `b1`.
        clip_norm: gradients are scaled down to this norm, all together; 0 leaves them (torch's clip_grad_norm_).
        weight_decay: decoupled (adam's is then AdamW), of convolutions' weights alone: not of biases and norms.

    Raises:
        UserError: if the optimizer is unknown or does not take its arguments, or a value is negative.
    """
    for key, value in (("clip_norm", clip_norm), ("weight_decay", weight_decay)):
        if value < 0:
            raise UserError(f"optimizer.{key}={value} must be 0 or more")
    parts = [optax.clip_by_global_norm(clip_norm)] if clip_norm else []
    parts.append(_named(name, dict(kwargs or {})))
    if weight_decay:  # the update is what is added, so that what decays is subtracted
        parts.append(optax.add_decayed_weights(-weight_decay, {key: x.ndim > 1 for key, x in params.items()}))
    return optax.chain(*parts, _scale_by_rates(rates, schedule))


def _named(name: str, kwargs: dict[str, Any]) -> optax.GradientTransformation:
    """Returns optax's optimizer at a rate of 1."""
    if name not in OPTIMIZERS:
        raise UserError(f"optimizer.name '{name}' is unknown; use one of {', '.join(OPTIMIZERS)}")
    make = getattr(optax, name)
    known = [key for key in inspect.signature(make).parameters if key not in ("learning_rate", "weight_decay", "mask")]
    for key in kwargs:
        if key == "learning_rate":
            raise UserError("optimizer.kwargs: give learning rates as optimizer.rates")
        if key in ("weight_decay", "mask"):
            raise UserError(f"optimizer.kwargs: give optax's {key} as optimizer.weight_decay, of convolutions' weights")
        if key not in known:
            raise UserError(f"optimizer.kwargs: optax.{name} takes no '{key}'; it takes {', '.join(known)}")
    if "weight_decay" in inspect.signature(make).parameters:
        kwargs["weight_decay"] = 0.0
    try:
        optimizer: optax.GradientTransformation = make(learning_rate=1.0, **kwargs)
    except (TypeError, ValueError) as error:
        raise UserError(f"optimizer.kwargs: optax.{name} refuses {kwargs} ({error})") from error
    return optimizer


def _scale_by_rates(rates: Mapping[str, float], schedule: Schedule) -> optax.GradientTransformation:
    """Multiplies updates by their parameters' rates, and by the schedule, which counts updates."""

    def init(params: optax.Params) -> optax.OptState:
        return optax.EmptyState() if schedule is constant else optax.ScaleByScheduleState(jnp.zeros((), jnp.int32))

    def update(
        updates: optax.Updates, state: optax.OptState, params: optax.Params | None = None
    ) -> tuple[optax.Updates, optax.OptState]:
        factor: jax.Array | float = 1.0
        if isinstance(state, optax.ScaleByScheduleState):
            factor = schedule(state.count)
            state = optax.ScaleByScheduleState(optax.safe_increment(state.count))
        scaled = {
            key: jnp.asarray(rates[key] * factor, x.dtype) * x if rates[key] else jnp.zeros_like(x)
            for key, x in updates.items()
        }
        return scaled, state

    return optax.GradientTransformation(init, update)
