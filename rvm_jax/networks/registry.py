"""The networks that there are: those whose packages stand in `rvm_jax.networks`, and those registered beside them."""

import inspect
import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.networks.api import Declaration
from rvm_jax.networks.layers.kernels import Kernels, use_kernels

_registered: list[Declaration] = []


class Registration:
    """A network's place in the registry, which `undo`, or the end of a `with` block, gives up again."""

    def __init__(self, declaration: Declaration):
        self.declaration = declaration

    def __enter__(self) -> Declaration:
        return self.declaration

    def __exit__(self, *error: object) -> None:
        self.undo()

    def undo(self) -> None:
        """Takes the network out of the registry; a second time does nothing."""
        if self.declaration in _registered:
            _registered.remove(self.declaration)


def register(declaration: Declaration) -> Registration:
    """Makes a network from outside of this package known to `rvm_jax.create`, checkpoints, configs and recognition.

    Args:
        declaration: what it says about itself.

    Returns:
        Its place, which can be given up: `with register(declaration): …`, or `register(declaration).undo()`.

    Raises:
        UserError: one of its names is taken.
    """
    taken = sorted(set(declaration.names) & set(names()))
    if taken:
        raise UserError(f"a network called '{taken[0]}' is registered already; choose another name")
    _registered.append(declaration)
    return Registration(declaration)


def declarations() -> tuple[Declaration, ...]:
    """Returns what all networks declare, the default one first."""
    found = (*_packages(), *_registered)
    return tuple(sorted(found, key=lambda declaration: not declaration.is_default))


def names() -> tuple[str, ...]:
    """Returns the names that `create` takes, the default one first."""
    return tuple(name for declaration in declarations() for name in declaration.names)


def declaration_of(name: str | None) -> Declaration:
    """Returns the declaration of the network called `name`; of the default one for None.

    Raises:
        UserError: if the name is unknown.
    """
    for declaration in declarations():
        if name in declaration.names or (name is None and declaration.is_default):
            return declaration
    raise UserError(f"network '{name}' is unknown; use one of {', '.join(names())}")


def create(
    name: str | None = None, *, rngs: nnx.Rngs | int | None = 0, kernels: Kernels | None = None, **settings: Any
) -> Any:
    """Returns a `Network` in evaluation mode; `create(**network.config)` makes one of the same kind.

    Args:
        name: one of `names()` (docs/networks.md lists what they are); the first of them by default.
        rngs: where the starting weights come from, or a seed; None for zeros, if they will be set from a file.
        kernels: what its layers compute by; None for those of the device that the weights go to.
        settings: the network's own, such as `variant`, `refiner` and `foreground` of the default one; those for
            pictures have `preparation`, "published" or "original", which `network.preprocessing` spells out.

    Raises:
        UserError: if the name is unknown, or the network does not have a setting.
    """
    declaration = declaration_of(name)
    known = _settings(declaration)
    unknown = [key for key in settings if key not in known or key == "name"]
    if unknown:
        own = ", ".join(key for key in known if key != "name")
        raise UserError(f"network '{name or declaration.names[0]}' has no setting '{unknown[0]}'; it has {own}")
    if "name" in known:
        settings = {"name": name or declaration.names[0], **settings}
    network = declaration.network(**settings, rngs=nnx.Rngs(rngs) if isinstance(rngs, int) else rngs)
    use_kernels(network, kernels)
    return network


def _settings(declaration: Declaration) -> list[str]:
    make: Any = declaration.network
    # Of a class the constructor's: flax's metaclass would hide them.
    parameters = inspect.signature(make.__init__ if isinstance(make, type) else make).parameters  # type: ignore[misc]
    return [key for key in parameters if key not in ("self", "rngs", "kernels")]


@cache
def _packages() -> tuple[Declaration, ...]:
    room, found = __name__.rpartition(".")[0], pkgutil.iter_modules([str(Path(__file__).parent)])
    packages = (import_module(f"{room}.{module.name}") for module in found if module.ispkg)
    return tuple(package.DECLARATION for package in packages if hasattr(package, "DECLARATION"))
