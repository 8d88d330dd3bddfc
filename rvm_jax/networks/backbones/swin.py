"""The Swin transformer (Liu et al. 2021, arXiv 2103.14030) on maps (B, H, W, C), its tiny form as an encoder.

Attention runs in windows of 7×7 tokens; every second block shifts them by 3. Maps are zero-padded to whole
windows after the layer norm; these tokens take part in the attention, as in the original.
"""

from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.layers.attention import attend, drop_path, keys, split_heads
from rvm_jax.networks.layers.basic import Conv2d
from rvm_jax.networks.layers.dense import LayerNorm, Linear
from rvm_jax.networks.layers.initializers import initial_value, normal, on_device, zeros
from rvm_jax.networks.layers.kernels import XLA, Kernels

WINDOW = 7
_SHIFT = WINDOW // 2
_DEPTHS, _WIDTHS, _HEADS = (2, 2, 6, 2), (96, 192, 384, 768), (3, 6, 12, 24)
_Linear = partial(Linear, init=normal(0.02), bias_init=zeros)


class SwinTiny(nnx.Module):
    """Features (B, H, W, `inputs`) to maps at 1/2, 1/4, 1/8 and 1/16 of their size with 96 to 768 channels.

    `rate` is the last block's stochastic depth; it rises linearly from 0 over the blocks.
    """

    CHANNELS = _WIDTHS
    # Swin's own ImageNet file cuts patches out of the picture and classifies: what it lacks of this encoder keeps its
    # starting values, and what it has beside it is dropped (`torch_weights.load_backbone`).
    KEPT = ("patch_embed.proj.*", "norm[0-3].*")
    DROPPED = ("patch_embed.proj.*", "*.attn_mask", "norm.*", "head.*")

    def __init__(self, inputs: int, *, rate: float, rngs: nnx.Rngs | None):
        rates = np.linspace(0, rate, sum(_DEPTHS)).tolist()
        self.patch_embed = PatchEmbed(inputs, _WIDTHS[0], rngs=rngs)
        stages = []
        for index, (depth, width, heads) in enumerate(zip(_DEPTHS, _WIDTHS, _HEADS, strict=True)):
            own, rates = rates[:depth], rates[depth:]
            stages.append(SwinStage(width, heads, own, merges=index < len(_DEPTHS) - 1, rngs=rngs))
        self.layers = nnx.List(stages)
        self.norm0, self.norm1, self.norm2, self.norm3 = (LayerNorm(width) for width in _WIDTHS)

    def __call__(self, x: jax.Array, key: jax.Array | None) -> tuple[jax.Array, ...]:
        x = self.patch_embed(x)
        outputs = []
        norms = (self.norm0, self.norm1, self.norm2, self.norm3)
        for stage, norm, own_key in zip(self.layers, norms, keys(key, len(norms)), strict=True):
            x = stage(x, own_key)
            outputs.append(norm(x))
            x = x if stage.downsample is None else stage.downsample(x)
        return tuple(outputs)


class PatchEmbed(nnx.Module):
    """AEMatter's: a 3×3 convolution of stride 2 in place of Swin's 4×4 patches."""

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs | None):
        self.proj = Conv2d(inputs, outputs, 3, stride=2, rngs=rngs)
        self.norm = LayerNorm(outputs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.norm(self.proj(x))


class SwinStage(nnx.Module):
    """Blocks whose windows are shifted by turns, one for each of `rates` of stochastic depth; then, where `merges`,
    `downsample`, which the caller applies."""

    def __init__(self, channels: int, heads: int, rates: list[float], *, merges: bool = False, rngs: nnx.Rngs | None):
        blocks = [
            SwinBlock(channels, heads, shift=_SHIFT * (index % 2), rate=rate, rngs=rngs)
            for index, rate in enumerate(rates)
        ]
        self.blocks = nnx.List(blocks)
        self.downsample = PatchMerging(channels, rngs=rngs) if merges else None

    def __call__(self, x: jax.Array, key: jax.Array | None) -> jax.Array:
        for block, own_key in zip(self.blocks, keys(key, len(self.blocks)), strict=True):
            x = block(x, own_key)
        return x


class SwinBlock(nnx.Module):
    """Windowed attention and a two-layer perceptron, each with a layer norm before and the input added."""

    def __init__(self, channels: int, heads: int, *, shift: int, rate: float, rngs: nnx.Rngs | None):
        self.shift, self.rate = shift, rate
        self.norm1 = LayerNorm(channels)
        self.attn = WindowAttention(channels, heads, rngs=rngs)
        self.norm2 = LayerNorm(channels)
        self.mlp = Mlp(channels, rngs=rngs)

    def __call__(self, x: jax.Array, key: jax.Array | None) -> jax.Array:
        first, second = keys(key, 2)
        x = x + drop_path(self._attended(self.norm1(x)), self.rate, first)
        return x + drop_path(self.mlp(self.norm2(x)), self.rate, second)

    def _attended(self, x: jax.Array) -> jax.Array:
        height, width = x.shape[1:3]
        x = jnp.pad(x, ((0, 0), (0, -height % WINDOW), (0, -width % WINDOW), (0, 0)))
        size = x.shape[1:3]
        mask = shift_mask(*size) if self.shift else None
        x = jnp.roll(x, (-self.shift, -self.shift), (1, 2)) if self.shift else x
        x = _from_windows(self.attn(_to_windows(x), mask), size)
        x = jnp.roll(x, (self.shift, self.shift), (1, 2)) if self.shift else x
        return x[:, :height, :width]


class WindowAttention(nnx.Module):
    """Attention among the tokens of a window, with a learnt bias for each offset between two of them."""

    kernels: Kernels = XLA

    def __init__(self, channels: int, heads: int, *, rngs: nnx.Rngs | None):
        self.heads = heads
        self.relative_position_bias_table = nnx.Param(initial_value(normal(0.02), rngs, ((2 * WINDOW - 1) ** 2, heads)))
        # A constant, which PyTorch's state dict has for every block.
        self.relative_position_index = nnx.BatchStat(on_device(relative_position_index()))
        self.qkv = _Linear(channels, 3 * channels, rngs=rngs)
        self.proj = _Linear(channels, channels, rngs=rngs)

    def __call__(self, x: jax.Array, mask: np.ndarray | None) -> jax.Array:
        """Takes (B, windows, 49, C), and a mask (windows, 49, 49) to add to the attention's logits."""
        table = self.relative_position_bias_table[...]
        bias = jnp.moveaxis(table[relative_position_index()], -1, 0)
        if mask is not None:
            bias = bias + jnp.asarray(mask, bias.dtype)[:, None]
        return self.proj(attend(*split_heads(self.qkv(x), self.heads), bias, kernels=self.kernels))


class Mlp(nnx.Module):
    """Four times the width and back, with the exact GELU between."""

    def __init__(self, channels: int, *, rngs: nnx.Rngs | None):
        self.fc1 = _Linear(channels, 4 * channels, rngs=rngs)
        self.fc2 = _Linear(4 * channels, channels, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.fc2(jax.nn.gelu(self.fc1(x), approximate=False))


class PatchMerging(nnx.Module):
    """Four neighbours' channels, row offsets first, to one token of twice the channels."""

    def __init__(self, channels: int, *, rngs: nnx.Rngs | None):
        self.reduction = _Linear(4 * channels, 2 * channels, bias=False, rngs=rngs)
        self.norm = LayerNorm(4 * channels)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jnp.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0)))
        neighbours = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(jnp.concatenate(neighbours, -1)))


def _to_windows(x: jax.Array) -> jax.Array:
    """(B, H, W, C) to (B, windows, 49, C)."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // WINDOW, WINDOW, width // WINDOW, WINDOW, channels)
    return x.swapaxes(2, 3).reshape(batch, -1, WINDOW * WINDOW, channels)


def _from_windows(x: jax.Array, size: tuple[int, ...]) -> jax.Array:
    batch, _, _, channels = x.shape
    height, width = size
    x = x.reshape(batch, height // WINDOW, width // WINDOW, WINDOW, WINDOW, channels)
    return x.swapaxes(2, 3).reshape(batch, height, width, channels)


@lru_cache
def relative_position_index() -> np.ndarray:
    """(49, 49): which row of the bias table the offset from a token (a column) to another (a row) has."""
    row, column = np.divmod(np.arange(WINDOW * WINDOW), WINDOW)
    rows = row[:, None] - row[None, :] + WINDOW - 1
    columns = column[:, None] - column[None, :] + WINDOW - 1
    index: np.ndarray = (rows * (2 * WINDOW - 1) + columns).astype(np.int32)
    return index


@lru_cache
def shift_mask(height: int, width: int) -> np.ndarray:
    """(windows, 49, 49): -100 between tokens of a shifted window that come from different edges of the map."""

    def labels(length: int) -> np.ndarray:
        label = np.zeros(length, np.int32)
        label[length - WINDOW : length - _SHIFT], label[length - _SHIFT :] = 1, 2
        return label

    regions = 3 * labels(height)[:, None] + labels(width)
    windows = regions.reshape(height // WINDOW, WINDOW, width // WINDOW, WINDOW).swapaxes(1, 2)
    windows = windows.reshape(-1, WINDOW * WINDOW)
    return np.where(windows[:, None, :] == windows[:, :, None], 0, -100).astype(np.float32)
