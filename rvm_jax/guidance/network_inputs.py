"""From a batch of clips to what a network's call takes: normalised pictures, and the mask or trimap that it wants.

Inside `jit`, for training and validation alike. Batches hold `src` and `pha` uint8 (B, T, H, W, C), and `trimap` (0,
128, 255) or `mask` (0..255) where the pipeline made them; what is missing is derived from `pha`.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

UNKNOWN = 128
# MGMatting perturbs its masks by kernels of up to 30 pixels, and trimaps are drawn with kernels of 1 to 29: so many
# steps of one pixel in either direction.
_MAX_STEPS = 14
# The band of a trimap that is derived without a key: 7 pixels beside any alpha that is neither 0 nor 1.
_BAND_STEPS = 7


def network_inputs(network: Any, batch: Mapping[str, Any], key: jax.Array | None = None) -> tuple[jax.Array, ...]:
    """Returns the arguments of `network(…)` for a batch.

    Args:
        network: any network of the project; its `wants` and `normalise` say what it takes.
        batch: see above.
        key: draws how a mask that is derived is spoilt, so that a network learns to mend it, and how wide the unknown
            band of a derived trimap is; None leaves the mask whole and the band at 7 pixels.
    """
    inputs = [network.normalise(_unit(batch["src"]))]
    if network.wants.guidance == "mask":
        if "mask" in batch:
            inputs.append((batch["mask"] >= 128).astype(inputs[0].dtype))
        else:
            inputs.append(coarse_mask(_unit(batch["pha"]), key))
    elif network.wants.guidance == "trimap":
        trimap = batch["trimap"] if "trimap" in batch else derived_trimap(batch["pha"], key)
        inputs.append(one_hot(trimap).astype(inputs[0].dtype))
    return tuple(inputs)


def one_hot(trimap: jax.Array) -> jax.Array:
    """(…, 1) of 0, 128 and 255 to (…, 3): background, unknown, foreground."""
    return jnp.concatenate([trimap == 0, trimap == UNKNOWN, trimap == 255], -1)


def derived_trimap(pha: jax.Array, key: jax.Array | None = None) -> jax.Array:
    """A trimap of alphas (B, T, H, W, 1) uint8: unknown where they are neither 0 nor 255, and up to 14 pixels (drawn
    for the batch; 7 without a key) beside."""
    steps = _BAND_STEPS if key is None else jax.random.randint(key, (), 0, _MAX_STEPS + 1)
    frames = pha.reshape(-1, *pha.shape[-3:])
    # A hard edge has no partial alpha: its two pixels are unknown.
    edge = grow(frames > 0, 1) & grow(frames < 255, 1)
    unknown = grow(edge | ((frames > 0) & (frames < 255)), steps)
    return jnp.where(unknown, jnp.uint8(UNKNOWN), frames).reshape(pha.shape)


def coarse_mask(pha: jax.Array, key: jax.Array | None) -> jax.Array:
    """The mask of alphas in [0, 1], (B, T, H, W, 1): where they are one half or more.

    With a key: above a random threshold, and all masks of the batch grown or shrunk by up to 14 pixels, as MGMatting
    (section 3.3) spoils its masks in training.
    """
    if key is None:
        return (pha >= 0.5).astype(pha.dtype)
    threshold_key, sign_key, steps_key = jax.random.split(key, 3)
    frames = pha.reshape(-1, *pha.shape[-3:])
    mask = frames > jax.random.uniform(threshold_key, (frames.shape[0], 1, 1, 1))
    shrinks = jax.random.bernoulli(sign_key)
    grown = grow(mask ^ shrinks, jax.random.randint(steps_key, (), 0, _MAX_STEPS + 1)) ^ shrinks
    return grown.reshape(pha.shape).astype(pha.dtype)


def grow(region: jax.Array, steps: int | jax.Array) -> jax.Array:
    """Widens a boolean (N, H, W, 1) by `steps` pixels, which may be traced: an octagon, near to a circle."""

    def step(index: jax.Array, region: jax.Array) -> jax.Array:
        cross = _shifted(region, 1) | _shifted(region, 2)
        square = _shifted(_shifted(region, 1), 2)
        return jnp.where(index % 5 % 2 == 0, cross, square)  # three in five: the most regular octagon

    return jax.lax.fori_loop(0, steps, step, region)


def _shifted(region: jax.Array, axis: int) -> jax.Array:
    """True where a pixel or one of its two neighbours on the axis is."""
    length = region.shape[axis]
    edges = [(1, 1) if i == axis else (0, 0) for i in range(region.ndim)]
    padded = jnp.pad(region, edges)
    before, after = (jax.lax.slice_in_dim(padded, i, i + length, axis=axis) for i in (0, 2))
    return before | region | after


def _unit(values: jax.Array) -> jax.Array:
    return jnp.asarray(values, float) / 255
