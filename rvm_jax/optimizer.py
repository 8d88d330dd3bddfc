"""Adam with a learning rate for each part of the network."""

from collections.abc import Mapping

import optax

from rvm_jax.errors import UserError
from rvm_jax.networks.functional import Tensors

# The part that a tensor belongs to, by the first name of its key; RVM's projections learn with the decoder.
GROUPS = {"project_mat": "decoder", "project_seg": "decoder"}


def make_optimizer(
    params: Tensors, rates: Mapping[str, float], *, warmup_steps: int = 0, decay_steps: int = 0
) -> optax.GradientTransformation:
    """Adam with PyTorch's defaults (0.9, 0.999, 1e-8, no decay), its step scaled by the rate of a tensor's part.

    Args:
        params: the network's parameters, for their keys.
        rates: learning rate of each part: `backbone`, `aspp`, `decoder`, `refiner`. 0 freezes it.
        warmup_steps: the rates rise linearly over so many steps.
        decay_steps: the rates fall to 0 along a cosine, at this step; 0 keeps them constant.

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
    if decay_steps and decay_steps <= warmup_steps:
        raise UserError(f"optimizer.warmup_steps={warmup_steps} must be below the {decay_steps} steps of the decay")
    scales = {
        name: optax.scale_by_learning_rate(_schedule(rate, warmup_steps, decay_steps)) for name, rate in rates.items()
    }
    return optax.chain(optax.scale_by_adam(), optax.partition(scales, labels))


def _group(key: str) -> str:
    part = key.split(".", 1)[0]
    return GROUPS.get(part, part)


def _schedule(rate: float, warmup_steps: int, decay_steps: int) -> optax.ScalarOrSchedule:
    if decay_steps:
        return optax.warmup_cosine_decay_schedule(0.0, rate, warmup_steps, decay_steps)
    if warmup_steps:
        return optax.linear_schedule(0.0, rate, warmup_steps)
    return rate
