"""The decoder's last block in the form that XLA runs fastest on a CPU: the same numbers, for inference.

Measured on one core with jax 0.10.2, 512×512 frames: a 3×3 convolution without padding takes three times as long as one
padded to the same size, and one to 16 channels runs at half the multiply rate of one to 64.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.layers.basic import Conv2d
from rvm_jax.networks.layers.initializers import on_device
from rvm_jax.networks.layers.kernels import XLA, Kernels
from rvm_jax.networks.layers.kernels.space_to_depth import Squares, kernel_on_squares

# [phase a, tap of the large kernel, tap of the small kernel]: the large pixel 2i + a + (tap - 1) in terms of the small
# pixels i - 1, i, i + 1, by bilinear weights at half-pixel centres.
_BILINEAR = np.array(
    [
        [[0.75, 0.25, 0], [0.25, 0.75, 0], [0, 0.75, 0.25]],
        [[0.25, 0.75, 0], [0, 0.75, 0.25], [0, 0.25, 0.75]],
    ]
)


class PolyphaseOutputBlock(nnx.Module):
    """Computes the decoder's `OutputBlock`, batch norms folded, with the doubling inside its first convolution.

    Each of the four pixels that a small one becomes is a 3×3 convolution of the *small* x, with kernels that hold the
    bilinear weights too. They are one convolution to four times the channels, whose result is spread over the pixels.
    The frames join at the small size, the four pixels of a square side by side.
    """

    kernels: Kernels = XLA

    def __init__(self, first: Conv2d, last: Conv2d):
        weight, bias = _tensors(first)
        inputs = weight.shape[2] - 3
        on_squares = np.asarray(kernel_on_squares(jnp.asarray(weight[:, :, inputs:], jnp.float32)))
        kernels = np.concatenate([_on_doubled(weight[:, :, :inputs]), on_squares], 2)
        self.first = _convolution(kernels, np.zeros(kernels.shape[-1]))
        self.edge = _convolution(weight[:, :, :inputs], bias)
        self.last = last

    def __call__(self, x: jax.Array, src: jax.Array) -> jax.Array | Squares:
        """As `OutputBlock`."""
        height, width = src.shape[1:3]
        # The doubling repeats the edge of x; the convolution pads frames by zeros. A second ring makes it one with
        # padding, and is cropped.
        small = jnp.concatenate([_ring(x, "edge"), _ring(_squares(src), "constant")], -1)
        phases = self.first(small)[:, 1:-1, 1:-1]
        y = _interleaved(phases)[:, :height, :width] - self._beyond_the_edge(x, height, width)
        assert self.edge.bias is not None
        return jax.nn.relu(self.last(jax.nn.relu(y + self.edge.bias[...])))

    def _beyond_the_edge(self, x: jax.Array, height: int, width: int) -> jax.Array:
        """What the phases see beyond the doubled picture, where the convolution has zeros: x's outermost pixels."""
        weight = self.edge.weight[...]
        convolve = partial(conv_line, precision=self.kernels.lax_precision)
        top, bottom = (_doubled_line(line, width) for line in (x[:, 0], x[:, -1]))
        left, right = (_doubled_line(line, height)[:, 1:-1] for line in (x[:, :, 0], x[:, :, -1]))

        def row(line: jax.Array, kernel: jax.Array, before: int, after: int) -> jax.Array:
            return jnp.pad(convolve(line, kernel, 0)[:, None], ((0, 0), (before, after), (0, 0), (0, 0)))

        def column(line: jax.Array, kernel: jax.Array, before: int, after: int) -> jax.Array:
            return jnp.pad(convolve(line, kernel, 1)[:, :, None], ((0, 0), (0, 0), (before, after), (0, 0)))

        rows = row(top, weight[0], 0, height - 1) + row(bottom, weight[2], height - 1, 0)
        columns = column(left, weight[:, 0], 0, width - 1) + column(right, weight[:, 2], width - 1, 0)
        return rows + columns


def _ring(x: jax.Array, mode: str) -> jax.Array:
    return jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode=mode)


def _squares(frames: jax.Array) -> jax.Array:
    """(B, H, W, C) to (B, ⌈H/2⌉, ⌈W/2⌉, 4·C), zeros beyond an odd edge."""
    batch, height, width, channels = frames.shape
    even = jnp.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
    rows, columns = even.shape[1] // 2, even.shape[2] // 2
    squares = even.reshape(batch, rows, 2, columns, 2, channels).transpose(0, 1, 3, 2, 4, 5)
    return squares.reshape(batch, rows, columns, 4 * channels)


def _interleaved(phases: jax.Array) -> jax.Array:
    """(B, h, w, 4·C) to (B, 2h, 2w, C)."""
    batch, rows, columns, channels = phases.shape
    squares = phases.reshape(batch, rows, columns, 2, 2, channels // 4).transpose(0, 1, 3, 2, 4, 5)
    return squares.reshape(batch, 2 * rows, 2 * columns, channels // 4)


def _doubled_line(line: jax.Array, length: int) -> jax.Array:
    """Doubles (B, n, C) bilinearly and returns its pixels -1 to `length`, (B, length + 2, C)."""
    near = jnp.pad(line, ((0, 0), (1, 1), (0, 0)), mode="edge")
    doubled = doubled_between(near)
    return jnp.pad(doubled, ((0, 0), (1, 1), (0, 0)), mode="edge")[:, : length + 2]


def doubled_between(near: jax.Array) -> jax.Array:
    """Doubles (B, n + 2, C) bilinearly but for its first and last pixel, (B, 2n, C)."""
    before, here, after = near[:, :-2], near[:, 1:-1], near[:, 2:]
    pairs = jnp.stack([0.25 * before + 0.75 * here, 0.75 * here + 0.25 * after], 2)
    return pairs.reshape(near.shape[0], -1, near.shape[2])


def conv_line(line: jax.Array, kernel: jax.Array, pad: int, precision: jax.lax.Precision) -> jax.Array:
    """Convolves (B, n, I) with (k, I, O), zeros beyond its ends."""
    return jax.lax.conv_general_dilated(
        line.astype(kernel.dtype),
        kernel,
        (1,),
        [(pad, pad)],
        dimension_numbers=("NWC", "WIO", "NWC"),
        precision=precision,
    )


def _on_doubled(weight: np.ndarray) -> np.ndarray:
    """Kernels (3, 3, C, 4·O) on x, for those (3, 3, C, O) on x doubled."""
    kernels: np.ndarray = np.einsum("axm,byn,xyio->mniabo", _BILINEAR, _BILINEAR, weight)
    return kernels.reshape(*kernels.shape[:3], -1)


def _tensors(convolution: Any) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(convolution.weight[...], np.float64), np.asarray(convolution.bias[...], np.float64)


def _convolution(weight: np.ndarray, bias: np.ndarray) -> Conv2d:
    size, _, inputs, outputs = weight.shape
    convolution = Conv2d(inputs, outputs, size, rngs=None)
    convolution.weight = nnx.Param(on_device(weight, np.float32))
    convolution.bias = nnx.data(nnx.Param(on_device(bias, np.float32)))
    return convolution
