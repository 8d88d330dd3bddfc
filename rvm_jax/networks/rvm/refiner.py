"""Guided filters that bring a small matte to the size of its frame (RVM section 3.3; He et al. 2013, Wu et al. 2018).

Both explain the matte y around each small pixel as A·x + b of the frame x, and read A and b at full size. Covariances
are float32: they are differences of nearly equal numbers.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.layers.arithmetic import at_least_float32, channel_mean
from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential
from rvm_jax.networks.layers.resizing import resize

Refined = tuple[jax.Array, jax.Array]


class DeepGuidedFilter(nnx.Module):
    """A learned filter: three 1×1 convolutions read A off the covariance, the variance and the decoder's features."""

    keep_float32: ClassVar = True

    def __init__(self, hidden: int = 16, *, rngs: nnx.Rngs | None):
        self.box_filter = Conv2d(4, 4, 3, groups=4, bias=False, init=_box_weights, rngs=rngs)
        self.conv = Sequential(
            [
                Conv2d(8 + hidden, hidden, 1, bias=False, rngs=rngs),
                BatchNorm2d(hidden),
                jax.nn.relu,
                Conv2d(hidden, hidden, 1, bias=False, rngs=rngs),
                BatchNorm2d(hidden),
                jax.nn.relu,
                Conv2d(hidden, 4, 1, rngs=rngs),
            ]
        )

    def __call__(self, fine: jax.Array, base: jax.Array, matte: jax.Array, hidden: jax.Array) -> Refined:
        """Takes frames at full size (B, H, W, 3) and small, the small residual and alpha (B, h, w, 4).

        Returns both at full size, (B, H, W, 3) and (B, H, W, 1).
        """
        x, y = _with_mean(base), at_least_float32(matte)
        mean_x, mean_y = self.box_filter(x), self.box_filter(y)
        covariance = self.box_filter(x * y) - mean_x * mean_y
        variance = self.box_filter(x * x) - mean_x * mean_x
        a = self.conv(jnp.concatenate([covariance, variance, at_least_float32(hidden)], -1))
        return _refined(a, mean_y - a * mean_x, fine)


class FastGuidedFilter(nnx.Module):
    """The classic filter: least squares in a 3×3 box, regularised by `eps`; it owns no tensors."""

    def __init__(self, eps: float = 1e-5):
        self.eps = eps

    def __call__(self, fine: jax.Array, base: jax.Array, matte: jax.Array, hidden: jax.Array) -> Refined:
        """As the deep filter; `hidden` is not used."""
        return _refined(*self._fit(_with_mean(base), matte), fine)

    def refine_alpha(self, fine: jax.Array, base: jax.Array, alpha: jax.Array) -> jax.Array:
        """Brings a small alpha (B, h, w, 1) alone to full size, guided by the frames' channel mean."""
        return _apply(*self._fit(channel_mean(base), alpha), channel_mean(at_least_float32(fine)))

    def _fit(self, base: jax.Array, matte: jax.Array) -> tuple[jax.Array, jax.Array]:
        """A and b of a guide (B, h, w, C) and a matte (B, h, w, C), channel by channel."""
        x, y = at_least_float32(base), at_least_float32(matte)
        mean_x, mean_y = _box(x), _box(y)
        a = _covariance(x, y, mean_x, mean_y) / (_covariance(x, x, mean_x, mean_x) + self.eps)
        return a, mean_y - _rounded(a * mean_x)


def _box_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, 1 / 9)


def _with_mean(frames: jax.Array) -> jax.Array:
    frames = at_least_float32(frames)
    return jnp.concatenate([frames, channel_mean(frames)], -1)


def _box(x: jax.Array) -> jax.Array:
    """The mean over 3×3 pixels, zeros beyond the edge: along rows, then along columns, rounded as PyTorch rounds it."""
    third = jnp.full((), 1 / 3, x.dtype)
    for axis in (2, 1):
        length = x.shape[axis]
        padded = jnp.pad(x, [(1, 1) if i == axis else (0, 0) for i in range(4)])
        before, here, after = (jax.lax.slice_in_dim(padded, i, i + length, axis=axis) for i in range(3))
        x = after * third + (here * third + _rounded(before * third))
    return x


def _covariance(x: jax.Array, y: jax.Array, mean_x: jax.Array, mean_y: jax.Array) -> jax.Array:
    return _box(x * y) - _rounded(mean_x * mean_y)


def _rounded(product: jax.Array) -> jax.Array:
    """Keeps a product from becoming half of a fused multiply-add, which would not round it as PyTorch does.

    A covariance is a difference of nearly equal numbers, divided by a variance near 1e-5: a last bit that differs there
    moves the alpha by 3e-4. The maximum changes no value; XLA and LLVM just cannot fuse across it.
    """
    return jnp.maximum(product, np.finfo(product.dtype).min)


def _refined(a: jax.Array, b: jax.Array, fine: jax.Array) -> Refined:
    """A · x + b of the colours and of their mean, apart: joined to four channels, both would pass through memory."""
    fine = at_least_float32(fine)
    return _apply(a[..., :3], b[..., :3], fine), _apply(a[..., 3:], b[..., 3:], channel_mean(fine))


def _apply(a: jax.Array, b: jax.Array, fine: jax.Array) -> jax.Array:
    size = (fine.shape[1], fine.shape[2])
    return _rounded(resize(a, size) * fine) + resize(b, size)
