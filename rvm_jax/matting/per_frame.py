"""Single pictures in, alphas out: any network of the project, with the padding and cropping that it declares."""

import math
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax import guidance
from rvm_jax.compilation import FirstCalls
from rvm_jax.errors import UserError
from rvm_jax.matting import padding
from rvm_jax.networks.api import Network, Result
from rvm_jax.networks.inference import for_inference
from rvm_jax.networks.layers.shown import only_shown
from rvm_jax.networks.precision import precision_or_dtype


class PictureMatter:
    """Mattes pictures one by one, each for itself; RVM starts from a zero state with each.

        matter = rvm_jax.PictureMatter(rvm_jax.load_torch("modnet.pth"))
        alpha = matter(picture)             # (H, W, 3) uint8 to (H, W, 1) uint8
        alpha = guided(picture, mask)       # where `guided.network.inputs.guidance` is "mask"

    Each new padded size compiles once.

    Args:
        network: a network in evaluation mode; it stays untouched.
        faithful: round as the project did that the network's preparation comes from: fractions are cut off, and what a
            network without a sigmoid gives outside of [0, 1] wraps around. By default alphas are clipped and rounded.
        precision: of products, "float32", "tensorfloat32" or "bfloat16" (see `for_inference`).
        dtype: the former name of `precision`.
        pad_to: a multiple to which both sides are padded beside the network's own, so that pictures of many sizes share
            compilations. It moves the alpha a little near the edges; averages over the whole picture leave it out.
        alpha_bits: of the result, 8 (uint8) or 16 (uint16).

    Raises:
        UserError: if a setting does not work.
    """

    def __init__(
        self,
        network: Network,
        *,
        faithful: bool = False,
        precision: str | None = None,
        dtype: str | None = None,
        pad_to: int = 1,
        alpha_bits: int = 8,
    ):
        if pad_to < 1:
            raise UserError(f"pad_to is {pad_to}; give a whole number of 1 or more")
        if faithful and alpha_bits != 8:
            raise UserError(f"alphas as published have 8 bits; leave alpha_bits={alpha_bits} or faithful out")
        self.network, self.faithful, self.alpha_bits = network, faithful, alpha_bits
        self._multiple = math.lcm(network.inputs.size_multiple, pad_to)
        chosen = precision_or_dtype(precision, dtype) or "float32"
        graphdef, weights = nnx.split(for_inference(cast(nnx.Module, network), precision=chosen))
        self._weights = nnx.to_pure_dict(weights)
        wraps = faithful and network.preprocessing.overflow == "wrap"

        def run(weights: Any, shown: jax.Array | None, image: jax.Array, *others: jax.Array) -> jax.Array:
            own = cast(Network, nnx.merge(graphdef, weights))
            if image.dtype == jnp.uint8:
                image = image.astype(jnp.float32)
            with only_shown(shown):
                result: Result = own(own.normalise(image / 255), *others)
            return result.supervised if wraps else result.pha

        self._compilations = FirstCalls()
        self._run: Callable[..., jax.Array] = jax.jit(run)

    def __call__(self, picture: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """Mattes a picture.

        Args:
            picture: RGB, (H, W, 3) uint8.
            values: the mask or trimap that the network wants, (H, W) uint8; see `rvm_jax.guidance`.

        Returns:
            The alpha, (H, W, 1) uint8, or uint16 with 16 `alpha_bits`.

        Raises:
            UserError: if the picture is no RGB uint8, or the mask or trimap is missing, superfluous, of another size or
                has other values than it may.
        """
        return self.start(picture, values)()

    def start(self, picture: np.ndarray, values: np.ndarray | None = None) -> Callable[[], np.ndarray]:
        """Sends a picture to the device; what it returns waits for the alpha, and gives what a call gives.

        Pictures that are started before the one before is waited for keep the device busy.
        """
        wait = self._start(picture, values)
        return lambda: self._rounded(wait())

    def alpha(self, picture: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """Returns the alpha as float32 (H, W, 1), not rounded; as the network gives it if `faithful` wraps."""
        return self._start(picture, values)()

    def inputs(self, picture: np.ndarray, values: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
        """Returns what `run` takes: the padded picture (1, h, w, 3), and the mask or trimap that the network wants."""
        return self._framed(picture, values)[0]

    def run(self, *inputs: np.ndarray | jax.Array) -> jax.Array:
        """Runs the network alone, and returns the padded alpha (1, h, w, 1) on the device before it is computed."""
        _, height, width, _ = inputs[0].shape
        with self._compilations.of((height, width, inputs[0].dtype), f"{width}x{height}"):
            return self._run(self._weights, None, *inputs)

    def _start(self, picture: np.ndarray, values: np.ndarray | None) -> Callable[[], np.ndarray]:
        inputs, place = self._framed(picture, values)
        running = self._run(self._weights, self._shown(place), *inputs)

        def wait() -> np.ndarray:
            alpha = place.take(np.asarray(running[0]))
            if self.network.preprocessing.keep_known_region and values is not None:
                known = values[..., None]
                alpha = np.where(known == guidance.UNKNOWN, alpha, known == guidance.FOREGROUND).astype(np.float32)
            return alpha

        return wait

    def _shown(self, place: padding.Placement) -> np.ndarray | None:
        """Returns the part of the input that the network has anyway, see `only_shown`; None for all of it."""
        multiple = self.network.inputs.size_multiple
        if self._multiple == multiple:
            return None
        own = padding.place(self.network.preprocessing, multiple, place.size)
        ends = []
        for side in range(2):
            whole = place.before[side] + place.inner[side] + place.after[side]
            first = place.before[side] - own.before[side]
            ends += [first / whole, (first + own.before[side] + own.inner[side] + own.after[side]) / whole]
        return np.array(ends, np.float32)

    def _framed(
        self, picture: np.ndarray, values: np.ndarray | None
    ) -> tuple[tuple[np.ndarray, ...], padding.Placement]:
        name, wants = self.network.name, self.network.inputs
        if picture.ndim != 3 or picture.shape[-1] != 3 or picture.dtype != np.uint8:
            raise UserError(f"{name}: the picture is {picture.dtype} {picture.shape}; pass RGB (H, W, 3), uint8")
        size = picture.shape[:2]
        place = padding.place(self.network.preprocessing, self._multiple, size)
        inputs = [place.put(picture)]
        if wants.guidance is not None:
            guidance.check_guidance(values, wants.guidance, size, name)
            assert values is not None
            inputs.append(place.put(guidance.encode(values, wants.guidance)))
        elif values is not None:
            raise UserError(f"{name} takes the picture alone, without a mask or trimap")
        return tuple(array[None] for array in inputs), place

    def _rounded(self, alpha: np.ndarray) -> np.ndarray:
        if self.alpha_bits == 16:
            return padding.to_uint16(alpha)
        return padding.to_uint8(alpha, self.network.preprocessing if self.faithful else None)
