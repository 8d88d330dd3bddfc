"""Resizing to and from full size for OpenVINO, where sizes are known: columns and rows apart.

OpenVINO resizes maps pixel by pixel, a vector for the channels of each. Maps of few channels leave most of a vector
empty, so columns are resized with the rows as channels. Rows are mixed by element-wise arithmetic, which OpenVINO fuses
with what comes after it: coefficients at full size never reach memory.
"""

from collections.abc import Sequence
from math import gcd

import numpy as np

from rvm_jax.export import ops
from rvm_jax.export.graph import Graph, Value

# Rows of a group before it is enlarged: each costs a product a pixel, wanted or not.
_LARGEST_GROUP = 4
_BILINEAR = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}


def is_known(x: Value) -> bool:
    """Says whether all sides of a map are known, and its batch."""
    return all(isinstance(n, int) for n in x.shape)


def has_groups(small: Value, fine: Value) -> bool:
    """Says whether a few rows of one map become whole rows of another, such as 4 that become 15."""
    if not (is_known(small) and is_known(fine)):
        return False
    height, full = _sides(small)[0], _sides(fine)[0]
    return height // gcd(height, full) <= _LARGEST_GROUP


def shrink_by_rows(g: Graph, x: Value, ratio: float) -> Value:
    """Resizes a map (B, C, H, W) bilinearly to floor(side · ratio), about half-pixel centres."""
    height, width = _sides(x)
    rows, columns = int(np.floor(height * ratio)), int(np.floor(width * ratio))
    first, share = _places(rows, 1 / ratio)
    mixed = None
    for index, weight in ((first, 1 - share), (first + 1, share)):
        taken = ops.gather(g, x, 2, index.clip(0, height - 1))
        term = ops.mul(g, taken, g.constant(weight.astype(np.float32).reshape(1, 1, rows, 1)))
        mixed = term if mixed is None else ops.add(g, mixed, term)
    assert mixed is not None
    scales = g.constant(np.array([1, 1, 1, ratio], np.float32))
    return _columns(g, mixed, columns, [scales])


def apply_by_rows(g: Graph, a: Value, b: Value, guides: Sequence[Value]) -> list[Value]:
    """Adds a · x + b for guides x (B, c, H, W) that share the channels of `a` and `b` (B, C, h, w) between them.

    `has_groups` has said that the sides fit.
    """
    height, width = _sides(guides[0])
    rows = _sides(a)[0]
    count = gcd(height, rows)
    wanted = g.constant(np.array([a.shape[0], 2 * a.channels * rows, 1, width], np.int64))
    wide = _columns(g, ops.concat(g, [a, b], 1), width, [None, wanted])
    parts = ops.split(g, wide, 1, [x.channels for x in guides] * 2)
    results = []
    for x, own_a, own_b in zip(guides, parts[: len(guides)], parts[len(guides) :], strict=True):
        grouped = ops.reshape(g, x, [-1, x.channels, count, height // count, width])
        y = ops.mul(g, _enlarged_rows(g, own_a, height), grouped)
        y = ops.add(g, y, _enlarged_rows(g, own_b, height))
        results.append(ops.reshape(g, y, [-1, x.channels, height, width]))
    return results


def _enlarged_rows(g: Graph, x: Value, height: int) -> Value:
    """(B, C, h, W) with its rows resized, in groups: (B, C, groups, H / groups, W)."""
    rows, width = _sides(x)
    count = gcd(rows, height)
    before, after = rows // count, height // count
    first, share = _places(after, before / after)
    mixed = None
    # The rows of a group, and its neighbours above and below.
    for row in range(-1, before + 1):
        weight = np.where(first == row, 1 - share, 0) + np.where(first + 1 == row, share, 0)
        index = (before * np.arange(count) + row).clip(0, rows - 1)
        taken = x if count == rows and row == 0 else ops.gather(g, x, 2, index)
        taken = ops.reshape(g, taken, [-1, x.channels, count, 1, width])
        term = ops.mul(g, taken, g.constant(weight.astype(np.float32).reshape(1, 1, 1, after, 1)))
        mixed = term if mixed is None else ops.add(g, mixed, term)
    assert mixed is not None
    return mixed


def _columns(g: Graph, x: Value, width: int, wanted: list[Value | None]) -> Value:
    """(B, C, H, w) with its columns resized, its rows as channels; `wanted` are the last inputs of Resize."""
    height, own = _sides(x)
    rows = ops.reshape(g, x, [-1, x.channels * height, 1, own])
    rows = g.node("Resize", [rows, None, *wanted], (x.shape[0], x.channels * height, 1, width), **_BILINEAR)
    return ops.reshape(g, rows, [-1, x.channels, height, width])


def _places(count: int, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Where resized rows lie, about half-pixel centres: the row before each, and the share of the next one, in [0, 1).

    The row before may be -1, and the next one beyond the last: the edge's.
    """
    place = (np.arange(count) + 0.5) * step - 0.5
    first = np.floor(place)
    return first.astype(np.int64), place - first


def _sides(x: Value) -> tuple[int, int]:
    height, width = x.sides
    assert isinstance(height, int) and isinstance(width, int)
    return height, width
