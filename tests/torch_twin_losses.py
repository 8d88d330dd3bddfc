"""The losses and the training step of RVM and of its face-matting fork in PyTorch (paper, section 4), for parity tests.

Alphas are (B, T, 1, H, W) and foregrounds (B, T, 3, H, W) in [0, 1]. Every loss returns its components and their sum
under `total`; means run over all pixels, masked ones included.
"""

import functools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Tensors = dict[str, Tensor]

BINOMIAL = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0])


def alpha_loss(pred: Tensor, true: Tensor) -> Tensors:
    return with_total(
        pha_l1=F.l1_loss(pred, true),
        pha_laplacian=laplacian_loss(pred.flatten(0, 1), true.flatten(0, 1)),
        pha_coherence=coherence_loss(pred, true),
    )


def matting_loss(pred_pha: Tensor, true_pha: Tensor, pred_fgr: Tensor, true_fgr: Tensor) -> Tensors:
    """The alpha loss and the foreground's, whose frames are zeroed where their true alpha is 0 before all else."""
    parts = alpha_loss(pred_pha, true_pha)
    del parts["total"]
    mask = true_pha > 0
    pred_fgr, true_fgr = pred_fgr * mask, true_fgr * mask
    return with_total(
        **parts,
        fgr_l1=F.l1_loss(pred_fgr, true_fgr),
        fgr_coherence=coherence_loss(pred_fgr, true_fgr),
    )


def trimap_loss(pred: Tensor, true: Tensor, trimap: Tensor) -> Tensors:
    """The alpha loss weighted by the unknown region (trimap 128 of 0, 128, 255), as in the fork's second stage."""
    mask = (trimap == 128).to(pred)
    return with_total(
        pha_l1=F.l1_loss(pred * mask, true * mask),
        pha_laplacian=laplacian_loss(pred.flatten(0, 1), true.flatten(0, 1), mask.flatten(0, 1)),
        pha_coherence=coherence_loss(pred * mask, true * mask),
    )


def segmentation_loss(logits: Tensor, target: Tensor) -> Tensors:
    return {"total": F.binary_cross_entropy_with_logits(logits, target)}


def coherence_loss(pred: Tensor, true: Tensor) -> Tensor:
    """5 times the mean squared error of the change from frame to frame; 0 for a single frame."""
    if pred.shape[1] == 1:
        return pred.new_zeros(())
    return 5 * F.mse_loss(pred[:, 1:] - pred[:, :-1], true[:, 1:] - true[:, :-1])


def laplacian_loss(pred: Tensor, true: Tensor, mask: Tensor | None = None, levels: int = 5) -> Tensor:
    """L1 of two Laplacian pyramids of (N, 1, H, W), sides 64 or more; level i weighs 2^i, the sum is divided by 5."""
    total = pred.new_zeros(())
    for level in range(levels):
        pred, true = crop_to_even(pred), crop_to_even(true)
        pred_small, true_small = halve(pred), halve(true)
        difference = (pred - double(pred_small)) - (true - double(true_small))
        if mask is not None:
            mask = crop_to_even(mask)
            difference = difference * mask
            mask = halve(mask)
        total = total + 2**level * difference.abs().mean()
        pred, true = pred_small, true_small
    return total / levels


def halve(x: Tensor) -> Tensor:
    return blur(x)[:, :, ::2, ::2]


def double(x: Tensor) -> Tensor:
    spread = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    spread[:, :, ::2, ::2] = 4 * x
    return blur(spread)


def blur(x: Tensor) -> Tensor:
    kernel = torch.outer(BINOMIAL, BINOMIAL).to(x) / 256
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel[None, None])


def crop_to_even(x: Tensor) -> Tensor:
    height, width = x.shape[2:]
    return x[:, :, : height - height % 2, : width - width % 2]


def with_total(**parts: Tensor) -> Tensors:
    return {**parts, "total": functools.reduce(torch.add, parts.values())}


# What a training step computes, by the names of the golden data: network and batch to loss components. A batch has
# `src`, `pha`, `fgr` and `seg` in [0, 1] and `trimap` of 0, 128, 255, each (B, T, C, H, W), where the step needs it.


def face_alpha(network: nn.Module, batch: Tensors) -> Tensors:
    pha, *_ = network(batch["src"])
    return alpha_loss(pha, batch["pha"])


def face_trimap(network: nn.Module, batch: Tensors) -> Tensors:
    pha, *_ = network(batch["src"])
    return trimap_loss(pha, batch["pha"], batch["trimap"])


def rvm_matting(network: nn.Module, batch: Tensors) -> Tensors:
    fgr, pha, *_ = network(batch["src"])
    return matting_loss(pha, batch["pha"], fgr, batch["fgr"])


def rvm_segmentation(network: nn.Module, batch: Tensors) -> Tensors:
    seg, *_ = network(batch["src"], segmentation_pass=True)
    return segmentation_loss(seg, batch["seg"])


STEPS: dict[str, Callable[[nn.Module, Tensors], Tensors]] = {
    "face_alpha": face_alpha,
    "face_trimap": face_trimap,
    "rvm_matting": rvm_matting,
    "rvm_segmentation": rvm_segmentation,
}


def adam(
    network: nn.Module, backbone: float = 1e-4, aspp: float = 2e-4, decoder: float = 2e-4, refiner: float = 0.0
) -> torch.optim.Adam:
    """Adam with PyTorch's defaults and a learning rate per group; the projections belong to the decoder."""
    rates = {
        "backbone": backbone,
        "aspp": aspp,
        "decoder": decoder,
        "project_mat": decoder,
        "project_seg": decoder,
        "refiner": refiner,
    }
    groups = [{"params": list(getattr(network, name).parameters()), "lr": rate} for name, rate in rates.items()]
    return torch.optim.Adam([group for group in groups if group["params"]])


def train_step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    step: Callable[[nn.Module, Tensors], Tensors],
    batch: Tensors,
) -> Tensors:
    """One Adam step in train mode from a zero state; returns the components before it and leaves the gradients."""
    network.train()
    optimizer.zero_grad(set_to_none=True)
    parts = step(network, batch)
    parts["total"].backward()
    optimizer.step()
    return {name: value.detach() for name, value in parts.items()}
