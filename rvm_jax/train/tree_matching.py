"""Arrays of one tree for the places of another, which is structured otherwise."""

from collections.abc import Collection
from typing import Any

import jax

# The names from a tree's root to a leaf.
_Path = tuple[str, ...]


def fit(saved: Any, wanted: Any, parameters: Collection[str]) -> tuple[Any, tuple[str, ...]]:
    """Returns `wanted` with the arrays of `saved`, and the names of those that it lacks, which stay as they are.

    An array is found by its path, else by what it is called wherever it lies within the same top-level item, and by its
    shape: an optimizer's settings decide where its moments lie.

    Args:
        saved, wanted: trees of arrays.
        parameters: the keys that tell an optimizer's arrays of one parameter from another's.
    """

    def name(path: _Path) -> _Path:
        """Returns what an array is called wherever it lies: "mu" and its parameter, or "count"."""
        return path[-2:] if path[-1] in parameters else path[-1:]

    exact: dict[_Path, jax.Array] = {_names(path): x for path, x in jax.tree.leaves_with_path(saved)}
    alike: dict[tuple[str, _Path], jax.Array] = {}
    for path, x in exact.items():
        alike.setdefault((path[0], name(path)), x)
    absent: dict[str, None] = {}

    def pick(keys: Any, x: jax.Array) -> jax.Array:
        path = _names(keys)
        found = exact.get(path)
        if found is None or found.shape != x.shape:
            found = alike.get((path[0], name(path)))
        if found is None or found.shape != x.shape:
            absent[name(path)[0]] = None
            return x
        # A copy, as two counters may have been one, and a step takes the memory of each.
        return found.astype(x.dtype) if found.dtype != x.dtype else found if path in exact else found.copy()

    return jax.tree.map_with_path(pick, wanted), tuple(absent)


def _names(path: Any) -> _Path:
    return tuple(str(getattr(key, "key", getattr(key, "idx", getattr(key, "name", key)))) for key in path)
