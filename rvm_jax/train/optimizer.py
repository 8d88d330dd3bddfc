"""An optimizer of optax with learning rates by patterns of parameters' names, and a schedule of all rates."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from rvm_jax.errors import UserError
from rvm_jax.networks.functional import Tensors

# Optax's optimizers whose learning rate scales a finished update, so that each parameter can have a rate of its own.
OPTIMIZERS = (
    *("adabelief", "adagrad", "adam", "adamax", "adamw", "adan", "amsgrad", "lamb", "lion", "nadam", "nadamw"),
    *("novograd", "radam", "rmsprop", "sgd", "yogi"),
)
SCHEDULES = ("constant", "cosine", "linear")

# Pairs of a regular expression and a learning rate, None or 0 for parameters that never move; the first match counts.
Rates = Iterable[tuple[str, float | None]]
# From the number of updates made so far to the factor, 0 to 1, that all rates are multiplied by.
Schedule = Callable[[jax.Array | int], jax.Array | float]
_ALL = ".*"


def constant(updates: jax.Array | int) -> jax.Array:
    """Returns 1: the schedule of PyTorch's bare optimizer, the rates as they are."""
    return jnp.ones_like(updates, float)


def make_schedule(kind: str, *, warmup: int, total: int) -> Schedule:
    """Returns a schedule: a linear rise, then constant, or a fall to 0.

    Args:
        kind: "constant", or down to 0 along a half "cosine" or a "linear" line.
        warmup: updates of the rise.
        total: the update at which a fall ends.

    Raises:
        UserError: if the kind is unknown, or the warm-up is as long as the whole.
    """
    if kind not in SCHEDULES:
        raise UserError(f"optimizer.schedule '{kind}' is unknown; use one of {', '.join(SCHEDULES)}")
    schedule: Schedule
    if warmup and kind == "constant":
        schedule = optax.linear_schedule(0.0, 1.0, warmup)
        return schedule
    if kind == "constant":
        return constant
    if total <= warmup:
        raise UserError(f"optimizer.warmup_steps={warmup} must be below the {total} steps of the {kind} decay")
    if kind == "cosine":
        schedule = optax.warmup_cosine_decay_schedule(0.0, 1.0, warmup, total)
        return schedule
    rise, fall = optax.linear_schedule(0.0, 1.0, warmup), optax.linear_schedule(1.0, 0.0, total - warmup)
    schedule = optax.join_schedules([rise, fall], [warmup]) if warmup else fall
    return schedule


def resolve_rates(keys: Iterable[str], rates: Rates, freeze: Iterable[str] = ()) -> dict[str, float]:
    """Returns the learning rate of each parameter, 0 for one that is frozen.

    Args:
        keys: parameters' dotted names, such as "backbone.features.0.0.weight".
        rates: patterns and rates. A pattern is a regular expression that is as long as the name, or as that of a module
            around it: "backbone.*" and "backbone" both take the encoder, ".*" all that is left.
        freeze: patterns of parameters that are frozen whatever their rate.

    Raises:
        UserError: if a pattern is no regular expression or takes no parameter, or a parameter has no pattern.
    """
    keys = list(keys)
    frozen: set[str] = set()
    for pattern in freeze:
        found = {key for key in keys if _matches(pattern, key, "freeze")}
        if not found:
            raise UserError(f"optimizer.freeze: no parameter matches '{pattern}'; they are as {keys[0]}")
        frozen |= found
    pairs = [(str(pattern), 0.0 if rate is None else float(rate)) for pattern, rate in rates]
    resolved: dict[str, float] = {}
    for pattern, rate in pairs:
        found = {key for key in keys if key not in resolved and _matches(pattern, key, "rates")}
        if not found and pattern != _ALL:
            taken = any(_matches(pattern, key, "rates") for key in keys)
            why = "patterns before it take all that it matches" if taken else f"parameters are as {keys[0]}"
            raise UserError(f"optimizer.rates: no parameter is left for '{pattern}'; {why}")
        resolved |= dict.fromkeys(found, rate)
    missing = [key for key in keys if key not in resolved]
    if missing:
        raise UserError(
            f"optimizer.rates: no pattern takes {missing[0]} ({len(missing)} such parameters); end with "
            "('.*', rate), or ('.*', None) to freeze them"
        )
    return {key: 0.0 if key in frozen else resolved[key] for key in keys}


def frozen_keys(rates: Mapping[str, float]) -> frozenset[str]:
    """Returns the parameters whose rate is 0, of what `resolve_rates` returned."""
    return frozenset(key for key, rate in rates.items() if rate == 0)


def rate_names(rates: Rates) -> dict[str, float]:
    """Returns the rates that are not 0 by the names that they are logged under, such as `backbone` of "backbone.*"."""
    named = {}
    for pattern, rate in rates:
        if rate:
            short = pattern.removesuffix(_ALL).removesuffix(r"\.")
            named[short or "others"] = float(rate)
    return {"all": named["others"]} if list(named) == ["others"] else named


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
        rates: learning rate of each parameter; see `resolve_rates`. 0 keeps it as it is.
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


def _matches(pattern: str, key: str, setting: str) -> bool:
    """Returns whether a pattern is as long as the key, or as one of the names of modules that it begins with."""
    names = key.split(".")
    try:
        return any(re.fullmatch(pattern, ".".join(names[:count])) for count in range(len(names), 0, -1))
    except re.error as error:
        raise UserError(f"optimizer.{setting}: '{pattern}' is no regular expression ({error})") from error


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
