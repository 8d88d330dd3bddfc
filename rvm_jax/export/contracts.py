"""The contracts that a network can be exported to, by name."""

from typing import Any, Protocol

import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.export.faces import FACE_CONTRACTS
from rvm_jax.export.form import Form, has_state
from rvm_jax.export.graph import Graph
from rvm_jax.export.pictures import PictureContract
from rvm_jax.export.rvm_contract import RVMContract
from rvm_jax.networks.api import Network


class Contract(Protocol):
    """Describes the inputs and outputs that a program expects of a file."""

    @property
    def name(self) -> str:
        """Returns what `--as` calls it."""

    @property
    def opset(self) -> int:
        """Returns the ONNX operator set."""

    @property
    def values(self) -> str:
        """Returns the ranges of inputs and outputs, in words."""

    def form(self, network: Network, form: Form) -> Form:
        """Returns the form that the file gets. Raises UserError if the network cannot fill the contract."""

    def build(self, g: Graph, network: Network, form: Form) -> None:
        """Adds the folded network, its inputs and outputs to the graph."""

    def run(
        self, session: Any, frames: list[np.ndarray], guidance: np.ndarray | None, form: Form, ratio: float
    ) -> list[dict[str, np.ndarray]]:
        """Returns what the file makes of frames (B, H, W, 3), float in [0, 1], under the names of our results."""


CONTRACTS: dict[str, Contract] = {
    contract.name: contract for contract in (RVMContract(), PictureContract(), *FACE_CONTRACTS)
}


def contract_for(network: Network, name: str | None) -> Contract:
    """Returns a contract by name; by default `rvm` for networks with a state, else `picture`.

    Raises UserError if the name is unknown.
    """
    if name is None:
        name = "rvm" if has_state(network) else "picture"
    if name not in CONTRACTS:
        raise UserError(f"contract '{name}' is unknown; use one of {', '.join(CONTRACTS)}, stablehlo")
    return CONTRACTS[name]
