"""What computes the frames of a `Matter`: its program and its weights, without a memory of its own."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.compilation import FirstCalls
from rvm_jax.networks.api import Matte, State
from rvm_jax.networks.inference import for_inference
from rvm_jax.networks.layers.shown import only_shown

Frames = np.ndarray | jax.Array


class Engine(Protocol):
    """Computes mattes from frames and a state."""

    def zero_state(self, clip: Frames, ratio: float) -> State:
        """Returns the state of a stream that begins, for frames (N, T, H, W, 3) of the size and type of `clip`."""

    def __call__(self, clip: Frames, rec: State, ratio: float, shown: np.ndarray | None = None) -> Matte:
        """Mattes frames (N, T, H, W, 3), RGB, uint8 or float in [0, 1], from the state `rec`.

        `shown` says which part of them is no padding, see `only_shown`.

        Returns arrays (N, T, H, W, C) and the state after them, given back before they are computed where that can be.
        """

    def fingerprint(self) -> list[np.ndarray]:
        """Returns the weights: by them one network is told from another."""


class JaxEngine:
    """Is an `Engine` by XLA: each size, chunk length and ratio compiles once.

    Args:
      network: a matting network in evaluation mode; it stays untouched.
      precision: of products; see `for_inference`.
      fold: whether batch norm becomes part of the convolutions.
    """

    def __init__(self, network: nnx.Module, *, precision: str = "float32", fold: bool = True):
        graphdef, weights = nnx.split(for_inference(network, fold=fold, precision=precision))
        self._weights = nnx.to_pure_dict(weights)
        self._matte: Callable[..., Matte] = jax.jit(partial(_matte, graphdef), static_argnums=0)
        self._compilations = FirstCalls()
        self._zero_states: dict[tuple[Any, ...], State] = {}

    def zero_state(self, clip: Frames, ratio: float) -> State:
        # The shapes come from tracing the network: they are its own affair, and it knows the ratio's rounding.
        key = (*clip.shape[:1], *clip.shape[2:], ratio)
        if key not in self._zero_states:
            rec = jax.eval_shape(partial(self._matte, ratio), self._weights, clip[:, :1], None).rec
            self._zero_states[key] = jax.tree.map(lambda r: jnp.zeros(r.shape, r.dtype), rec)
        return self._zero_states[key]

    def __call__(self, clip: Frames, rec: State, ratio: float, shown: np.ndarray | None = None) -> Matte:
        kind = (clip.shape, clip.dtype, ratio, rec is None, shown is None)
        with self._compilations.of(kind, f"{clip.shape[3]}x{clip.shape[2]}"):
            return self._matte(ratio, self._weights, clip, rec, shown)

    def export(self, clip: Frames, ratio: float, platforms: Sequence[str]) -> jax.export.Exported:
        """Returns the program for frames like `clip`, lowered for other platforms, such as "cuda" or "tpu".

        The network's kernels should be theirs (`rvm_jax.networks.layers.kernels`).
        """
        matte = jax.jit(partial(self._matte, ratio))
        return jax.export.export(matte, platforms=platforms)(self._weights, clip, self.zero_state(clip, ratio))

    def lower(self, clip: jax.ShapeDtypeStruct, platforms: Sequence[str]) -> jax.stages.Lowered:
        """Returns the program for clips like `clip` on its device, at their own size, lowered for a compiler."""
        placed = partial(jax.tree.map, lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=clip.sharding))
        rec = jax.eval_shape(partial(self._matte, 1.0), self._weights, clip, None).rec
        lower: Any = self._matte  # a jitted function, which its type here does not say
        lowered: jax.stages.Lowered = lower.trace(1.0, placed(self._weights), clip, placed(rec)).lower(
            lowering_platforms=tuple(platforms)
        )
        return lowered

    def fingerprint(self) -> list[np.ndarray]:
        return [np.asarray(leaf) for leaf in jax.tree.leaves(self._weights)]


def _matte(
    graphdef: Any,
    downsample_ratio: float,
    weights: Any,
    clip: jax.Array,
    rec: State | None,
    shown: jax.Array | None = None,
) -> Matte:
    if clip.dtype == jnp.uint8:
        clip = clip.astype(jnp.float32) / 255
    with only_shown(shown):
        matte: Matte = nnx.merge(graphdef, weights)(clip, rec, downsample_ratio)
    return matte
