"""Networks as pure functions of flat dictionaries, {dotted PyTorch-like key: array}.

A jitted step takes and returns these: they dispatch many times faster than modules do, an optimizer groups them by
key, and a checkpoint stores them as they are. Split outside of `jit`, merge inside.
"""

from typing import TypeVar

import jax
from flax import nnx

Tensors = dict[str, jax.Array]
Network = TypeVar("Network", bound=nnx.Module)


def split(network: Network) -> tuple[nnx.GraphDef[Network], Tensors, Tensors]:
    """Returns the network's structure (hashable), its parameters and its batch norm statistics."""
    graphdef, params, batch_stats = nnx.split(network, nnx.Param, nnx.BatchStat)  # type: ignore[misc]
    return graphdef, _flat(params), _flat(batch_stats)


def merge(graphdef: nnx.GraphDef[Network], params: Tensors, batch_stats: Tensors) -> Network:
    """Returns the network of `split`, with these tensors."""
    return nnx.merge(graphdef, _nested(params), _nested(batch_stats))


def batch_stats(network: nnx.Module) -> Tensors:
    """Returns the batch norm statistics, as a pass in training view left them."""
    return _flat(nnx.state(network, nnx.BatchStat))


def _flat(state: nnx.State) -> Tensors:
    return {".".join(map(str, path)): variable[...] for path, variable in nnx.to_flat_state(state)}


def _nested(tensors: Tensors) -> nnx.State:
    paths = {tuple(int(part) if part.isdigit() else part for part in key.split(".")): key for key in tensors}
    return nnx.State(nnx.traversals.unflatten_mapping({path: tensors[key] for path, key in paths.items()}))
