"""The simplest recurrent matting network with a known answer, for tests of what surrounds a network."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.api import InputSpec, Matte


class LeakyNetwork(nnx.Module):
    """Its alpha is ratio · r, where r ← (r + the frame's channel mean) / 2; its foreground 1 − src, or None."""

    name = "leaky"
    inputs = InputSpec(state=True)

    def __init__(self, foreground: bool = False) -> None:
        self.foreground = foreground
        self.share = nnx.Param(jnp.float32(0.5))

    def __call__(self, src: jax.Array, rec: tuple[jax.Array] | None = None, downsample_ratio: float = 1.0) -> Matte:
        r = jnp.zeros((*src[:, 0, ..., :1].shape,)) if rec is None else rec[0]
        alphas = []
        for t in range(src.shape[1]):
            r = self.share[...] * (r + src[:, t].mean(axis=-1, keepdims=True))
            alphas.append(r)
        return Matte(1 - src if self.foreground else None, downsample_ratio * jnp.stack(alphas, axis=1), (r,))


def leaky_alphas(frames: np.ndarray) -> np.ndarray:
    """What the network answers to uint8 frames (T, H, W, 3), in numpy: (T, H, W, 1) float."""
    r: np.ndarray = np.zeros((*frames.shape[1:3], 1))
    alphas = []
    for frame in frames:
        r = (r + frame.mean(-1, keepdims=True) / 255) / 2
        alphas.append(r)
    return np.stack(alphas)
