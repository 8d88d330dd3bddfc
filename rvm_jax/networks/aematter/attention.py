"""AEMatter's appearance-enhanced axis-wise learning (section 3.3): attention in strips that cross the whole picture."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.layers.attention import MultiheadAttention, dropout, keys
from rvm_jax.networks.layers.basic import Conv2d, Sequential
from rvm_jax.networks.layers.dense import GroupNorm, LayerNorm, Linear
from rvm_jax.networks.layers.initializers import on_device

STRIP = 5  # rows or columns of a strip
_leaky = partial(jax.nn.leaky_relu, negative_slope=0.1)


class StripAttention(nnx.Module):
    """Adds appearance to a map, lets one half of its channels attend in horizontal strips and the other in vertical
    ones, then a two-layer perceptron. `rate` is the dropout of all of them."""

    def __init__(self, channels: int, appearance: int, *, heads: int, rate: float, rngs: nnx.Rngs | None):
        self.rate = rate
        half = channels // 2
        self.gamma = nnx.Param(on_device(np.zeros(1, np.float32)))
        self.self_attn2 = MultiheadAttention(half, heads, rngs=rngs)
        self.self_attn1 = MultiheadAttention(half, heads, rngs=rngs)
        self.linear1 = Linear(channels, 2048, rngs=rngs)
        self.linear2 = Linear(2048, channels, rngs=rngs)
        self.norm1 = LayerNorm(channels)
        self.norm2 = LayerNorm(channels)
        self.trans = Sequential(
            [
                Conv2d(channels + appearance, half, 1, rngs=rngs),
                ResidualBlock(half, 160, rngs=rngs),
                Conv2d(half, channels, 1, rngs=rngs),
            ]
        )

    def __call__(self, z: jax.Array, appearance: jax.Array, key: jax.Array | None) -> jax.Array:
        """Takes maps (B, h, w, channels) and (B, h, w, appearance), both of whole strips in both directions."""
        row_key, column_key, attended_key, inner_key, outer_key = keys(key, 5)
        z = z + self.gamma[...] * self.trans(jnp.concatenate([z, appearance], -1))
        rows, columns = jnp.split(z, 2, axis=-1)
        rows = self._in_strips(rows, self.self_attn1, row_key)
        columns = self._in_strips(columns.swapaxes(1, 2), self.self_attn2, column_key).swapaxes(1, 2)
        attended = jnp.concatenate([rows, columns], -1)
        z = self.norm1(z + dropout(attended, self.rate, attended_key))
        inner = dropout(jax.nn.relu(self.linear1(z)), self.rate, inner_key)
        return self.norm2(z + dropout(self.linear2(inner), self.rate, outer_key))

    def _in_strips(self, x: jax.Array, attention: MultiheadAttention, key: jax.Array | None) -> jax.Array:
        """Attention within each strip of 5 rows of (B, h, w, C). The order of a strip's tokens does not matter."""
        batch, height, width, channels = x.shape
        strips = x.reshape(batch * height // STRIP, STRIP * width, channels)
        return attention(strips, self.rate, key).reshape(x.shape)


class ResidualBlock(nnx.Module):
    """1×1 to `width` channels, 3×3, 1×1 back, plus the input."""

    def __init__(self, channels: int, width: int, *, rngs: nnx.Rngs | None):
        self.conv1 = Conv2d(channels, width, 1, rngs=rngs)
        self.gn1 = GroupNorm(16, width)
        self.conv2 = Conv2d(width, width, 3, rngs=rngs)
        self.gn2 = GroupNorm(16, width)
        self.conv3 = Conv2d(width, channels, 1, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        y = _leaky(self.gn1(self.conv1(x)))
        y = _leaky(self.gn2(self.conv2(y)))
        return _leaky(x + self.conv3(y))


def pad_to_strips(x: jax.Array) -> tuple[jax.Array, tuple[slice, ...]]:
    """Fills (B, h, w, C) up with zeros to whole strips, the smaller half before; returns it and the index back."""
    edges, crop = [(0, 0)], [slice(None)]
    for length in x.shape[1:3]:
        before = (-length % STRIP) // 2
        edges.append((before, -length % STRIP - before))
        crop.append(slice(before, before + length))
    return jnp.pad(x, [*edges, (0, 0)]), tuple(crop)
