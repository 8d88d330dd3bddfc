"""Maps of few channels as squares of 2×2 pixels, whose pixels lie side by side in the channels (space to depth).

A TPU pads the last axis of an array to 128 lanes: 16 channels of 512×512 pixels would be moved as eight times what they
are. As squares they are 64 channels of 256×256. Channels of a square are ordered by row, column, channel.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rvm_jax.networks.layers.kernels.precision import EXACT

PIXELS = 4  # of a square


class Squares(NamedTuple):
    """Maps (B, H, W, C) of even sides, held as `maps`, (B, H / 2, W / 2, 4·C)."""

    maps: jax.Array

    def pixels(self) -> jax.Array:
        """Returns the maps as (B, H, W, C)."""
        return depth_to_space(self.maps)


def pixels(x: jax.Array | Squares) -> jax.Array:
    """Returns maps as (B, H, W, C), however they are held."""
    return x.pixels() if isinstance(x, Squares) else x


def is_even(x: jax.Array) -> bool:
    """Says whether maps (B, H, W, C) are whole squares."""
    return x.shape[1] % 2 == x.shape[2] % 2 == 0


def space_to_depth(x: jax.Array) -> jax.Array:
    """Returns (B, H, W, C) as (B, H / 2, W / 2, 4·C), bit for bit.

    Columns are parted by a product with a permutation, which a TPU has units for; slices with a step, or a
    transposition of pairs of pixels, it would pad to 128 lanes each.
    """
    batch, height, width, channels = x.shape
    parted = jnp.einsum("bhwc,wv->bchv", x, _parting(width, x.dtype), precision=EXACT)
    squares = parted.reshape(batch, channels, height // 2, 2, 2, width // 2).transpose(0, 2, 5, 3, 4, 1)
    return squares.reshape(batch, height // 2, width // 2, PIXELS * channels)


def depth_to_space(squares: jax.Array) -> jax.Array:
    """Returns (B, h, w, 4·C) as (B, 2h, 2w, C), bit for bit."""
    batch, rows, columns, channels = squares.shape
    parted = squares.transpose(0, 3, 1, 2).reshape(batch, 2, 2, channels // PIXELS, rows, columns)
    parted = parted.transpose(0, 3, 4, 1, 2, 5).reshape(batch, channels // PIXELS, 2 * rows, 2 * columns)
    return jnp.einsum("bchv,wv->bhwc", parted, _parting(2 * columns, squares.dtype), precision=EXACT)


def kernel_on_squares(weight: jax.Array, channels: Sequence[int] | None = None, parts: int = 1) -> jax.Array:
    """Returns the kernel on squares, (k, k, 4·I, 4·O), that does what (k, k, I, O) does on pixels, for k of 1 or 3.

    Args:
        weight: the kernel on pixels.
        channels: of the maps that are joined, each of them squares; None for one map.
        parts: how many maps of squares, side by side, the result shall be: so it splits by channel as pixels do.
    """
    taps = jnp.asarray(_taps(weight.shape[0]), weight.dtype)

    def kernel(part: jax.Array) -> jax.Array:
        spread = jnp.einsum("axmc,byne,xyio->mnceiabo", taps, taps, part, precision=EXACT)
        return spread.reshape(*spread.shape[:2], PIXELS * part.shape[2], PIXELS * part.shape[3])

    ends = np.cumsum(channels or [weight.shape[2]])[:-1]
    rows = [jnp.split(part, parts, axis=3) for part in jnp.split(weight, ends, axis=2)]
    return jnp.concatenate([jnp.concatenate([kernel(part) for part in row], 3) for row in rows], 2)


def bias_on_squares(bias: jax.Array, parts: int = 1) -> jax.Array:
    """Returns the bias (4·O,) that goes with `kernel_on_squares`."""
    return jnp.concatenate([jnp.tile(part, PIXELS) for part in jnp.split(bias, parts)])


def halving_kernel(weight: jax.Array) -> jax.Array:
    """Returns the kernel on squares, (2, 2, 4·C, O), for a (3, 3, C, O) on pixels of stride 2: it sees the square
    before and the square itself, along both axes."""
    _, _, channels, outputs = weight.shape
    even = jnp.pad(weight, ((1, 0), (1, 0), (0, 0), (0, 0)))  # the first pixel of the square before is not seen
    kernel = even.reshape(2, 2, 2, 2, channels, outputs).transpose(0, 2, 1, 3, 4, 5)
    return kernel.reshape(2, 2, PIXELS * channels, outputs)


def _parting(width: int, dtype: jnp.dtype) -> jax.Array:
    """The permutation (W, W) that puts even columns first, then odd ones; computed, not written into the program."""
    columns = jnp.arange(width)
    target = columns % 2 * (width // 2) + columns // 2
    return (target[:, None] == columns).astype(dtype)


def _taps(size: int) -> np.ndarray:
    """1 at [pixel a of a square, tap, square's tap, pixel c of that square] where the tap sees that pixel."""
    taps = np.zeros((2, size, size, 2), np.float32)
    for pixel in range(2):
        for tap in range(size):
            square, seen = divmod(pixel + tap - size // 2, 2)
            taps[pixel, tap, square + size // 2, seen] = 1
    return taps
