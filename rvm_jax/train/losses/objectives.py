"""What a training step minimises: from a network in training view and a batch of arrays to loss components."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from rvm_jax.errors import UserError
from rvm_jax.train.losses import rvm as losses
from rvm_jax.train.losses import still as still_losses

Batch = Mapping[str, jax.Array]
# The last argument is the step's own random key.
Objective = Callable[[Any, Batch, jax.Array], losses.Components]


def make_objective(train: Mapping) -> Objective:
    """Returns the objective that a config's `train` section, or one of its passes, names as `loss`.

    Raises UserError for an unknown name, and where `downsample_ratio` is given to an objective that has none.
    """
    name, ratio = train["loss"], train.get("downsample_ratio", 1.0)
    if name == "matting":
        return partial(matting, downsample_ratio=ratio)
    if ratio != 1:
        raise UserError(f"train.loss '{name}' takes no downsample_ratio; only matting has a high-resolution pass")
    if name == "alpha_composed":
        return partial(alpha_composed, share=train["batch_occlusion"])
    if name not in OBJECTIVES:
        raise UserError(f"train.loss '{name}' is unknown; use one of {', '.join(OBJECTIVES)}, alpha_composed")
    return OBJECTIVES[name]


def _from(batch: Batch, name: str, remedy: str) -> jax.Array:
    if name not in batch:
        raise UserError(f"train.loss needs `{name}` in the clips, which hold {', '.join(batch)}; {remedy}")
    return batch[name]


def alpha(network: Any, batch: Batch, key: jax.Array) -> losses.Components:
    """The alpha's loss over all pixels: the face recipes' first stage. Uses `src` and `pha`."""
    return losses.alpha_loss(network(unit(batch["src"])).pha, unit(batch["pha"]))


def trimap(network: Any, batch: Batch, key: jax.Array) -> losses.Components:
    """The alpha's loss over the trimap's unknown region: the second stage by its intent. Also uses `trimap`."""
    return losses.trimap_loss(
        network(unit(batch["src"])).pha, unit(batch["pha"]), _from(batch, "trimap", "set data.trimap=True")
    )


def matting(network: Any, batch: Batch, key: jax.Array, downsample_ratio: float = 1.0) -> losses.Components:
    """The alpha's and the foreground's loss: RVM's own recipes. Also uses `fgr`.

    At a ratio below 1 the matte goes through the refiner, and the losses run at full size: RVM's third stage.
    """
    if not network.foreground:
        raise UserError("train.loss=matting needs a foreground; set network.foreground=True, or train.loss=alpha")
    fgr = unit(_from(batch, "fgr", "use the technique rvm"))
    matte = network(unit(batch["src"]), downsample_ratio=downsample_ratio)
    return losses.matting_loss(matte.pha, unit(batch["pha"]), matte.fgr, fgr)


def segmentation(network: Any, batch: Batch, key: jax.Array) -> losses.Components:
    """Binary cross-entropy of the person's mask `seg`: RVM's segmentation pass, which keeps it to what persons are."""
    target = unit(_from(batch, "seg", "use the technique segmentation"))
    return losses.segmentation_loss(network(unit(batch["src"]), segmentation_pass=True).seg, target)


def alpha_composed(network: Any, batch: Batch, key: jax.Array, share: float) -> losses.Components:
    """The second stage as its published config computed it: composed here, a `share` of the batches occluded.

    Uses the bare face `src`, its mask `pha` and `occluder` (B, T, H, W, 4), RGBA over the whole frame. The label, mask
    minus occluder alpha, is not clipped: it is -1 where the occluder lies beside the face.
    """
    occluder = unit(_from(batch, "occluder", "use the technique published_stage2"))
    cover = occluder[..., 3:] * (jax.random.uniform(key) <= share)
    src = occluder[..., :3] * cover + unit(batch["src"]) * (1 - cover)
    return losses.alpha_loss(network(src).pha, unit(batch["pha"]) - cover)


OBJECTIVES: dict[str, Objective] = {
    "alpha": alpha,
    "trimap": trimap,
    "matting": matting,
    "segmentation": segmentation,
    **still_losses.OBJECTIVES,
}


def unit(values: jax.Array) -> jax.Array:
    """uint8 to float (of JAX's default width) in [0, 1]: on the device, so that a quarter of the bytes travels."""
    return jnp.asarray(values, float) / 255
