"""Networks as pure functions of flat dictionaries, {dotted PyTorch-like key: array}.

A jitted step takes and returns these: they dispatch many times faster than modules do, an optimizer groups them by
key, and a checkpoint stores them as they are. Split outside of `jit`, merge inside.
"""

from typing import Any, TypeVar

import jax
from flax import nnx

Tensors = dict[str, jax.Array]
N = TypeVar("N")


def split(network: N) -> tuple[nnx.GraphDef[N], Tensors, Tensors]:
    """Returns the network's structure (hashable), its parameters and its batch norm statistics."""
    graphdef, params, batch_stats = nnx.split(network, nnx.Param, nnx.BatchStat)  # type: ignore[misc]
    return graphdef, _flat(params), _flat(batch_stats)


def merge(graphdef: nnx.GraphDef[N], params: Tensors, batch_stats: Tensors) -> N:
    """Returns the network of `split`, with these tensors."""
    return nnx.merge(graphdef, _nested(params), _nested(batch_stats))


def parts(network: object) -> tuple[str, ...]:
    """Returns the names of the network's attributes that hold parameters: the first names of the parameters' keys."""
    holders = {key.split(".", 1)[0] for key in split(network)[1]}
    return tuple(name for name in vars(network) if name in holders)


def batch_stats(network: object) -> Tensors:
    """Returns the batch norm statistics, as a pass in training view left them."""
    return _flat(nnx.state(network, nnx.BatchStat))


def _flat(state: nnx.State[Any, Any]) -> Tensors:
    return {".".join(map(str, path)): variable[...] for path, variable in nnx.to_flat_state(state)}


def _nested(tensors: Tensors) -> nnx.State[Any, Any]:
    paths = {tuple(int(part) if part.isdigit() else part for part in key.split(".")): key for key in tensors}
    return nnx.State(nnx.traversals.unflatten_mapping({path: tensors[key] for path, key in paths.items()}))
