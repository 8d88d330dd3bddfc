"""What the image networks minimise, each as an objective of a training step (`rvm_jax.train.losses.objectives`).

The published comparison gives all four L1, a Laplacian pyramid and a composition loss on the alpha; MODNet's objective
adds its semantic and detail terms, MGMatting's takes its three scales, by the paper's weights.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rvm_jax.guidance.jax_ops import derived_trimap, dilate, network_inputs
from rvm_jax.guidance.values import UNKNOWN
from rvm_jax.networks.api import Network
from rvm_jax.networks.layers.resampling import shrink
from rvm_jax.train.losses.terms import Batch, Components, l1, laplacian, unit, with_total

_MODNET_WEIGHT = 10.0  # of the semantic and of the detail term
_SEMANTIC_STRIDE = 16
_BLUR_SIGMA = 0.8  # OpenCV's for 3 pixels: 0.3 · ((3 - 1) · 0.5 - 1) + 0.8
# Of the paper's total, section 3.4; and how far unknown regions are widened at random in training.
_SCALE_WEIGHTS = {"os8": 1 / 6, "os4": 2 / 6, "os1": 3 / 6}
_MAX_STEPS = {"os4": 14, "os1": 7}
_DECIDED = np.float32(1 / 255)


def picture(network: Network, batch: Batch, key: jax.Array) -> Components:
    """Minimises L1, Laplacian pyramid and composition loss of the alpha: ResNet18's and AEMatter's.

    Uses `src` and `pha`, and `trimap` if the network wants it and the clips have it.
    """
    result, src, true = _result(network, batch, key)
    return with_total(**alpha_components(result.supervised, true, src))


def modnet(network: Network, batch: Batch, key: jax.Array) -> Components:
    """Minimises the same, and MODNet's own two terms.

    These are 10 times L1 between the semantic estimate and the blurred alpha at 1/16, and 10 times L1 of the detail
    estimate in the trimap's unknown band. Uses `src`, `pha`, and `trimap` if the clips have it (else one of random
    width is derived).
    """
    result, src, true = _result(network, batch, key)
    trimap = batch["trimap"] if "trimap" in batch else derived_trimap(jnp.asarray(batch["pha"]), key)
    band = trimap == UNKNOWN
    coarse = blurred(shrink(true.reshape(-1, *true.shape[-3:]), _SEMANTIC_STRIDE))
    semantic = result.semantic.reshape(coarse.shape)
    return with_total(
        **alpha_components(result.matte, true, src),
        semantic=_MODNET_WEIGHT * l1(semantic, coarse),
        detail=_MODNET_WEIGHT * l1(jnp.where(band, result.detail, true), true),
    )


def mgmatting(network: Network, batch: Batch, key: jax.Array) -> Components:
    """Minimises the alpha's loss at three scales, by the paper's weights.

    At 1/8 it runs over all pixels, at 1/4 and full size where the coarser alpha is undecided, or near such a place.
    Uses `src` and `pha`; a mask that the network wants is made of `pha`, and perturbed.
    """
    result, src, true = _result(network, batch, key)
    totals: Components = {}
    coarser: jax.Array | None = None
    for index, (scale, weight) in enumerate(_SCALE_WEIGHTS.items()):
        alpha = getattr(result, f"alpha_{scale}")
        if coarser is None:
            region = jnp.ones((), alpha.dtype)
        else:
            steps = jax.random.randint(jax.random.fold_in(key, index), (), 0, _MAX_STEPS[scale] + 1)
            region = _undecided(coarser, steps).astype(alpha.dtype)
        # Outside of its region a scale is the truth: it has no error there.
        own = region * alpha + (1 - region) * true
        totals[scale] = weight * sum(alpha_components(own, true, src).values(), start=jnp.zeros(()))
        coarser = jnp.where(region > 0, alpha, coarser if coarser is not None else alpha)
    return with_total(**totals)


def alpha_components(pred: jax.Array, true: jax.Array, src: jax.Array) -> Components:
    """Returns L1, Laplacian pyramid and composition loss of alphas (B, T, H, W, 1); `src` is the picture in [0, 1].

    The composition is the picture cut out by the alpha: the published one composes over layers that a clip does not
    keep, and their difference is the same where the layers behind are black.
    """
    return {
        "pha_l1": l1(pred, true),
        "pha_laplacian": laplacian(pred, true),
        "composition": l1(pred * src, true * src),
    }


def blurred(x: jax.Array) -> jax.Array:
    """Blurs (N, h, w, 1) by a Gaussian of 3×3 pixels, edges reflected."""
    side = np.exp(-0.5 / _BLUR_SIGMA**2)
    edge, middle = side / (1 + 2 * side), 1 / (1 + 2 * side)
    for axis in (1, 2):
        padded = jnp.pad(x, [(1, 1) if i == axis else (0, 0) for i in range(x.ndim)], mode="reflect")
        before, here, after = (jax.lax.slice_in_dim(padded, i, i + x.shape[axis], axis=axis) for i in range(3))
        x = edge * (before + after) + middle * here
    return x


def _result(network: Network, batch: Batch, key: jax.Array) -> tuple[Any, jax.Array, jax.Array]:
    mask_key, drop_key = jax.random.split(key)
    result = network(*network_inputs(network, batch, mask_key), key=drop_key)
    return result, unit(batch["src"]), unit(batch["pha"])


def _undecided(alpha: jax.Array, steps: jax.Array) -> jax.Array:
    """Returns where an alpha (B, T, H, W, 1) is neither 0 nor 1 to 8 bits, and up to `steps` pixels beside."""
    frames = jax.lax.stop_gradient(alpha).reshape(-1, *alpha.shape[-3:])
    undecided = (frames >= _DECIDED) & (frames <= 1 - _DECIDED)
    return dilate(undecided, 2 * steps + 1, 2 * max(_MAX_STEPS.values()) + 1).reshape(alpha.shape)
