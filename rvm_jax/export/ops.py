"""What emitters are written with: arithmetic, shapes and resizing on `Value`s, with constants where sizes are known."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rvm_jax.export.graph import Dim, Graph, Value


def cast(g: Graph, x: Value, dtype: str) -> Value:
    """Returns `x` in another dtype."""
    if x.dtype == dtype:
        return x
    to = {"float32": 1, "uint8": 2, "int64": 7, "bool": 9, "float16": 10}[dtype]
    return g.node("Cast", [x], x.shape, dtype, to=to)


def binary(g: Graph, op: str, a: Value, b: Value | float) -> Value:
    """Adds Add, Sub, Mul or Div, in the wider of both dtypes."""
    if not isinstance(b, Value):
        b = g.scalar(b, a.dtype)
    dtype = "float32" if "float32" in (a.dtype, b.dtype) else a.dtype
    return g.node(op, [cast(g, a, dtype), cast(g, b, dtype)], _broadcast(a.shape, b.shape))


def add(g: Graph, a: Value, b: Value | float) -> Value:
    return binary(g, "Add", a, b)


def sub(g: Graph, a: Value, b: Value | float) -> Value:
    return binary(g, "Sub", a, b)


def mul(g: Graph, a: Value, b: Value | float) -> Value:
    return binary(g, "Mul", a, b)


def div(g: Graph, a: Value, b: Value | float) -> Value:
    return binary(g, "Div", a, b)


def unary(g: Graph, op: str, x: Value, **attributes: Any) -> Value:
    """Adds Relu, Sigmoid, Tanh and the like."""
    return g.node(op, [x], x.shape, **attributes)


def clip(g: Graph, x: Value, low: float, high: float) -> Value:
    return g.node("Clip", [x, g.scalar(low, x.dtype), g.scalar(high, x.dtype)], x.shape)


def concat(g: Graph, values: Sequence[Value], axis: int) -> Value:
    """Joins along an axis; of constants, a constant."""
    arrays = [array for value in values if (array := g.array(value)) is not None]
    if len(arrays) == len(values):
        return g.constant(np.concatenate(arrays, axis))
    shape = list(values[0].shape)
    lengths = [value.shape[axis] for value in values]
    shape[axis] = sum(n for n in lengths if isinstance(n, int)) if all(isinstance(n, int) for n in lengths) else None
    return g.node("Concat", values, shape, axis=axis)


def split(g: Graph, x: Value, axis: int, sizes: Sequence[int]) -> list[Value]:
    """Cuts along an axis of known length into pieces of these sizes."""
    shapes = [(*x.shape[:axis], size, *x.shape[axis + 1 :]) for size in sizes]
    return g.nodes("Split", [x, g.constant(np.array(sizes, np.int64))], shapes, axis=axis)


def split_evenly(g: Graph, x: Value, axis: int, count: int) -> list[Value]:
    """Cuts along an axis, whose length may be unknown, into `count` equal pieces."""
    length = x.shape[axis]
    own: Dim = length // count if isinstance(length, int) else None
    shapes = [(*x.shape[:axis], own, *x.shape[axis + 1 :])] * count
    stated: dict[str, Any] = {"num_outputs": count} if g.opset >= 18 else {}
    return g.nodes("Split", [x], shapes, axis=axis, **stated)


def slice_axis(g: Graph, x: Value, axis: int, start: int, stop: int, step: int = 1) -> Value:
    """Returns x[…, start:stop:step] of an axis of known length."""
    bounds = [g.constant(np.array([n], np.int64)) for n in (start, stop, axis, step)]
    shape = list(x.shape)
    shape[axis] = len(range(start, stop, step))
    return g.node("Slice", [x, *bounds], shape)


def gather(g: Graph, x: Value, axis: int, index: np.ndarray) -> Value:
    """Returns x at these places of an axis."""
    shape = (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    return g.node("Gather", [x, g.constant(index.astype(np.int64))], shape, axis=axis)


def transpose(g: Graph, x: Value, *perm: int) -> Value:
    return g.node("Transpose", [x], [x.shape[i] for i in perm], perm=list(perm))


def reshape(g: Graph, x: Value, shape: Sequence[int]) -> Value:
    """Reshapes it; one entry may be -1."""
    known: list[Dim] = [None if n == -1 else n for n in shape]
    if None in known and all(isinstance(n, int) for n in x.shape):
        total = math.prod(n for n in x.shape if isinstance(n, int))
        known[known.index(None)] = total // math.prod(n for n in known if isinstance(n, int))
    return g.node("Reshape", [x, g.constant(np.array(shape, np.int64))], known)


def sizes(g: Graph, x: Value, first: int, last: int) -> Value:
    """Returns the lengths of the axes `first` to `last` (not included), int64: a constant where they are known."""
    dims = x.shape[first:last]
    if all(isinstance(n, int) for n in dims):
        return g.constant(np.array(dims, np.int64))
    key = (x.name, first, last)
    if key not in g._shapes:
        g._shapes[key] = g.node("Shape", [x], (last - first,), "int64", start=first, end=last)
    return g._shapes[key]


def crop_to(g: Graph, x: Value, like: Value) -> Value:
    """Returns the upper left part of a map that is as large as another."""
    if x.sides == like.sides and None not in x.sides:
        return x
    axes = g.constant(np.array([2, 3], np.int64))
    zero = g.constant(np.array([0, 0], np.int64))
    return g.node("Slice", [x, zero, sizes(g, like, 2, 4), axes], (*x.shape[:2], *like.sides))


def upsample(g: Graph, x: Value, factor: int, mode: str = "linear") -> Value:
    """Enlarges by a whole factor: bilinearly about half-pixel centres, or "nearest"."""
    scales = g.constant(np.array([1, 1, factor, factor], np.float32))
    how = (
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        if mode == "nearest"
        else {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    )
    sides = [factor * n if isinstance(n, int) else None for n in x.sides]
    return g.node("Resize", [x, None, scales], (*x.shape[:2], *sides), **how)


def shrink(g: Graph, x: Value, factor: int) -> Value:
    """Shrinks by an even factor as interpolate(mode="bilinear") does: the mean of the middle four pixels."""
    scales = g.constant(np.array([1, 1, 1 / factor, 1 / factor], np.float32))
    sides = [n // factor if isinstance(n, int) else None for n in x.sides]
    return g.node(
        "Resize", [x, None, scales], (*x.shape[:2], *sides), mode="linear", coordinate_transformation_mode="half_pixel"
    )


def resize_like(g: Graph, x: Value, like: Value) -> Value:
    """Resizes bilinearly to the sides of another map."""
    wanted = concat(g, [sizes(g, x, 0, 2), sizes(g, like, 2, 4)], 0)
    how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return g.node("Resize", [x, None, None, wanted], (*x.shape[:2], *like.sides), **how)


def avg_pool2(g: Graph, x: Value) -> Value:
    """Halves a map; the mean at an odd edge is of the pixels that there are."""
    sides = [-(-n // 2) if isinstance(n, int) else None for n in x.sides]
    even = all(isinstance(n, int) and n % 2 == 0 for n in x.sides)
    if even and g.runtime == "openvino":
        # Its pooling would have each channel filled up to 16, and its convolution reads few as they are.
        weight = np.eye(x.channels, dtype=x.dtype)[:, :, None, None] * np.full((2, 2), 0.25, x.dtype)
        halved = [x, g.constant(weight, "halve.weight")]
        return g.node("Conv", halved, (*x.shape[:2], *sides), kernel_shape=[2, 2], strides=[2, 2])
    edge: dict[str, Any] = {} if even else {"ceil_mode": 1, "count_include_pad": 0}
    return g.node("AveragePool", [x], (*x.shape[:2], *sides), kernel_shape=[2, 2], strides=[2, 2], **edge)


def max_pool3(g: Graph, x: Value) -> Value:
    """Returns 3×3 maxima at every second pixel."""
    sides = [(n - 1) // 2 + 1 if isinstance(n, int) else None for n in x.sides]
    return g.node("MaxPool", [x], (*x.shape[:2], *sides), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])


def global_mean(g: Graph, x: Value) -> Value:
    return g.node("GlobalAveragePool", [x], (*x.shape[:2], 1, 1))


def _broadcast(a: tuple[Dim, ...], b: tuple[Dim, ...]) -> tuple[Dim, ...]:
    length = max(len(a), len(b))
    first, second = ((1,) * (length - len(shape)) + shape for shape in (a, b))
    return tuple(_one(m, n) for m, n in zip(first, second, strict=True))


def _one(m: Dim, n: Dim) -> Dim:
    if m == 1 or (m is None and n != 1):
        return n
    return m
