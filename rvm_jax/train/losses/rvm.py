"""The losses of RVM (Lin et al. 2021, section 4.2) and of the face-matting fork.

`…_loss` compares arrays in [0, 1] as `rvm_jax.train.losses.terms` describes them. The others are what a training step
minimises, from a network in training view, a batch of uint8 arrays and the step's random key; the network is given what
it is evaluated with (`network_inputs`), whichever network it is.
"""

from typing import Protocol

import jax
import jax.numpy as jnp

from rvm_jax.errors import UserError
from rvm_jax.guidance.jax_ops import network_inputs
from rvm_jax.networks.api import Array, Network, RecurrentNetwork
from rvm_jax.networks.rvm.model import Segmentation
from rvm_jax.train.losses.terms import Batch, Components, coherence, l1, laplacian, unit, with_total


class SegmentingNetwork(Protocol):
    """A network that also tells persons from all else."""

    def __call__(self, src: Array, /, *, segmentation_pass: bool) -> Segmentation:
        """Returns the logits of a segmentation of `src`, RGB in [0, 1], float (B, T, H, W, 3)."""


def alpha_loss(pred: Array, true: Array) -> Components:
    """Returns L1, Laplacian pyramid and temporal coherence of the alpha; sides must be 64 or more."""
    return with_total(
        pha_l1=l1(pred, true),
        pha_laplacian=laplacian(pred, true),
        pha_coherence=coherence(pred, true),
    )


def matting_loss(pred_pha: Array, true_pha: Array, pred_fgr: Array, true_fgr: Array) -> Components:
    """Returns the alpha's loss, and L1 and coherence of the foreground where the true alpha is above 0."""
    mask = true_pha > 0
    pred_fgr, true_fgr = pred_fgr * mask, true_fgr * mask
    return with_total(
        pha_l1=l1(pred_pha, true_pha),
        pha_laplacian=laplacian(pred_pha, true_pha),
        pha_coherence=coherence(pred_pha, true_pha),
        fgr_l1=l1(pred_fgr, true_fgr),
        fgr_coherence=coherence(pred_fgr, true_fgr),
    )


def trimap_loss(pred: Array, true: Array, trimap: Array) -> Components:
    """Returns the alpha's loss, weighted by the unknown region; `trimap` (B, T, H, W, 1) is 0, 128 or 255.

    The pyramids are built from the unmasked alphas, and their levels are weighted by the mask.
    """
    mask = (trimap == 128).astype(pred.dtype)
    return with_total(
        pha_l1=l1(pred * mask, true * mask),
        pha_laplacian=laplacian(pred, true, mask),
        pha_coherence=coherence(pred * mask, true * mask),
    )


def segmentation_loss(logits: Array, target: Array) -> Components:
    """Returns binary cross-entropy of logits (…, 1) with a target in [0, 1] of the same shape."""
    return {"total": (jax.nn.softplus(logits) - logits * target).mean()}


def alpha(network: Network, batch: Batch, key: jax.Array) -> Components:
    """Minimises the alpha's loss over all pixels: the face recipes' first stage. Uses `src` and `pha`."""
    return alpha_loss(network(*network_inputs(network, batch, key)).pha, unit(batch["pha"]))


def trimap(network: Network, batch: Batch, key: jax.Array) -> Components:
    """Minimises the alpha's loss over the unknown region: the second stage by its intent. Also uses `trimap`."""
    region = _array(batch, "trimap", "set data.trimap=True")
    return trimap_loss(network(*network_inputs(network, batch, key)).pha, unit(batch["pha"]), region)


def matting(network: RecurrentNetwork, batch: Batch, key: jax.Array, downsample_ratio: float = 1.0) -> Components:
    """Minimises the alpha's and the foreground's loss: RVM's own recipes. Also uses `fgr`.

    At a ratio below 1 the matte goes through the refiner, and the losses run at full size: RVM's third stage.
    """
    if not getattr(network, "foreground", False):
        raise UserError(
            "train.loss=matting needs a network with a foreground; set network.foreground=True (RVM's), or another "
            "train.loss"
        )
    fgr = unit(_array(batch, "fgr", "use the technique rvm"))
    matte = network(unit(batch["src"]), downsample_ratio=downsample_ratio)
    assert matte.fgr is not None  # as `network.foreground` says
    return matting_loss(matte.pha, unit(batch["pha"]), matte.fgr, fgr)


def segmentation(network: SegmentingNetwork, batch: Batch, key: jax.Array) -> Components:
    """Minimises binary cross-entropy of the persons' mask `seg`: RVM's segmentation pass, which keeps it to persons."""
    target = unit(_array(batch, "seg", "use the technique segmentation"))
    return segmentation_loss(network(unit(batch["src"]), segmentation_pass=True).seg, target)


def alpha_composed(network: Network, batch: Batch, key: jax.Array, share: float) -> Components:
    """Minimises what the published second stage did: composed here, a `share` of the batches occluded.

    Uses the bare face `src`, its mask `pha` and `occluder` (B, T, H, W, 4), RGBA over the whole frame. The label, mask
    minus occluder alpha, is not clipped: it is -1 where the occluder lies beside the face.
    """
    occluder = unit(_array(batch, "occluder", "use the technique published_stage2"))
    cover = occluder[..., 3:] * (jax.random.uniform(key) <= share)
    src = occluder[..., :3] * cover + unit(batch["src"]) * (1 - cover)
    inputs = network_inputs(network, batch, key)[1:]
    return alpha_loss(network(network.normalise(src), *inputs).pha, unit(batch["pha"]) - cover)


def _array(batch: Batch, name: str, remedy: str) -> jax.Array:
    if name not in batch:
        raise UserError(f"train.loss needs `{name}` in the clips, which hold {', '.join(batch)}; {remedy}")
    return jnp.asarray(batch[name])
