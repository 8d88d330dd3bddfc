"""The decoder's upsampling blocks with the doubling inside the convolution: the same numbers with less traffic.

`conv3x3(concat(double(x), skip, src))` is a sum over its inputs. The part that sees double(x) needs no large input: each
of the four pixels that a small one becomes is a 3×3 convolution of the *small* x, with kernels that hold the bilinear
weights too. They are one convolution to four times the channels, whose result is dealt out to the pixels. Convolutions
of few output channels are also the ones that run slowest on a CPU.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.decoder import OutputBlock, UpsamplingBlock
from rvm_jax.networks.layers import conv

# [phase a, tap of the large kernel, tap of the small kernel]: large pixel 2i + a + (tap - 1) in terms of the small
# pixels i - 1, i, i + 1, by bilinear weights at half-pixel centres.
_BILINEAR = np.array(
    [
        [[0.75, 0.25, 0], [0.25, 0.75, 0], [0, 0.75, 0.25]],
        [[0.25, 0.75, 0], [0, 0.75, 0.25], [0, 0.25, 0.75]],
    ]
)
# [phase a, tap of the large kernel, tap of the small kernel, phase c]: 1 where 2 · (small tap) + c is that pixel.
_PHASES = np.zeros((2, 3, 3, 2))
for _a in range(2):
    for _tap in range(3):
        _small, _phase = divmod(_a + _tap - 1, 2)
        _PHASES[_a, _tap, _small + 1, _phase] = 1

# Convolutions whose input channels are no multiple of this run at half the speed on the CPU.
_ALIGNED = 4


class PolyphaseUpsamplingBlock(nnx.Module):
    """`UpsamplingBlock` with its batch norm folded, for inference."""

    def __init__(self, block: UpsamplingBlock, inputs: int):
        weight, bias = _tensors(block.conv[0])
        self.x_weight, self.rest_weight = _Kernel(_doubled(weight[:, :, :inputs])), _Kernel(weight[:, :, inputs:])
        self.edge_weight, self.bias = _Kernel(weight[:, :, :inputs]), _Kernel(bias)
        self.gru = block.gru

    def __call__(self, x: jax.Array, skip: jax.Array, src: jax.Array, r: jax.Array) -> tuple[jax.Array, jax.Array]:
        """As `UpsamplingBlock`."""
        height, width = src.shape[1:3]
        rest = jnp.concatenate([skip, src.astype(skip.dtype)], -1)
        spare = -rest.shape[-1] % _ALIGNED
        rest = jnp.pad(rest, ((0, 0), (0, 0), (0, 0), (0, spare)))
        rest_weight = jnp.pad(self.rest_weight.value, ((0, 0), (0, 0), (0, spare), (0, 0)))
        y = conv_doubled(x, self.x_weight.value, self.edge_weight.value, height, width)
        y = jax.nn.relu(y + conv(rest, rest_weight) + self.bias.value)
        a, b = jnp.split(y, 2, axis=-1)
        b, r = self.gru(b, r)
        return jnp.concatenate([a, b], -1), r


class PolyphaseOutputBlock(nnx.Module):
    """`OutputBlock` with its batch norms folded, for inference; src joins at the small size, four pixels in one."""

    def __init__(self, block: OutputBlock, inputs: int):
        weight, bias = _tensors(block.conv[0])
        self.weight = _Kernel(np.concatenate([_doubled(weight[:, :, :inputs]), _dealt(weight[:, :, inputs:])], 2))
        self.edge_weight, self.bias = _Kernel(weight[:, :, :inputs]), _Kernel(bias)
        self.last = block.conv[3]

    def __call__(self, x: jax.Array, src: jax.Array) -> jax.Array:
        """As `OutputBlock`."""
        batch, height, width, channels = src.shape
        even = jnp.pad(src, ((0, 0), (0, height % 2), (0, width % 2), (0, 0))).astype(x.dtype)
        small = even.reshape(batch, x.shape[1], 2, x.shape[2], 2, channels).transpose(0, 1, 3, 2, 4, 5)
        small = small.reshape(*x.shape[:3], 4 * channels)
        y = conv_doubled(x, self.weight.value, self.edge_weight.value, height, width, small)
        return jax.nn.relu(self.last(jax.nn.relu(y + self.bias.value)))


class _Kernel(nnx.Module):
    """One tensor."""

    def __init__(self, value: np.ndarray):
        self.weight = nnx.Param(jnp.asarray(value, jnp.float32))

    @property
    def value(self) -> jax.Array:
        return self.weight[...]


def conv_doubled(
    x: jax.Array, weight: jax.Array, edge_weight: jax.Array, height: int, width: int, small: jax.Array | None = None
) -> jax.Array:
    """Convolves x (B, h, w, C), doubled bilinearly and cropped to (height, width), padded by zeros.

    Args:
        weight: `_doubled` kernels (3, 3, C, 4 · O), and those for `small` below them.
        edge_weight: the kernel (3, 3, C, O) on the doubled x.
        small: further channels at the small size, (B, h, w, K), padded by zeros.
    """
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    if small is not None:
        padded = jnp.concatenate([padded, jnp.pad(small, ((0, 0), (1, 1), (1, 1), (0, 0)))], -1)
    phases = jax.lax.conv_general_dilated(
        padded.astype(weight.dtype), weight, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    batch, rows, columns, outputs = phases.shape
    y = phases.reshape(batch, rows, columns, 2, 2, outputs // 4).transpose(0, 1, 3, 2, 4, 5)
    y = y.reshape(batch, 2 * rows, 2 * columns, outputs // 4)[:, :height, :width]
    return y - _beyond_the_edge(x, edge_weight, height, width)


def _beyond_the_edge(x: jax.Array, weight: jax.Array, height: int, width: int) -> jax.Array:
    """What the phases see beyond the doubled picture, where the convolution has zeros: x's outermost pixels again."""
    top, bottom = (_doubled_line(line, width) for line in (x[:, 0], x[:, -1]))
    left, right = (_doubled_line(line, height)[:, 1:-1] for line in (x[:, :, 0], x[:, :, -1]))

    def line(values: jax.Array, kernel: jax.Array, padding: tuple[int, int]) -> jax.Array:
        return jax.lax.conv_general_dilated(
            values.astype(kernel.dtype), kernel, (1,), [padding], dimension_numbers=("NWC", "WIO", "NWC")
        )

    above = line(top, weight[0], (0, 0))[:, None]
    below = line(bottom, weight[2], (0, 0))[:, None]
    before = line(left, weight[:, 0], (1, 1))[:, :, None]
    after = line(right, weight[:, 2], (1, 1))[:, :, None]
    rows = jnp.pad(above, ((0, 0), (0, height - 1), (0, 0), (0, 0))) + jnp.pad(
        below, ((0, 0), (height - 1, 0), (0, 0), (0, 0))
    )
    columns = jnp.pad(before, ((0, 0), (0, 0), (0, width - 1), (0, 0))) + jnp.pad(
        after, ((0, 0), (0, 0), (width - 1, 0), (0, 0))
    )
    return rows + columns


def _doubled_line(line: jax.Array, length: int) -> jax.Array:
    """Doubles (B, n, C) bilinearly and returns its pixels -1 to `length`, (B, length + 2, C)."""
    near = jnp.pad(line, ((0, 0), (1, 1), (0, 0)), mode="edge")
    before, here, after = near[:, :-2], near[:, 1:-1], near[:, 2:]
    pairs = jnp.stack([0.25 * before + 0.75 * here, 0.75 * here + 0.25 * after], 2)
    doubled = pairs.reshape(line.shape[0], 2 * line.shape[1], line.shape[2])
    return jnp.pad(doubled, ((0, 0), (1, 1), (0, 0)), mode="edge")[:, : length + 2]


def _doubled(weight: np.ndarray) -> np.ndarray:
    """Kernels (3, 3, C, 4 · O) on x for those (3, 3, C, O) on x doubled."""
    kernels = np.einsum("adm,ben,deio->mniabo", _BILINEAR, _BILINEAR, weight)
    return kernels.reshape(*kernels.shape[:3], -1)


def _dealt(weight: np.ndarray) -> np.ndarray:
    """Kernels (3, 3, 4 · C, 4 · O) on the pixels of each 2×2 square side by side, for those (3, 3, C, O) on pixels."""
    kernels = np.einsum("axmc,bynd,xyio->mncdiabo", _PHASES, _PHASES, weight)
    return kernels.reshape(3, 3, 4 * weight.shape[2], 4 * weight.shape[3])


def _tensors(convolution: nnx.Module) -> tuple[np.ndarray, np.ndarray]:
    weight, bias = convolution.weight[...], convolution.bias[...]  # type: ignore[attr-defined]
    return np.asarray(weight, np.float64), np.asarray(bias, np.float64)
