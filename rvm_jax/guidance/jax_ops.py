"""From a batch of clips to what a network's call takes: normalised pictures, and the mask or trimap that it wants.

Inside `jit`, for training and validation alike; `numpy_ops` has the same for single pictures. Batches hold `src` and
`pha` uint8 (B, T, H, W, C), and `trimap` (0, 128, 255) or `mask` (0..255) where the pipeline made them; what is missing
is derived from `pha`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.guidance.values import (
    BACKGROUND,
    CHANNELS,
    FOREGROUND,
    IN_FRONT,
    UNKNOWN,
    Guidance,
    band_kernel,
    check_encoded,
    widest_kernel,
)
from rvm_jax.networks.api import Array, InputSpec


class Guidable(Protocol):
    """What is asked of a network: what its call takes, and how its pictures are normalised."""

    @property
    def inputs(self) -> InputSpec: ...

    def normalise(self, src: jax.Array) -> jax.Array: ...


def network_inputs(
    network: Guidable, batch: Mapping[str, Array], key: jax.Array | None = None
) -> tuple[jax.Array, ...]:
    """Returns the arguments of `network(…)` for a batch.

    Args:
        network: any network of the project; its `inputs` and `normalise` say what it takes.
        batch: see above.
        key: draws how a mask that is derived is perturbed, so that a network learns to refine it, and the kernels of a
            trimap that is derived; None leaves the mask whole and the band in the middle of what is drawn.
    """
    inputs = [network.normalise(unit(batch["src"]))]
    if network.inputs.guidance == "mask":
        if "mask" in batch:
            inputs.append((jnp.asarray(batch["mask"]) >= IN_FRONT).astype(inputs[0].dtype))
        else:
            inputs.append(coarse_mask(unit(batch["pha"]), key))
    elif network.inputs.guidance == "trimap":
        trimap = batch["trimap"] if "trimap" in batch else derived_trimap(batch["pha"], key)
        inputs.append(one_hot(trimap).astype(inputs[0].dtype))
    return tuple(inputs)


def check_input(
    name: str, kind: Guidance | None, image: jax.Array | np.ndarray, guidance: jax.Array | np.ndarray | None
) -> None:
    """Checks what a network's call is given beside the image (..., H, W, 3).

    Raises:
        UserError: naming the network, if its mask (..., H, W, 1) or trimap (..., H, W, 3) is missing, superfluous, of
            another shape or (outside of `jit`) has other values.
    """
    if kind is None:
        if guidance is not None:
            raise UserError(f"{name} takes the image alone, without a mask or trimap")
        return
    wanted = (*image.shape[:-1], CHANNELS[kind])
    if guidance is None:
        raise UserError(f"{name} needs a {kind} beside the image: network(image, {kind}), of shape {wanted}")
    if tuple(guidance.shape) != wanted:
        raise UserError(f"{name}: the {kind} has shape {tuple(guidance.shape)}, but this image needs {wanted}")
    if not isinstance(guidance, jax.core.Tracer):  # inside jit there are no values to look at
        check_encoded(np.asarray(guidance), kind, name)


def one_hot(trimap: Array) -> jax.Array:
    """Splits a trimap (..., 1) of 0, 128 and 255 into (..., 3) bool: background, unknown, foreground."""
    return jnp.concatenate([trimap == value for value in (BACKGROUND, UNKNOWN, FOREGROUND)], -1)


def derived_trimap(pha: Array, key: jax.Array | None = None) -> jax.Array:
    """Derives trimaps of alphas (B, T, H, W, 1) uint8, as `numpy_ops.trimap` does.

    With a key the two kernels are drawn as the pipeline draws them, but once for the batch.
    """
    height, width = pha.shape[-3:-1]
    largest = widest_kernel(height, width)
    if key is None:
        kernels = jnp.full(2, band_kernel(height, width))
        largest = max(largest, band_kernel(height, width))
    else:
        kernels = jax.random.randint(key, (2,), 1, largest + 1)
    frames = jnp.asarray(pha).reshape(-1, *pha.shape[-3:])
    foreground = ~dilate(frames < FOREGROUND, kernels[0], largest)
    background = ~dilate(frames > BACKGROUND, kernels[1], largest)
    known = jnp.where(foreground, jnp.uint8(FOREGROUND), jnp.uint8(UNKNOWN))
    return jnp.where(background, jnp.uint8(BACKGROUND), known).reshape(pha.shape)


def coarse_mask(pha: jax.Array, key: jax.Array | None) -> jax.Array:
    """Derives the mask of alphas in [0, 1], (B, T, H, W, 1): where they are one half or more.

    With a key: above a random threshold, and all masks of the batch grown or shrunk by a random kernel, as MGMatting
    (section 3.3) perturbs its masks in training.
    """
    if key is None:
        return (pha >= 0.5).astype(pha.dtype)
    largest = widest_kernel(*pha.shape[-3:-1])
    threshold_key, sign_key, kernel_key = jax.random.split(key, 3)
    frames = pha.reshape(-1, *pha.shape[-3:])
    mask = frames > jax.random.uniform(threshold_key, (frames.shape[0], 1, 1, 1))
    shrinks = jax.random.bernoulli(sign_key)
    grown = dilate(mask ^ shrinks, jax.random.randint(kernel_key, (), 1, largest + 1), largest) ^ shrinks
    return grown.reshape(pha.shape).astype(pha.dtype)


def dilate(region: jax.Array, kernel: int | jax.Array, largest: int | None = None) -> jax.Array:
    """Dilates a boolean (N, H, W, 1) as cv2.dilate does with cv2's MORPH_ELLIPSE.

    Args:
        region: what grows; nothing grows in from beyond the border.
        kernel: the ellipse's width and height in pixels, 1 or more; it may be traced.
        largest: the widest that `kernel` can be, where it is traced.
    """
    if largest is None:
        largest = int(kernel)
    margin = largest // 2
    padded = jnp.pad(region, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    # Level k of the table: whether any of 2**k pixels in the row is, from each one on. A row of the ellipse is one run
    # of pixels, and so the union of two runs of a power of two.
    table = [padded]
    for level in range(largest.bit_length() - 1):
        last, step = table[-1], 1 << level
        table.append(last | jnp.pad(last[:, :, step:], ((0, 0), (0, 0), (0, step), (0, 0))))
    runs, rows = jnp.stack(table), jnp.asarray(_ellipse_rows(largest))[kernel]

    def run(level: jax.Array, top: jax.Array, left: jax.Array) -> jax.Array:
        starts = [jnp.asarray(start, jnp.int32) for start in (level, 0, top, left + margin, 0)]
        return jax.lax.dynamic_slice(runs, starts, (1, *region.shape))[0]

    def with_row(number: jax.Array, grown: jax.Array) -> jax.Array:
        level, first, second = rows[number]
        top = number - kernel // 2 + margin
        return grown | run(level, top, first) | run(level, top, second)

    grown: jax.Array = jax.lax.fori_loop(0, kernel, with_row, jnp.zeros_like(region))
    return grown


@lru_cache(maxsize=32)
def _ellipse_rows(largest: int) -> np.ndarray:
    """Returns (largest + 1, largest, 3) int32: of each row of each ellipse the level, and where its two runs begin."""
    rows = np.zeros((largest + 1, largest, 3), np.int32)
    for width in range(1, largest + 1):
        for number, pixels in enumerate(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))):
            columns = np.flatnonzero(pixels)
            level = len(columns).bit_length() - 1
            first, last = columns[0] - width // 2, columns[-1] - width // 2
            rows[width, number] = level, first, last + 1 - (1 << level)
    return rows


def unit(values: Array) -> jax.Array:
    """Converts uint8 to float (of JAX's default width) in [0, 1]: on the device, so a quarter of the bytes travels."""
    return jnp.asarray(values, float) / 255
