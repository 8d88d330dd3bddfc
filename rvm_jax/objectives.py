"""What a training step minimises: from a network in training view and a batch of uint8 arrays to loss components."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from rvm_jax import losses
from rvm_jax.errors import UserError
from rvm_jax.networks.rvm import MattingNetwork

Batch = Mapping[str, jax.Array]
# The last argument is the step's own random key.
Objective = Callable[[MattingNetwork, Batch, jax.Array], losses.Components]


def make_objective(train: Mapping) -> Objective:
    """Returns the objective that a config's `train` section names as `loss`. Raises UserError for an unknown name."""
    name = train["loss"]
    if name == "alpha_composed":
        share = train["batch_occlusion"]
        return lambda network, batch, key: alpha_composed(network, batch, key, share)
    if name not in OBJECTIVES:
        raise UserError(f"train.loss '{name}' is unknown; use one of {', '.join(OBJECTIVES)}, alpha_composed")
    return OBJECTIVES[name]


def _from(batch: Batch, name: str, remedy: str) -> jax.Array:
    if name not in batch:
        raise UserError(f"train.loss needs `{name}` in the clips, which hold {', '.join(batch)}; {remedy}")
    return batch[name]


def alpha(network: MattingNetwork, batch: Batch, key: jax.Array) -> losses.Components:
    """The alpha's loss over all pixels: the face recipes' first stage. Uses `src` and `pha`."""
    return losses.alpha_loss(network(unit(batch["src"])).pha, unit(batch["pha"]))


def trimap(network: MattingNetwork, batch: Batch, key: jax.Array) -> losses.Components:
    """The alpha's loss over the trimap's unknown region: the second stage by its intent. Also uses `trimap`."""
    return losses.trimap_loss(
        network(unit(batch["src"])).pha, unit(batch["pha"]), _from(batch, "trimap", "set data.trimap=True")
    )


def matting(network: MattingNetwork, batch: Batch, key: jax.Array) -> losses.Components:
    """The alpha's and the foreground's loss: RVM's own recipes. Also uses `fgr`."""
    if not network.foreground:
        raise UserError("train.loss=matting needs a foreground; set network.foreground=True, or train.loss=alpha")
    fgr = unit(_from(batch, "fgr", "use the technique rvm"))
    matte = network(unit(batch["src"]))
    return losses.matting_loss(matte.pha, unit(batch["pha"]), matte.fgr, fgr)


def alpha_composed(network: MattingNetwork, batch: Batch, key: jax.Array, share: float) -> losses.Components:
    """The second stage as its published config computed it: composed here, a `share` of the batches occluded.

    Uses the bare face `src`, its mask `pha` and `occluder` (B, T, H, W, 4), RGBA over the whole frame. The label, mask
    minus occluder alpha, is not clipped: it is -1 where the occluder lies beside the face.
    """
    occluder = unit(_from(batch, "occluder", "use the technique published_stage2"))
    cover = occluder[..., 3:] * (jax.random.uniform(key) <= share)
    src = occluder[..., :3] * cover + unit(batch["src"]) * (1 - cover)
    return losses.alpha_loss(network(src).pha, unit(batch["pha"]) - cover)


OBJECTIVES: dict[str, Objective] = {"alpha": alpha, "trimap": trimap, "matting": matting}


def unit(values: jax.Array) -> jax.Array:
    """uint8 to float (of JAX's default width) in [0, 1]: on the device, so that a quarter of the bytes travels."""
    return jnp.asarray(values, float) / 255
