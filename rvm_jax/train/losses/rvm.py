"""The losses of RVM (Lin et al. 2021, section 4.2) and of the face-matting fork.

Alphas are (B, T, H, W, 1) and foregrounds (B, T, H, W, 3), float32 in [0, 1]. Each loss returns its components, and
their sum as `total`. Means run over all pixels, also where a mask leaves some out.
"""

import jax
import jax.numpy as jnp

from rvm_jax.errors import UserError

Components = dict[str, jax.Array]
LEVELS = 5


def alpha_loss(pred: jax.Array, true: jax.Array) -> Components:
    """L1, Laplacian pyramid and temporal coherence of the alpha. Sides of 64 or more (UserError)."""
    return _with_total(
        pha_l1=l1(pred, true),
        pha_laplacian=laplacian(pred, true),
        pha_coherence=coherence(pred, true),
    )


def matting_loss(pred_pha: jax.Array, true_pha: jax.Array, pred_fgr: jax.Array, true_fgr: jax.Array) -> Components:
    """The alpha's loss, and L1 and coherence of the foreground where the true alpha is above 0."""
    mask = true_pha > 0
    pred_fgr, true_fgr = pred_fgr * mask, true_fgr * mask
    return _with_total(
        pha_l1=l1(pred_pha, true_pha),
        pha_laplacian=laplacian(pred_pha, true_pha),
        pha_coherence=coherence(pred_pha, true_pha),
        fgr_l1=l1(pred_fgr, true_fgr),
        fgr_coherence=coherence(pred_fgr, true_fgr),
    )


def trimap_loss(pred: jax.Array, true: jax.Array, trimap: jax.Array) -> Components:
    """The alpha's loss, weighted by the unknown region; `trimap` (B, T, H, W, 1) is 0, 128 or 255.

    The pyramids are built from the unmasked alphas, and level i is weighted by the mask blurred and halved i times.
    """
    mask = (trimap == 128).astype(pred.dtype)
    return _with_total(
        pha_l1=l1(pred * mask, true * mask),
        pha_laplacian=laplacian(pred, true, mask),
        pha_coherence=coherence(pred * mask, true * mask),
    )


def segmentation_loss(logits: jax.Array, target: jax.Array) -> Components:
    """Binary cross-entropy of logits (…, 1) with a target in [0, 1] of the same shape."""
    return {"total": (jax.nn.softplus(logits) - logits * target).mean()}


def l1(pred: jax.Array, true: jax.Array) -> jax.Array:
    """The mean absolute difference."""
    return _abs(pred - true).mean()


def coherence(pred: jax.Array, true: jax.Array) -> jax.Array:
    """5 times the mean squared error of the frames' changes; 0 for a single frame (the original gives NaN)."""
    if pred.shape[1] == 1:
        return jnp.zeros((), pred.dtype)
    change = (pred[:, 1:] - pred[:, :-1]) - (true[:, 1:] - true[:, :-1])
    return 5 * jnp.square(change).mean()


def laplacian(pred: jax.Array, true: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """L1 between Laplacian pyramids: level i weighs 2^i, the sum is divided by the number of levels.

    Raises:
        UserError: a side is below 64: the coarsest level's blur would reach beyond its reflection.
    """
    height, width = pred.shape[-3:-1]
    if min(height, width) < 2 ** (LEVELS + 1):
        raise UserError(f"the Laplacian loss needs sides of {2 ** (LEVELS + 1)} or more, not {height}×{width}")
    # A pyramid is linear: one of the difference is the difference of two.
    error = (pred - true).reshape(-1, height, width)
    weight = None if mask is None else mask.reshape(-1, height, width)
    total = jnp.zeros((), pred.dtype)
    for level in range(LEVELS):
        error = _crop_to_even(error)
        small = _shrink(error)
        detail = error - _expand(small)
        if weight is not None:
            weight = _crop_to_even(weight)
            detail = detail * weight
            weight = _shrink(weight)
        total = total + 2**level * _abs(detail).mean()
        error = small
    return total / LEVELS


def _abs(x: jax.Array) -> jax.Array:
    """|x| with PyTorch's slope 0 at 0 (that of `jnp.abs` is 1): matted pixels often agree exactly."""
    return x * jax.lax.stop_gradient(jnp.sign(x))


def _crop_to_even(x: jax.Array) -> jax.Array:
    return x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]


def _shrink(x: jax.Array) -> jax.Array:
    """Blurs (N, H, W) by the 5×5 binomial kernel, edges reflected, and keeps every second pixel."""
    for axis in (1, 2):
        half = x.shape[axis] // 2
        padded = jnp.pad(x, [(2, 2) if i == axis else (0, 0) for i in range(3)], mode="reflect")
        taps = [jax.lax.slice_in_dim(padded, i, i + 2 * half - 1, 2, axis) for i in range(5)]
        x = (taps[0] + taps[4] + 4 * (taps[1] + taps[3]) + 6 * taps[2]) / 16
    return x


def _expand(x: jax.Array) -> jax.Array:
    """Spreads (N, H, W) over every second pixel of twice the size and blurs by 4 times the same kernel.

    Even pixels see three values of x and odd ones two; the spread zeros' reflection at the ends is x's second and last.
    """
    for axis in (1, 2):
        n = x.shape[axis]
        first, last = (jax.lax.slice_in_dim(x, i, i + 1, axis=axis) for i in (1, n - 1))
        padded = jnp.concatenate([first, x, last], axis)
        before, here, after = (jax.lax.slice_in_dim(padded, i, i + n, axis=axis) for i in range(3))
        pairs = jnp.stack([(before + 6 * here + after) / 8, (here + after) / 2], axis + 1)
        x = pairs.reshape(*x.shape[:axis], 2 * n, *x.shape[axis + 1 :])
    return x


def _with_total(**components: jax.Array) -> Components:
    return {**components, "total": sum(components.values(), start=jnp.zeros(()))}
