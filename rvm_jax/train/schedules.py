"""Factors of all learning rates, by update."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from rvm_jax.errors import UserError

SCHEDULES = ("constant", "cosine", "linear")

# From the number of updates made so far to the factor, 0 to 1, that all rates are multiplied by.
Schedule = Callable[[jax.Array | int], jax.Array | float]


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
