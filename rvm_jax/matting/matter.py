"""Streaming: frames in, mattes out, the recurrent state kept between calls."""

import copy
import math
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.matting.engine import Frames
from rvm_jax.matting.make_engine import make_engine
from rvm_jax.matting.options import Ratio
from rvm_jax.media.scene_cuts import SceneCuts
from rvm_jax.networks.api import Matte, State
from rvm_jax.networks.precision import precision_or_dtype
from rvm_jax.weights.shipped import default_path, load_shipped

if TYPE_CHECKING:
    from rvm_jax.export.onnx_network import OnnxNetwork

# RVM's rule: the network sees the longer side with at most so many pixels. A network may ask for another (`auto_side`).
AUTO_SIDE = 512


class Matter:
    """Mattes a stream of frames, a frame or a chunk of frames a call; or several streams at once, in one batch.

    The weights and the recurrent state stay on the device; uint8 frames travel there as they are and are divided by
    255 there. Each new shape of `frames` (frame size and chunk length) compiles once, the state never does.

        matter = rvm_jax.Matter(rvm_jax.load("work/quickstart"))
        for frame in frames:                      # (H, W, 3) uint8
            pha = np.asarray(matter(frame).pha)   # (H, W, 1) in [0, 1]

    Args:
      network: a matting network in evaluation mode, as `rvm_jax.load` gives it, which stays untouched; None for the
        one that comes with the package.
      downsample_ratio: the network sees frames of this share of their sides, and its refiner brings the matte to full
        size. "auto" is RVM's rule: a longer side of at most 512 pixels (of the size that it was
        trained for, for the package's own network), so 1 for small frames. The published face
        recipe uses 1.
      streams: None for one stream; N for frames with a leading axis of N streams, each with a state of its own.
      precision: of products, "float32", "tensorfloat32" or "bfloat16" (see `for_inference`).
      dtype: the former name of `precision`.
      fold: whether batch norm becomes part of the convolutions.
      pad_to: a multiple to which both sides are filled up by mirroring at the edge, so that pictures of many sizes
        share compilations; mattes are cut back. What is filled up enters no average over the whole picture; the matte
        moves a little near the right and lower edges.
      scene_cut: the score, in percent, from which a frame begins a new scene and so a new stream (FFmpeg's scdet
        takes 10); None keeps the state through everything.
      engine: what computes, "jax", "onnxruntime" or "openvino" (on the CPU; results are NumPy arrays, and a call waits
        for them), or "auto": on a CPU OpenVINO where it is installed, else ONNX Runtime where it is.

    Raises:
      UserError: if a setting is out of its range, or the engine is not installed or cannot do what is asked.
    """

    def __init__(
        self,
        network: "nnx.Module | OnnxNetwork | None" = None,
        downsample_ratio: Ratio = "auto",
        *,
        streams: int | None = None,
        precision: str | None = None,
        dtype: str | None = None,
        fold: bool = True,
        pad_to: int = 1,
        scene_cut: float | None = None,
        engine: str = "jax",
    ):
        _check_ratio(downsample_ratio)
        for name, value in (("streams", streams), ("pad_to", pad_to)):
            if value is not None and value < 1:
                raise UserError(f"{name} is {value}; give a whole number of 1 or more")
        if scene_cut is not None and not 0 < scene_cut <= 100:
            raise UserError(f"scene_cut is {scene_cut}; give a score in percent above 0, such as 10, or None")
        self.downsample_ratio = downsample_ratio
        self.streams = streams
        self._pad_to = pad_to
        if network is None:
            network = load_shipped(default_path())
        self._auto_side: int = getattr(network, "auto_side", AUTO_SIDE)
        products = precision_or_dtype(precision, dtype) or "float32"
        self._engine = make_engine(engine, network, precision=products, fold=fold, pads=pad_to > 1)
        self._cuts = [SceneCuts(scene_cut) for _ in range(streams or 1)] if scene_cut else []
        self._size: tuple[int, ...] | None = None
        self._rec: State | None = None

    @property
    def fingerprint(self) -> list[np.ndarray | str]:
        """Returns what tells it from another: its weights and its settings."""
        cuts = [each.threshold for each in self._cuts]
        return [f"{self.downsample_ratio} {self._pad_to} {cuts}", *self._engine.fingerprint()]

    def another(self) -> Self:
        """Returns a Matter for one more stream, which shares weights and compilations but has a state of its own."""
        other = copy.copy(self)
        other._cuts = [SceneCuts(cuts.threshold) for cuts in self._cuts]
        other.reset()
        return other

    def ratio(self, height: int, width: int) -> float:
        """Returns the downsample ratio that frames of this size get."""
        if self.downsample_ratio != "auto":
            return self.downsample_ratio
        # By the padded size: what shares a compilation shares the ratio.
        return auto_ratio(*_padded((height, width), self._pad_to), self._auto_side)

    def __call__(self, frames: Frames) -> Matte:
        """Mattes the next frames of the stream; frames of another size than those before begin a new stream.

        Args:
          frames: RGB, one frame (H, W, 3) or a chunk (T, H, W, 3); with `streams` (N, H, W, 3) or (N, T, H, W, 3);
            uint8, or float in [0, 1].

        Returns:
          `pha` (…, H, W, 1) and `fgr` (…, H, W, 3) or None, float in [0, 1], with the leading axes of `frames`, and the
          state `rec` after the last frame. They are arrays on the device, given back before they are computed: work
          between this call and their use overlaps with it.

        Raises:
          UserError: if `frames` is of another rank, has no three channels, or an integer type that is not uint8.
        """
        clip, drop = self._as_clips(frames)
        height, width = clip.shape[2:4]
        if self._size != (height, width):
            self._size = (height, width)
            self.reset()
        cuts = self._find_cuts(clip)
        clip = _pad(clip, _padded((height, width), self._pad_to))
        shown = _shown((height, width), clip.shape[2:4]) if self._pad_to > 1 else None
        fgr: jax.Array | None
        if cuts[:, 1:].any():
            # In the middle of a chunk: its frames go one by one, in a shape that compiles once wherever the cut is.
            mattes = [self._advance(clip[:, t : t + 1], cuts[:, t], shown) for t in range(clip.shape[1])]
            foregrounds = [fgr for fgr, _ in mattes if fgr is not None]
            fgr = jnp.concatenate(foregrounds, 1) if foregrounds else None
            pha = jnp.concatenate([pha for _, pha in mattes], 1)
        else:
            fgr, pha = self._advance(clip, cuts[:, 0], shown)
        if pha.shape[2:4] != (height, width):
            fgr, pha = None if fgr is None else fgr[:, :, :height, :width], pha[:, :, :height, :width]
        return Matte(None if fgr is None else fgr[drop], pha[drop], self._rec or ())

    def reset(self, stream: int | None = None) -> None:
        """Resets the state: the next frame is matted without a memory of those before. With `streams`, `stream`
        says which one is reset; None means all."""
        for index, cuts in enumerate(self._cuts):
            if stream in (None, index):
                cuts.reset()
        if stream is None:
            self._rec = None
        elif self._rec is not None:
            self._rec = jax.tree.map(lambda r: jnp.asarray(r).at[stream].set(0), self._rec)

    def warm_up(self, height: int, width: int, chunk: int | None = None) -> None:
        """Compiles for frames (or chunks of so many frames) of this size, uint8, and leaves the state at zero."""
        shape = (*(() if self.streams is None else (self.streams,)), *(() if chunk is None else (chunk,)))
        self.reset()
        jax.block_until_ready(self(np.zeros((*shape, height, width, 3), np.uint8)).pha)
        self.reset()

    def stream(
        self,
        frames: Iterable[np.ndarray],
        chunk: int = 1,
        rec: State | None = None,
        then: Callable[[Matte], Matte] = lambda matte: matte,
    ) -> Generator[tuple[np.ndarray, Matte], None, None]:
        """Mattes a whole stream, `chunk` frames at a time (not with `streams`).

        A chunk is computed while the caller works on the one before. What is left of the stream at its end, or before
        a change of the frame size, is padded to a whole chunk, so that it needs no compilation of its own; both
        leave no state to a later frame.

        Args:
          frames: single frames (H, W, 3), uint8 or float in [0, 1].
          chunk: how many frames go to the device at once; the alphas do not depend on it.
          rec: the state to resume from, the `rec` of an earlier chunk of the same frame size; None for zeros.
          then: what becomes of each matte at once, still on the device, such as its rounding to 8 bits: done later, it
            would wait behind the next chunk.

        Yields:
          (src, then(matte)): the frames (T, H, W, 3) of each chunk and their matte, 1 ≤ T ≤ `chunk`. The `rec` of a
          filled-up chunk is the state after its filling.
        """
        self.reset()
        ahead: tuple[np.ndarray, Matte] | None = None
        try:
            for src in _chunks(frames, chunk):
                if rec is not None:
                    self._size, self._rec, rec = src.shape[1:3], jax.tree.map(jnp.asarray, rec), None
                matte = then(self._filled(src, chunk))
                if ahead is not None:
                    yield ahead
                ahead = (src, matte)
            if ahead is not None:
                yield ahead
        finally:
            self.reset()

    def _as_clips(self, frames: Frames) -> tuple[Frames, tuple[Any, ...]]:
        """Returns frames as (N, T, H, W, 3), and the index that takes results back to the given rank."""
        single = 3 if self.streams is None else 4
        if frames.ndim not in (single, single + 1) or frames.shape[-1] != 3:
            wanted = "(H, W, 3) or chunks (T, H, W, 3)"
            if self.streams is not None:
                wanted = f"({self.streams}, H, W, 3) or chunks ({self.streams}, T, H, W, 3)"
            raise UserError(f"frames have the shape {frames.shape}; pass RGB frames {wanted}")
        if self.streams is not None and frames.shape[0] != self.streams:
            raise UserError(f"frames of {frames.shape[0]} streams came to a Matter of {self.streams} streams")
        if 0 in frames.shape:
            raise UserError(f"frames have the shape {frames.shape}; there is nothing to matte")
        clip = frames if self.streams is not None else frames[None]
        if frames.ndim == single:
            clip = clip[:, None]
        streams = () if self.streams is None else (slice(None),)
        drop = ((0,) if self.streams is None else streams) + ((0,) if frames.ndim == single else ())
        return clip, drop

    def _find_cuts(self, clip: Frames) -> np.ndarray:
        """Returns (N, T), True where a frame begins a new scene of its stream."""
        if not self._cuts:
            return np.zeros(clip.shape[:2], bool)
        frames = np.asarray(clip)
        return np.array([[cuts(frame) for frame in stream] for cuts, stream in zip(self._cuts, frames, strict=True)])

    def _advance(self, clip: Frames, cut: np.ndarray, shown: np.ndarray | None) -> tuple[jax.Array | None, jax.Array]:
        ratio = self.ratio(*clip.shape[2:4])
        if self._rec is None or cut.all():
            self._rec = self._zero_state(clip, ratio)
        elif cut.any():
            self._rec = jax.tree.map(lambda r: jnp.where(cut[:, None, None, None], 0, r), self._rec)
        fgr, pha, self._rec = self._engine(clip, self._rec, ratio, shown)
        return fgr, pha

    def _filled(self, src: np.ndarray, chunk: int) -> Matte:
        missing = chunk - len(src)
        if not missing:
            return self(src)
        matte = self(np.concatenate([src, np.repeat(src[-1:], missing, axis=0)]))
        return Matte(None if matte.fgr is None else matte.fgr[: len(src)], matte.pha[: len(src)], matte.rec)

    def _zero_state(self, clip: Frames, ratio: float) -> State:
        if math.floor(min(clip.shape[2:4]) * ratio) < 1:
            raise UserError(
                f"frames of {clip.shape[2]}x{clip.shape[3]} pixels leave nothing at downsample_ratio {ratio:g}; "
                "give a larger one"
            )
        return self._engine.zero_state(clip, ratio)


def auto_ratio(height: int, width: int, side: int = AUTO_SIDE) -> float:
    """Returns the ratio by RVM's rule: the share of the sides at which the longer one has at most `side` pixels."""
    return min(side / max(height, width), 1.0)


def _check_ratio(ratio: Ratio) -> None:
    if ratio == "auto":
        return
    if isinstance(ratio, str) or not 0 < ratio <= 1:
        raise UserError(f"downsample_ratio is {ratio}; give 'auto', or a share of the sides above 0 and up to 1")


def _padded(size: tuple[int, int], multiple: int) -> tuple[int, int]:
    height, width = (-(-side // multiple) * multiple for side in size)
    return height, width


def _pad(clip: Frames, size: tuple[int, int]) -> Frames:
    rows, columns = (to - side for to, side in zip(size, clip.shape[2:4], strict=True))
    if not rows and not columns:
        return clip
    pad = np.pad if isinstance(clip, np.ndarray) else jnp.pad
    return pad(clip, ((0, 0), (0, 0), (0, rows), (0, columns), (0, 0)), mode="symmetric")


def _shown(size: tuple[int, ...], padded: tuple[int, ...]) -> np.ndarray:
    """Returns the part of padded frames that is picture, see `only_shown`."""
    return np.array([0, size[0] / padded[0], 0, size[1] / padded[1]], np.float32)


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
