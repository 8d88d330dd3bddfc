"""What configs name as `train.loss`: the losses by name, their options, and whether a network has what one reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from rvm_jax.atomic_files import reason
from rvm_jax.errors import UserError
from rvm_jax.networks import functional
from rvm_jax.networks.api import Network
from rvm_jax.train.losses import still
from rvm_jax.train.losses.rvm import alpha, alpha_composed, matting, segmentation, trimap
from rvm_jax.train.losses.terms import Batch, Components

# From a network in training view, a batch of uint8 arrays and the step's own random key to the loss's components.
Loss = Callable[..., Components]

OBJECTIVES: Mapping[str, Loss] = {
    "alpha": alpha,
    "trimap": trimap,
    "matting": matting,
    "segmentation": segmentation,
    "alpha_composed": alpha_composed,
    "picture": still.picture,
    "modnet": still.modnet,
    "mgmatting": still.mgmatting,
}
# Options of losses: {name: {the loss's argument: the key beside `train.loss`}}.
_OPTIONS = {"matting": {"downsample_ratio": "downsample_ratio"}, "alpha_composed": {"share": "batch_occlusion"}}

# A clip of one frame with all that losses read, for tracing: sides that every network takes, and the pyramid.
_CHANNELS = {"src": 3, "pha": 1, "fgr": 3, "bgr": 3, "seg": 1, "trimap": 1, "occluder": 4}
_CLIP = {name: jax.ShapeDtypeStruct((1, 1, 64, 64, channels), jnp.uint8) for name, channels in _CHANNELS.items()}


@dataclass(frozen=True)
class Objective:
    """A loss with its options, as a config chose it.

    Attributes:
        name: its key in `OBJECTIVES`.
        loss: the function.
    """

    name: str
    loss: Loss

    def __call__(self, network: Network, batch: Batch, key: jax.Array) -> Components:
        """Returns the components, their sum as `total`."""
        return self.loss(network, batch, key)

    def check(self, network: Network) -> None:
        """Traces the loss once over a small clip.

        Raises:
            UserError: if the network does not take, or give, what the loss asks of it.
        """
        graphdef, *tensors = functional.split(nnx.view(network, use_running_average=False))
        try:
            jax.eval_shape(
                lambda params, batch_stats, batch: self(
                    functional.merge(graphdef, params, batch_stats), batch, jax.random.key(0)
                ),
                *tensors,
                _CLIP,
            )
        except (AttributeError, TypeError) as error:
            raise UserError(
                f"train.loss={self.name} does not fit the network {network.name} ({reason(error)}); its own is "
                f"train.loss={network.default_loss}"
            ) from error


def make_objective(train: Mapping[str, Any], objectives: Mapping[str, Loss] = OBJECTIVES) -> Objective:
    """Returns the objective that a config's `train` section, or one of its phases, names as `loss`.

    Args:
        train: the section.
        objectives: the losses by name.

    Raises:
        UserError: if the name is unknown, an option is missing, or one is given to a loss that has none.
    """
    name = train["loss"]
    if name not in objectives:
        raise UserError(f"train.loss '{name}' is unknown; use one of {', '.join(objectives)}")
    if train.get("downsample_ratio", 1) != 1 and name != "matting":
        raise UserError(f"train.loss '{name}' takes no downsample_ratio; only matting has a high-resolution pass")
    options = {}
    for argument, key in _OPTIONS.get(name, {}).items():
        if key in train:
            options[argument] = train[key]
        elif key == "batch_occlusion":
            raise UserError(f"train.loss '{name}' needs train.{key}, the share of the batches that are occluded")
    return Objective(name, partial(objectives[name], **options) if options else objectives[name])
