"""The network that a training begins with: its weights drawn, of a checkpoint, or PyTorch's."""

from typing import Any

from flax import nnx
from ml_collections import ConfigDict

from rvm_jax.atomic_files import absolute
from rvm_jax.errors import UserError
from rvm_jax.networks.registry import create
from rvm_jax.train import checkpoints
from rvm_jax.weights import torch_weights

# The deciding output of RVM's matting head: three channels of foreground residual come before the alpha.
_ALPHA = 3


def make_network(config: ConfigDict, seed: int) -> Any:
    """Returns the network of a config's `network` section, in evaluation mode.

    `start_from` (a checkpoint, a work directory or PyTorch weights) sets all weights; else `backbone` (torchvision's
    ImageNet file) the encoder's; else all are drawn from `seed`. Weights of RVM with a foreground also start a network
    of the alpha alone, which keeps the head's fourth channel; those with a deep guided filter one with the fast filter.

    Raises:
        UserError: an unknown setting, or weights of a network that this one cannot start from.
    """
    settings = config.to_dict()
    start_from, backbone = settings.pop("start_from", ""), settings.pop("backbone", "")
    if start_from:
        return _fitted(_read(start_from), settings, start_from)
    network = create(**settings, rngs=nnx.Rngs(seed))
    if backbone:
        torch_weights.load_backbone(network, backbone)
    return network


def _read(start_from: str) -> Any:
    path = absolute(start_from)
    return checkpoints.load(path) if path.is_dir() else torch_weights.load_torch(path)


def _fitted(found: Any, settings: dict[str, Any], source: str) -> Any:
    """The network found, or one of these settings with what they leave of its weights."""
    if found.config == settings:
        return found
    reducible = {"foreground": (True, False), "refiner": ("deep_guided_filter", "fast_guided_filter")}
    for key in found.config.keys() | settings.keys():
        values = found.config.get(key), settings.get(key)
        if values[0] != values[1] and values != reducible.get(key):
            raise UserError(
                f"network.start_from={source} holds a network with {key}={values[0]!r}, but the config asks for "
                f"{values[1]!r}; set network.{key}, or start from other weights"
            )
    tensors = torch_weights.state_dict(found)
    if found.config.get("foreground") and not settings.get("foreground"):
        for key in ("project_mat.conv.weight", "project_mat.conv.bias"):
            tensors[key] = tensors[key][_ALPHA : _ALPHA + 1]
    if settings.get("refiner") == "fast_guided_filter":
        tensors = {key: tensor for key, tensor in tensors.items() if not key.startswith("refiner.")}
    network = create(**settings, rngs=None)
    torch_weights.set_state_dict(network, tensors, source)
    return network
