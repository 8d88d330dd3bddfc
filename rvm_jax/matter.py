"""Streaming: frames in, mattes out, the recurrent state kept between calls."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.networks.rvm import Matte

Frames = np.ndarray | jax.Array


class Matter:
    """Mattes one stream of frames, a frame or a chunk of frames a call.

    The weights and the recurrent state stay on the device; uint8 frames travel there as they are and are divided by
    255 there. Each new shape of `frames` (frame size and chunk length) compiles once, the state never does.

        matter = rvm_jax.Matter(rvm_jax.load("work/quickstart"))
        for frame in frames:                      # (H, W, 3) uint8
            pha = np.asarray(matter(frame).pha)   # (H, W, 1) in [0, 1]

    Args:
      network: a matting network in evaluation mode, as `rvm_jax.load` gives it.
      downsample_ratio: the network sees frames of this share of their sides; its refiner brings the matte to full size.

    Raises UserError where the ratio is not in (0, 1].
    """

    def __init__(self, network: nnx.Module, downsample_ratio: float = 1.0):
        if not 0 < downsample_ratio <= 1:
            raise UserError(f"downsample_ratio is {downsample_ratio}; give a share of the sides above 0 and up to 1")
        graphdef, weights = nnx.split(network)
        self._weights = nnx.to_pure_dict(weights)
        self._matte: Callable[..., Matte] = jax.jit(partial(_matte, graphdef, downsample_ratio))
        self._zero_states: dict[tuple[int, ...], Any] = {}
        self._size: tuple[int, ...] | None = None
        self._rec: Any = None

    def __call__(self, frames: Frames) -> Matte:
        """Mattes the next frames of the stream; frames of another size than those before begin a new stream.

        Args:
          frames: RGB, one frame (H, W, 3) or a chunk (T, H, W, 3); uint8, or float in [0, 1].

        Returns `pha` (…, H, W, 1) and `fgr` (…, H, W, 3) or None, float in [0, 1], with T where `frames` has it, and
        the state `rec` after the last frame. They are arrays on the device, given back before they are computed:
        work between this call and their use overlaps with it.

        Raises UserError where `frames` is of another rank, has no three channels, or an integer type that is not uint8.
        """
        if frames.ndim not in (3, 4) or frames.shape[-1] != 3:
            raise UserError(f"frames have the shape {frames.shape}; pass RGB frames (H, W, 3) or chunks (T, H, W, 3)")
        clip = frames[None] if frames.ndim == 4 else frames[None, None]
        if frames.shape[-3:-1] != self._size:
            self._size = frames.shape[-3:-1]
            self.reset()
        fgr, pha, self._rec = self._matte(
            self._weights, clip, self._zero_state(clip) if self._rec is None else self._rec
        )
        drop = (0,) if frames.ndim == 4 else (0, 0)
        return Matte(None if fgr is None else fgr[drop], pha[drop], self._rec)

    def reset(self) -> None:
        """Begins a new stream: the next frame is matted without a memory of those before."""
        self._rec = None

    def stream(self, frames: Iterable[np.ndarray], chunk: int = 1) -> Iterator[tuple[np.ndarray, Matte]]:
        """Mattes a whole stream, `chunk` frames at a time, from a zero state.

        A chunk is computed while the caller works on the one before. What is left of the stream at its end, or before
        a change of the frame size, is filled up to a whole chunk, so that it needs no compilation of its own; both
        leave no state to a later frame.

        Args:
          frames: single frames (H, W, 3), uint8 or float in [0, 1].
          chunk: how many frames go to the device at once; the alphas do not depend on it.

        Yields (src, matte): the frames (T, H, W, 3) of each chunk and their matte, 1 ≤ T ≤ `chunk`. The `rec` of a
        filled-up chunk is the state after its filling.
        """
        self.reset()
        ahead: tuple[np.ndarray, Matte] | None = None
        try:
            for src in _chunks(frames, chunk):
                matte = self._filled(src, chunk)
                if ahead is not None:
                    yield ahead
                ahead = (src, matte)
            if ahead is not None:
                yield ahead
        finally:
            self.reset()

    def _filled(self, src: np.ndarray, chunk: int) -> Matte:
        missing = chunk - len(src)
        if not missing:
            return self(src)
        matte = self(np.concatenate([src, np.repeat(src[-1:], missing, axis=0)]))
        return Matte(None if matte.fgr is None else matte.fgr[: len(src)], matte.pha[: len(src)], matte.rec)

    def _zero_state(self, clip: Frames) -> Any:
        # The shapes come from tracing the network: they are its own affair, and it knows the ratio's rounding.
        key = clip.shape[:1] + clip.shape[2:]
        if key not in self._zero_states:
            rec = jax.eval_shape(self._matte, self._weights, clip[:, :1], None).rec
            self._zero_states[key] = jax.tree.map(lambda r: jnp.zeros(r.shape, r.dtype), rec)
        return self._zero_states[key]


def _matte(graphdef: Any, downsample_ratio: float, weights: Any, clip: jax.Array, rec: Any) -> Matte:
    if clip.dtype == jnp.uint8:
        clip = clip.astype(jnp.float32) / 255
    return nnx.merge(graphdef, weights)(clip, rec, downsample_ratio)


def _chunks(frames: Iterable[np.ndarray], chunk: int) -> Iterator[np.ndarray]:
    """Stacks up to `chunk` frames of one size."""
    held: list[np.ndarray] = []
    for frame in frames:
        if held and frame.shape != held[0].shape:
            yield np.stack(held)
            held = []
        held.append(frame)
        if len(held) == chunk:
            yield np.stack(held)
            held = []
    if held:
        yield np.stack(held)
