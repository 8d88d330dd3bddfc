"""All that a training step changes, and how it lies in a checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import optax

from rvm_jax.networks.functional import Tensors


def _zero() -> jax.Array:
    zero: jax.Array = jax.device_put(np.zeros((), np.int32))
    return zero


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """The network, the optimizer and their counters.

    Attributes:
        step: how many updates were asked for.
        params, batch_stats: the network's tensors by key.
        opt_state: the optimizer's.
        average: the moving average of `params` and `batch_stats` together; empty if none is kept.
        skipped: how many updates were left out because the loss or a gradient was not finite, and
        skipped_in_row: how many of them since the last that was made.
    """

    step: jax.Array
    params: Tensors
    batch_stats: Tensors
    opt_state: optax.OptState
    average: Tensors = field(default_factory=dict)
    skipped: jax.Array = field(default_factory=_zero)
    skipped_in_row: jax.Array = field(default_factory=_zero)

    def weights_for_eval(self) -> tuple[Tensors, Tensors]:
        """Returns (params, batch_stats) of the network to evaluate and to keep: the average, if there is one."""
        if not self.average:
            return self.params, self.batch_stats
        return {key: self.average[key] for key in self.params}, {key: self.average[key] for key in self.batch_stats}


def new_state(
    params: Tensors, batch_stats: Tensors, optimizer: optax.GradientTransformation, *, average: bool = False
) -> TrainState:
    """Returns the state before the first step; with `average` it keeps a moving average, which starts here."""
    # Jitted, as by itself every shape would be a program of its own to compile.
    opt_state, own = jax.jit(lambda: (optimizer.init(params), (params | batch_stats) if average else {}))()
    return TrainState(_zero(), params, batch_stats, opt_state, own)


def to_items(state: TrainState) -> tuple[Tensors, dict[str, Any]]:
    """Returns a checkpoint's two items: `model`, the network to use, and `train`, what only training needs.

    `train` has `network`, the tensors being trained, if they are not those to use.
    """
    params, batch_stats = state.weights_for_eval()
    train = {
        "step": state.step,
        "opt_state": state.opt_state,
        "skipped": state.skipped,
        "skipped_in_row": state.skipped_in_row,
    }
    if state.average:
        train |= trained_network(state)
    return params | batch_stats, train


def trained_network(state: TrainState) -> dict[str, Tensors]:
    """Returns what `train` holds beside the rest if an average is kept."""
    return {"network": state.params | state.batch_stats}


def from_items(state: TrainState, model: Tensors, train: Mapping[str, Any]) -> TrainState:
    """Returns the state of the two items, whether or not they are of a run that kept an average.

    Args:
        state: any one of the structure wanted: it says what is a parameter, and whether an average is kept. A run that
            kept none begins its average with the network that it has.
        model, train: what `to_items` returned.
    """
    network = train.get("network", model)
    return TrainState(
        train["step"],
        {key: network[key] for key in state.params},
        {key: network[key] for key in state.batch_stats},
        train["opt_state"],
        # Copies, as a step takes the memory of the state that it is given, and of each array once.
        jax.tree.map(lambda x: x.copy(), model) if state.average and "network" not in train
        else model if state.average else {},
        train["skipped"],
        train["skipped_in_row"],
    )  # fmt: skip
