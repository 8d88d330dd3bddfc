"""Single pictures in, alphas out: any network of the project, with the padding and cropping that it declares."""

from typing import Any

import jax
import numpy as np
from flax import nnx

from rvm_jax import framing, guidance
from rvm_jax.errors import UserError
from rvm_jax.networks.inference import for_inference


class PictureMatter:
    """Mattes pictures one by one, each for itself; RVM begins anew with each.

        matter = rvm_jax.PictureMatter(rvm_jax.load_torch("modnet.pth"))
        alpha = matter(picture)             # (H, W, 3) uint8 to (H, W, 1) uint8
        alpha = guided(picture, mask)       # where `guided.network.wants.guidance` is "mask"

    Each new padded size compiles once.

    Args:
        network: a network in evaluation mode; it stays untouched.
        faithful: round as the project did that the network's preparation comes from: fractions are cut off, and what a
            network without a sigmoid gives outside of [0, 1] wraps around. By default alphas are clipped and rounded.
        dtype: what convolutions compute in, "float32" or "bfloat16".
    """

    def __init__(self, network: Any, *, faithful: bool = False, dtype: str = "float32"):
        self.network, self.faithful = network, faithful
        graphdef, weights = nnx.split(for_inference(network, dtype=dtype))
        self._weights = nnx.to_pure_dict(weights)
        wraps = faithful and network.preparation.wraps

        def run(weights: Any, image: jax.Array, *others: jax.Array) -> jax.Array:
            own = nnx.merge(graphdef, weights)
            result = own(own.normalise(image), *others)
            return result.supervised if wraps else result.pha

        self._run = jax.jit(run)

    def __call__(self, picture: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """Mattes a picture.

        Args:
            picture: RGB, (H, W, 3) uint8.
            values: the mask or trimap that the network wants, (H, W) uint8; see `rvm_jax.guidance`.

        Returns the alpha, (H, W, 1) uint8.

        Raises UserError where the picture is no RGB uint8, or where the mask or trimap is missing, superfluous, of
        another size or has other values than it may.
        """
        return framing.to_uint8(self.alpha(picture, values), self.network.preparation if self.faithful else None)

    def alpha(self, picture: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """The same as float32 (H, W, 1), not rounded; as the network gives it where `faithful` lets values wrap."""
        name, wants, preparation = self.network.name, self.network.wants, self.network.preparation
        if picture.ndim != 3 or picture.shape[-1] != 3 or picture.dtype != np.uint8:
            raise UserError(f"{name}: the picture is {picture.dtype} {picture.shape}; pass RGB (H, W, 3), uint8")
        size = picture.shape[:2]
        place = framing.frame(preparation, wants.size_multiple, size)
        inputs = [place.put(picture).astype(np.float32) / np.float32(255)]
        if wants.guidance is not None:
            guidance.check(values, wants.guidance, size, name)
            assert values is not None
            inputs.append(place.put(guidance.encode(values, wants.guidance)))
        elif values is not None:
            raise UserError(f"{name} takes the picture alone, without a mask or trimap")
        alpha = place.take(np.asarray(self._run(self._weights, *(x[None] for x in inputs))[0]))
        if preparation.keeps_known and values is not None:
            known = values[..., None]
            alpha = np.where(known == guidance.UNKNOWN, alpha, known == guidance.FOREGROUND).astype(np.float32)
        return alpha
