"""The guided filters of RVM, in float32 whatever the rest computes in: their covariances are small differences.

The order of the operations is that of `rvm_jax.networks.rvm.refiner`, since the fast filter divides by variances near
1e-5.
"""

from collections.abc import Sequence

import numpy as np

from rvm_jax.export import ops
from rvm_jax.export.graph import Graph, Value
from rvm_jax.export.layers import convolve, convolve_joined, emit, path_of, tensor
from rvm_jax.export.networks.resizing_by_rows import apply_by_rows, has_groups
from rvm_jax.networks.rvm.refiner import DeepGuidedFilter, FastGuidedFilter

_EPS = FastGuidedFilter().eps


def refine(
    g: Graph,
    deep: DeepGuidedFilter | None,
    fine: Value,
    base: Value,
    heads: list[Value],
    hidden: Value,
    *,
    colours: bool,
) -> list[Value]:
    """Brings [residual, alpha] at the size of `base` to [colours, alpha] at that of `fine`; [alpha] without `colours`.

    `deep` is None for the fast filter.
    """
    with g.precision("float32"):
        fine, base = ops.cast(g, fine, "float32"), ops.cast(g, base, "float32")
        x = ops.concat(g, [base, channel_mean(g, base)], 1)
        y = ops.concat(g, heads, 1)
        if deep is None:
            a, b = _fit(g, x, y)
        else:
            a, b = _learned_fit(g, deep, x, y, ops.cast(g, hidden, "float32"))
        # Residuals are added to the colours that they are a multiple of: (a + 1) · x + b.
        a = ops.add(g, a, g.constant(np.array([1, 1, 1, 0], np.float32).reshape(1, 4, 1, 1)))
        results = _apply(g, a, b, [fine, channel_mean(g, fine)])
        return results if colours else results[1:]


def refine_alpha(g: Graph, fine: Value, base: Value, alpha: Value) -> Value:
    """Adds the fast filter of an alpha alone, guided by the channels' mean."""
    with g.precision("float32"):
        fine, base = (channel_mean(g, ops.cast(g, x, "float32")) for x in (fine, base))
        return _apply(g, *_fit(g, base, alpha), [fine])[0]


def channel_mean(g: Graph, x: Value) -> Value:
    """Adds the mean over the channels: (B, 3, H, W) to (B, 1, H, W)."""
    axes = g.constant(np.array([1], np.int64))
    return g.node("ReduceMean", [x, axes], (x.shape[0], 1, *x.shape[2:]), keepdims=1)


def _fit(g: Graph, x: Value, y: Value) -> tuple[Value, Value]:
    mean_x, mean_y = _box(g, x), _box(g, y)

    def covariance(p: Value, q: Value, mean_p: Value, mean_q: Value) -> Value:
        return ops.sub(g, _box(g, ops.mul(g, p, q)), ops.mul(g, mean_p, mean_q))

    variance = ops.add(g, covariance(x, x, mean_x, mean_x), _EPS)
    a = ops.div(g, covariance(x, y, mean_x, mean_y), variance)
    return a, ops.sub(g, mean_y, ops.mul(g, a, mean_x))


def _box(g: Graph, x: Value) -> Value:
    """The mean over 3×3 pixels, zeros beyond the edge: along rows, then along columns."""
    weight = g.constant(np.full((x.channels, 1, 1, 3), 1 / 3, np.float32), "box.rows")
    rows = g.node("Conv", [x, weight], x.shape, kernel_shape=[1, 3], pads=[0, 1, 0, 1], group=x.channels)
    weight = g.constant(np.full((x.channels, 1, 3, 1), 1 / 3, np.float32), "box.columns")
    return g.node("Conv", [rows, weight], x.shape, kernel_shape=[3, 1], pads=[1, 0, 1, 0], group=x.channels)


def _learned_fit(g: Graph, deep: DeepGuidedFilter, x: Value, y: Value, hidden: Value) -> tuple[Value, Value]:
    box_weight = tensor(deep.box_filter.weight)

    def box(values: Value) -> Value:
        return convolve(g, values, box_weight, groups=4, name=path_of(g, deep.box_filter))

    mean_x, mean_y = box(x), box(y)
    covariance = ops.sub(g, box(ops.mul(g, x, y)), ops.mul(g, mean_x, mean_y))
    variance = ops.sub(g, box(ops.mul(g, x, x)), ops.mul(g, mean_x, mean_x))
    first, *others = deep.conv
    a = convolve_joined(
        g, [covariance, variance, hidden], tensor(first.weight), tensor(first.bias), name=path_of(g, first)
    )
    for layer in others:
        a = emit(g, layer, a)
    return a, ops.sub(g, mean_y, ops.mul(g, a, mean_x))


def _apply(g: Graph, a: Value, b: Value, guides: Sequence[Value]) -> list[Value]:
    """a · x + b at full size, for guides x that share the channels of `a` and `b` between them."""
    if g.runtime == "openvino":
        return apply_by_rows(g, a, b, guides) if has_groups(a, guides[0]) else _apply_joined(g, a, b, guides)
    parts = [ops.split(g, values, 1, [x.channels for x in guides]) for values in (a, b)]
    return [
        ops.add(g, ops.mul(g, ops.resize_like(g, a, x), x), ops.resize_like(g, b, x))
        for a, b, x in zip(*parts, guides, strict=True)
    ]


def _apply_joined(g: Graph, a: Value, b: Value, guides: Sequence[Value]) -> list[Value]:
    """All maps of both coefficients resized as one."""
    count = a.channels
    a, b = ops.split(g, ops.resize_like(g, ops.concat(g, [a, b], 1), guides[0]), 1, [count, count])
    refined = ops.add(g, ops.mul(g, a, ops.concat(g, guides, 1)), b)
    return ops.split(g, refined, 1, [x.channels for x in guides])
