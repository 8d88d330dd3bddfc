"""A network for still pictures on frames of one size: its padding, normalisation and cropping as nodes."""

from typing import Any

import numpy as np

from rvm_jax.export import ops
from rvm_jax.export.graph import Graph, Value
from rvm_jax.export.pictures import emit_alpha
from rvm_jax.matting import padding
from rvm_jax.matting.frame_by_frame import FrameByFrame


def emit_frame_by_frame(g: Graph, network: FrameByFrame, src: Value, ratio: float) -> Value:
    """Adds a `FrameByFrame` on frames (B, 3, H, W) of known sides, RGB in [0, 1]; returns `pha` (B, 1, H, W)."""
    inner: Any = network.network
    frames = src
    if ratio != 1:
        scales = g.constant(np.array([1, 1, ratio, ratio], np.float32))
        small = [int(np.floor(n * ratio)) for n in src.sides if isinstance(n, int)]
        frames = g.node(
            "Resize",
            [src, None, scales],
            (src.shape[0], 3, *small),
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
    height, width = frames.sides
    assert isinstance(height, int) and isinstance(width, int)
    place = padding.place(inner.preprocessing, inner.inputs.size_multiple, (height, width))
    frames = _resized_by_area(g, frames, place.inner)
    for axis, before, after in zip((2, 3), place.before, place.after, strict=True):
        frames = _padded(g, frames, axis, before, after, place.mode)
    pha = emit_alpha(g, inner, frames)
    for axis, before, length in zip((2, 3), place.before, place.inner, strict=True):
        if pha.shape[axis] != length:
            pha = ops.slice_axis(g, pha, axis, before, before + length)
    pha = _resized_by_area(g, pha, place.size)
    return pha if pha.sides == src.sides else ops.clip(g, ops.resize_like(g, pha, src), 0, 1)


def _padded(g: Graph, x: Value, axis: int, before: int, after: int, mode: str) -> Value:
    """NumPy's pad of one axis, whatever its mode, as a choice of places."""
    if before == after == 0:
        return x
    length = x.shape[axis]
    assert isinstance(length, int)
    index = np.pad(np.arange(length), (before, after), mode=mode)  # type: ignore[call-overload]
    return ops.gather(g, x, axis, index)


def _resized_by_area(g: Graph, x: Value, size: tuple[int, int]) -> Value:
    """The mean of all pixels that one of the result touches, by a matrix for rows and one for columns."""
    if x.sides == size:
        return x
    height, width = x.sides
    assert isinstance(height, int) and isinstance(width, int)
    rows = g.constant(padding.area_means(height, size[0]))
    columns = g.constant(padding.area_means(width, size[1]).T)
    x = g.node("MatMul", [rows, x], (*x.shape[:2], size[0], width))
    return g.node("MatMul", [x, columns], (*x.shape[:2], *size))
