"""Which network a PyTorch state dict is of: the networks' packages tell by its keys and shapes."""

from collections.abc import Mapping

import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.networks.api import Settings
from rvm_jax.networks.registry import declarations, names


def recognise(tensors: Mapping[str, np.ndarray], source: str) -> Settings:
    """Returns the arguments of `rvm_jax.create` that make the network of a state dict.

    Args:
        tensors: by PyTorch's keys, in PyTorch's layout.
        source: names the file in errors.

    Raises:
        UserError: if it is an encoder's alone, of a network of other inputs, or of none that there is.
    """
    for declaration in declarations():
        try:
            settings = declaration.recognise(tensors)
        except ValueError as error:
            raise UserError(f"{source}: {error}") from error
        if settings is not None:
            return settings
    if any(key in tensors for declaration in declarations() for key in declaration.backbone_keys):
        raise UserError(f"{source}: holds an encoder alone; use rvm_jax.load_backbone(network, path)")
    such = f" (such as {next(iter(tensors))})" if tensors else ""
    raise UserError(
        f"{source}: no network of this project, by its keys{such}; known are {', '.join(names())} (docs/networks.md "
        "has what their files hold)"
    )


def is_known(tensors: Mapping[str, np.ndarray]) -> bool:
    """Whether a state dict looks like that of a network of this project, or like one of its encoders."""
    for declaration in declarations():
        try:
            if declaration.recognise(tensors) is not None:
                return True
        except ValueError:  # one of its own, with other inputs
            return True
    return False
