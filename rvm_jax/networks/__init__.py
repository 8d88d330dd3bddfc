"""The networks: a package a model, the backbones and layers that they share, and the interface that all have.

A network is added by its package, whose `__init__` holds a `Declaration` named DECLARATION; no list elsewhere names it.
"""

from rvm_jax.networks.api import (
    Declaration,
    InputSpec,
    Matte,
    Network,
    Preprocessing,
    RecurrentNetwork,
    Result,
    Settings,
    StateDict,
)
from rvm_jax.networks.registry import Registration, create, declaration_of, declarations, names, register

__all__ = [
    "Declaration",
    "InputSpec",
    "Matte",
    "Network",
    "Preprocessing",
    "RecurrentNetwork",
    "Registration",
    "Result",
    "Settings",
    "StateDict",
    "create",
    "declaration_of",
    "declarations",
    "names",
    "register",
]
