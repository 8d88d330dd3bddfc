"""A network for still pictures in the place of RVM: clips of any size, each frame for itself."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.matting import padding
from rvm_jax.networks.api import InputSpec, Matte, Network, Preprocessing
from rvm_jax.networks.compiled import compiled
from rvm_jax.networks.layers.arithmetic import at_least_float32, clamp
from rvm_jax.networks.layers.kernels.precision import EXACT
from rvm_jax.networks.layers.resizing import rescale, resize


class FrameByFrame(nnx.Module):
    """Takes and gives what `MattingNetwork` does, without a state; `Matter(FrameByFrame(network))` mattes video.

    Padding, normalisation and cropping are the network's own (`network.preprocessing`).

    Raises UserError if the network wants a mask or trimap: a stream of frames has none.
    """

    inputs = InputSpec()
    preprocessing = Preprocessing()
    foreground = False

    def __init__(self, network: Network):
        if network.inputs.guidance:
            raise UserError(
                f"{network.name} needs a {network.inputs.guidance} for every frame, which a stream does not have; use "
                "rvm_jax.PictureMatter, or rvm_jax.matte_video with guidance"
            )
        self.network = network

    @property
    def name(self) -> str:
        """Returns the network's name."""
        return self.network.name

    def normalise(self, src: jax.Array) -> jax.Array:
        """Returns what the call takes: RGB in [0, 1] as it is."""
        return src

    @compiled
    def __call__(self, src: jax.Array, rec: Any = None, downsample_ratio: float = 1.0) -> Matte:
        """Mattes frames (B, H, W, 3) or clips (B, T, H, W, 3), RGB in [0, 1].

        At a ratio below 1 the network sees smaller frames, and its alpha is enlarged bilinearly. `rec` is passed over;
        that of the result is empty.
        """
        del rec
        src = at_least_float32(src)
        leading, (height, width, _) = src.shape[:-3], src.shape[-3:]
        frames = src.reshape(-1, *src.shape[-3:])
        if downsample_ratio != 1:
            frames = rescale(frames, downsample_ratio)
        seen = (frames.shape[1], frames.shape[2])
        place = padding.place(self.network.preprocessing, self.network.inputs.size_multiple, seen)
        if place.inner != place.size:
            frames = _resize_area(frames, place.inner)
        edges = [(0, 0), *zip(place.before, place.after, strict=True), (0, 0)]
        frames = jnp.pad(frames, edges, mode=place.mode)
        pha = self.network(self.network.normalise(frames)).pha
        rows, columns = (slice(before, before + n) for before, n in zip(place.before, place.inner, strict=True))
        pha = pha[:, rows, columns]
        if place.inner != place.size:
            pha = _resize_area(pha, place.size)
        if seen != (height, width):
            pha = clamp(resize(pha, (height, width)), 0.0, 1.0)
        return Matte(None, pha.reshape(*leading, *pha.shape[1:]), ())


def _resize_area(x: jax.Array, size: tuple[int, int]) -> jax.Array:
    rows, columns = (padding.area_means(n, to) for n, to in zip(x.shape[1:3], size, strict=True))
    return jnp.einsum("ih,bhwc,jw->bijc", rows, x, columns, precision=EXACT)
