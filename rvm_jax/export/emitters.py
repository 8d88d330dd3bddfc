"""How a network's alpha is added to a graph: by the `Emitter` that its declaration points to."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from rvm_jax.errors import UserError
from rvm_jax.export.graph import Graph, Value
from rvm_jax.networks.api import Network
from rvm_jax.networks.registry import declaration_of


@dataclass(frozen=True)
class Emitter:
    """Is what the module that `Declaration.onnx_emitter` names holds as EMITTER.

    Attributes:
        emit: adds the network's folded copy on normalised pictures (B, 3 + guidance, H, W) to the graph and returns its
            alpha (B, 1, H, W); a recurrent network sees each picture as the first frame of a clip.
        fixed_size: whether the graph is for one size.
    """

    emit: Callable[[Graph, Any, Value], Value]
    fixed_size: bool = False


def emitter_of(network: Network) -> Emitter:
    """Returns a network's emitter.

    Raises:
        UserError: naming the network, if it has none.
    """
    name = getattr(network, "name", type(network).__name__)
    declaration = declaration_of(name)
    if declaration.onnx_emitter is None:
        raise UserError(
            f"the network {name} ({type(network).__name__}) has no ONNX form; write an emitter and name its module in "
            "its declaration"
        )
    emitter: Emitter = import_module(declaration.onnx_emitter).EMITTER
    return emitter
