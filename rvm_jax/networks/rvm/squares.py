"""The decoder's last blocks in the form that a TPU runs at the least traffic: the same numbers, for inference."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from rvm_jax.networks.layers.basic import Conv2d
from rvm_jax.networks.layers.kernels import XLA, Kernels
from rvm_jax.networks.layers.kernels.space_to_depth import (
    Squares,
    bias_on_squares,
    depth_to_space,
    is_even,
    kernel_on_squares,
    space_to_depth,
)
from rvm_jax.networks.layers.resampling import upsample2_to_squares
from rvm_jax.networks.rvm.polyphase import PolyphaseOutputBlock, conv_line, doubled_between

# Doubled, x at its first pixel is 0.75 of it where zeros lie beyond and all of it where the edge is repeated; the pixel
# before is a quarter of it, and beyond the picture, where the convolution has zeros.
_MISSING = 0.25


class SquaresUpsamplingBlock(nnx.Module):
    """Computes a narrow `UpsamplingBlock`, batch norms folded, on squares of 2×2 pixels; its state stays of pixels."""

    kernels: Kernels = XLA

    def __init__(self, conv: Conv2d, gru: Any, on_pixels: nnx.Module):
        self.conv, self.gru, self.on_pixels = conv, gru, on_pixels

    def __call__(self, x: jax.Array, skip: jax.Array, src: jax.Array, r: jax.Array) -> tuple[jax.Array, jax.Array]:
        """As `UpsamplingBlock`."""
        if not is_even(src):
            result: tuple[jax.Array, jax.Array] = self.on_pixels(x, skip, src, r)
            return result
        assert self.conv.bias is not None
        widths = [x.shape[-1], skip.shape[-1], src.shape[-1]]
        maps = jnp.concatenate([upsample2_to_squares(x), space_to_depth(skip), space_to_depth(src)], -1)
        y = self.kernels.conv(maps, kernel_on_squares(self.conv.weight[...], widths, parts=2))
        a, b = jnp.split(jax.nn.relu(y + bias_on_squares(self.conv.bias[...], parts=2)), 2, axis=-1)
        b, r = self.gru.on_squares(b, space_to_depth(r))
        return jnp.concatenate([depth_to_space(a), depth_to_space(b)], -1), depth_to_space(r)


class SquaresOutputBlock(PolyphaseOutputBlock):
    """Computes the decoder's `OutputBlock` on squares of 2×2 pixels from end to end.

    As in its base the doubling of x is part of the first convolution, which pads x by zeros here. The doubling repeats
    the edge of x, and the convolution sees zeros beyond the doubled picture: two rows and columns at each edge differ,
    and are added.
    """

    def __call__(self, x: jax.Array, src: jax.Array) -> jax.Array | Squares:
        """As `OutputBlock`."""
        if not is_even(src):
            return super().__call__(x, src)
        assert self.edge.bias is not None
        bias = bias_on_squares(self.edge.bias[...])
        y = self.first(jnp.concatenate([x, space_to_depth(src)], -1)) + bias + self._at_the_edges(x)
        return Squares(jax.nn.relu(self.last.on_squares(jax.nn.relu(y))))

    def _at_the_edges(self, x: jax.Array) -> jax.Array:
        """What the outermost squares lack, (B, h, w, 4·C), zeros within."""
        batch, rows, columns, _ = x.shape
        weight = self.edge.weight[...]
        convolve = partial(_near_and_far, precision=self.kernels.lax_precision)
        along, across = weight, weight.swapaxes(0, 1)
        top, bottom = (_doubled(x[:, row], repeat=True) for row in (0, -1))
        left, right = (_doubled(x[:, :, column], repeat=False) for column in (0, -1))

        def row(line: jax.Array, kernels: jax.Array, first: bool) -> jax.Array:
            near, far = convolve(line, kernels)  # of the edge's own pixel, and of the one inside: (B, 2·w, C) each
            pair = jnp.stack([near, far] if first else [far, near], 2)  # (B, 2·w, rows of a square, C)
            squares = pair.reshape(batch, columns, 2, 2, -1).swapaxes(2, 3).reshape(batch, 1, columns, -1)
            return jnp.pad(squares, ((0, 0), (0, rows - 1) if first else (rows - 1, 0), (0, 0), (0, 0)))

        def column(line: jax.Array, kernels: jax.Array, first: bool) -> jax.Array:
            near, far = convolve(line, kernels)
            pair = jnp.stack([near, far] if first else [far, near], 2)  # (B, 2·h, columns of a square, C)
            squares = pair.reshape(batch, rows, 1, -1)
            return jnp.pad(squares, ((0, 0), (0, 0), (0, columns - 1) if first else (columns - 1, 0), (0, 0)))

        return (
            row(top, along, first=True)
            + row(bottom, along[::-1], first=False)
            + column(left, across, first=True)
            + column(right, across[::-1], first=False)
        )


def _near_and_far(line: jax.Array, kernels: jax.Array, precision: jax.lax.Precision) -> tuple[jax.Array, jax.Array]:
    """Returns what the edge's pixels lack and those beside them: of a line (B, n + 2, C), with a pixel beyond each end,
    and kernels (3, 3, C, O) whose first axis goes inwards."""
    beyond = conv_line(line, kernels[0], 0, precision)
    return _MISSING * (conv_line(line, kernels[1], 0, precision) - beyond), _MISSING * beyond


def _doubled(line: jax.Array, repeat: bool) -> jax.Array:
    """Doubles (B, n, C) to (B, 2n + 2, C), pixels -1 to 2n.

    With its ends repeated, and zeros beyond the doubled line; or with zeros beyond its own ends.
    """
    near = jnp.pad(line, ((0, 0), (1, 1), (0, 0)), mode="edge") if repeat else jnp.pad(line, ((0, 0), (2, 2), (0, 0)))
    doubled = doubled_between(near)
    return jnp.pad(doubled, ((0, 0), (1, 1), (0, 0))) if repeat else doubled[:, 1:-1]
