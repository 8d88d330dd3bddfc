"""The network that a training begins with: its weights drawn, of a checkpoint, or PyTorch's."""

from typing import Any

from flax import nnx
from ml_collections import ConfigDict

from rvm_jax.atomic_files import absolute
from rvm_jax.errors import UserError
from rvm_jax.networks.api import Network, Settings
from rvm_jax.networks.layers.kernels import Kernels, use_kernels
from rvm_jax.networks.registry import create, declaration_of
from rvm_jax.train import checkpoints
from rvm_jax.weights import torch_weights
from rvm_jax.weights.shipped import load_shipped, shipped_path


def initial_network(config: ConfigDict, seed: int, kernels: Kernels | None = None) -> Network:
    """Returns the network of a config's `network` section, in evaluation mode.

    `start_from` (a checkpoint, a work directory, PyTorch weights, or the name of a network of the package) sets all
    weights; else `backbone` (torchvision's ImageNet file) the encoder's; else all are drawn from `seed`. Weights of
    another network than asked for are adapted as its declaration says: those of RVM with a foreground start one of the
    alpha alone, for example.

    Args:
        config: the section.
        seed: of the weights that are drawn.
        kernels: what its layers compute by; None for those of the device that the weights go to.

    Raises:
        UserError: if a setting is unknown, or the weights are of a network that this one cannot start from.
    """
    settings = config.to_dict()
    start_from, backbone = settings.pop("start_from", ""), settings.pop("backbone", "")
    if start_from:
        adapted: Network = _adapted(_read(start_from), settings, start_from)
        use_kernels(adapted, kernels)
        return adapted
    network: Network = create(**settings, rngs=nnx.Rngs(seed), kernels=kernels)
    if backbone:
        torch_weights.load_backbone(network, backbone)
    return network


def starting_paths(config: ConfigDict) -> list[str]:
    """Returns the files and folders whose weights `initial_network` reads, of the config's section."""
    named = (config.get("start_from"), config.get("backbone"))
    return [path for path in named if path and shipped_path(path) is None]


def _read(start_from: str) -> Any:
    shipped = shipped_path(start_from)
    if shipped is not None:
        return load_shipped(shipped)
    path = absolute(start_from)
    return checkpoints.load(path) if path.is_dir() else torch_weights.load_torch(path)


def _adapted(found: Any, settings: Settings, source: str) -> Any:
    """Returns the network found, or one of these settings with what they leave of its weights."""
    if found.config == settings:
        return found
    declaration = declaration_of(settings.get("name"))
    for key in found.config.keys() | settings.keys():
        values = found.config.get(key), settings.get(key)
        if values[0] != values[1] and values != declaration.adaptable.get(key):
            raise UserError(
                f"network.start_from={source} holds a network with {key}={values[0]!r}, but the config asks for "
                f"{values[1]!r}; set network.{key}, or start from other weights"
            )
    network = create(**settings, rngs=None)
    torch_weights.set_state_dict(
        network, declaration.adapt_weights(torch_weights.state_dict(found), network.config), source
    )
    return network
