"""Adam with a learning rate for each part of the network, and what a schedule makes of the rates."""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import jax.numpy as jnp
import optax

from rvm_jax.errors import UserError
from rvm_jax.networks.functional import Tensors

# The part that a tensor belongs to, by the first name of its key; RVM's projections learn with the decoder.
GROUPS = {"project_mat": "decoder", "project_seg": "decoder"}
_FROZEN = "frozen"
SCHEDULES = ("constant", "cosine", "linear")

# From the number of updates made so far to the factor, 0 to 1, that all rates are multiplied by.
Schedule = Callable[[Any], Any]


def constant(updates: Any) -> Any:
    """The schedule of PyTorch's bare optimizer: the rates as they are."""
    return jnp.ones_like(updates, float)


def make_schedule(kind: str, *, warmup: int, total: int) -> Schedule:
    """Returns a schedule: a linear rise over `warmup` updates, then "constant", or down to 0 at update `total`, along
    a half "cosine" or a "linear" line. Raises UserError for another kind, or a warm-up as long as the whole."""
    if kind not in SCHEDULES:
        raise UserError(f"optimizer.schedule '{kind}' is unknown; use one of {', '.join(SCHEDULES)}")
    if warmup and kind == "constant":
        return optax.linear_schedule(0.0, 1.0, warmup)
    if kind == "constant":
        return constant
    if total <= warmup:
        raise UserError(f"optimizer.warmup_steps={warmup} must be below the {total} steps of the {kind} decay")
    if kind == "cosine":
        return optax.warmup_cosine_decay_schedule(0.0, 1.0, warmup, total)
    rise, fall = optax.linear_schedule(0.0, 1.0, warmup), optax.linear_schedule(1.0, 0.0, total - warmup)
    return optax.join_schedules([rise, fall], [warmup]) if warmup else fall


def make_optimizer(
    params: Tensors,
    rates: Mapping[str, float],
    schedule: Schedule = constant,
    *,
    clip_norm: float = 0.0,
    weight_decay: float = 0.0,
    frozen: Iterable[str] = (),
) -> optax.GradientTransformation:
    """Adam with PyTorch's defaults (0.9, 0.999, 1e-8), its step scaled by the rate of a tensor's part.

    Args:
        params: the network's parameters, for their keys.
        rates: learning rate of each part: `backbone`, `aspp`, `decoder`, `refiner`. 0 keeps it as it is.
        schedule: the factor of all rates, by update.
        clip_norm: gradients are scaled down to this norm, all together; 0 leaves them (torch's clip_grad_norm_).
        weight_decay: decoupled (AdamW), of convolutions' weights alone: not of biases and norms.
        frozen: keys of parameters that never move.

    Raises:
        UserError: a part of the network without a rate, or a rate for a part that it does not have.
    """
    labels = {key: _group(key) for key in params}
    missing, unknown = sorted(set(labels.values()) - set(rates)), sorted(set(rates) - set(labels.values()))
    if missing or (set(unknown) - {"refiner"}):  # the fast guided filter owns no tensors
        raise UserError(
            f"optimizer.rates must name the network's parts {', '.join(sorted(set(labels.values())))}; "
            f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}"
        )
    for name, value in (("clip_norm", clip_norm), ("weight_decay", weight_decay)):
        if value < 0:
            raise UserError(f"optimizer.{name}={value} must be 0 or more")
    frozen = set(frozen)
    scales = {name: optax.scale_by_learning_rate(_scaled(schedule, rate)) for name, rate in rates.items()}
    parts = [optax.clip_by_global_norm(clip_norm)] if clip_norm else []
    parts.append(optax.scale_by_adam())
    if weight_decay:
        parts.append(optax.add_decayed_weights(weight_decay, {key: x.ndim > 1 for key, x in params.items()}))
    parts.append(
        optax.partition(
            scales | {_FROZEN: optax.set_to_zero()},
            {key: _FROZEN if key in frozen else label for key, label in labels.items()},
        )
    )
    return optax.chain(*parts)


def frozen_keys(params: Tensors, patterns: Iterable[str]) -> frozenset[str]:
    """Returns the keys of parameters that a pattern names: a part by its dotted name ("backbone.features.3"), or a
    shell pattern ("*.gru.*"). Raises UserError for a pattern that names none."""
    keys: set[str] = set()
    for pattern in patterns:
        found = {key for key in params if fnmatchcase(key, pattern) or key.startswith(f"{pattern}.")}
        if not found:
            raise UserError(f"optimizer.freeze: no parameter is called '{pattern}'; they are as {next(iter(params))}")
        keys |= found
    return frozenset(keys)


def _group(key: str) -> str:
    part = key.split(".", 1)[0]
    return GROUPS.get(part, part)


def _scaled(schedule: Schedule, rate: float) -> optax.ScalarOrSchedule:
    if schedule is constant:
        return rate
    return lambda updates: rate * schedule(updates)
