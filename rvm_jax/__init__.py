"""Robust Video Matting in JAX and Flax, for faces behind hands, cups, hair and smoke.

Names are imported when they are first used, so that data workers can import `rvm_jax.media` without loading JAX.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rvm_jax.errors import UserError
from rvm_jax.version import __version__

if TYPE_CHECKING:
    from rvm_jax.export import export_onnx
    from rvm_jax.matting import matte_pictures, matte_video
    from rvm_jax.matting.frame_by_frame import FrameByFrame
    from rvm_jax.matting.matter import Matter
    from rvm_jax.matting.per_frame import PictureMatter
    from rvm_jax.networks.api import Matte
    from rvm_jax.networks.registry import create
    from rvm_jax.networks.rvm.model import MattingNetwork, Segmentation
    from rvm_jax.train.checkpoints import load, save
    from rvm_jax.weights.torch_weights import load_backbone, load_torch, save_torch

_HOMES = {
    "FrameByFrame": "rvm_jax.matting.frame_by_frame",
    "Matte": "rvm_jax.networks.api",
    "Matter": "rvm_jax.matting.matter",
    "MattingNetwork": "rvm_jax.networks.rvm.model",
    "PictureMatter": "rvm_jax.matting.per_frame",
    "Segmentation": "rvm_jax.networks.rvm.model",
    "create": "rvm_jax.networks.registry",
    "export_onnx": "rvm_jax.export",
    "load": "rvm_jax.train.checkpoints",
    "load_backbone": "rvm_jax.weights.torch_weights",
    "load_torch": "rvm_jax.weights.torch_weights",
    "matte_pictures": "rvm_jax.matting",
    "matte_video": "rvm_jax.matting",
    "save": "rvm_jax.train.checkpoints",
    "save_torch": "rvm_jax.weights.torch_weights",
}

__all__ = [  # noqa: RUF022  in the order of a first reading
    "create",
    "MattingNetwork",
    "Matte",
    "Segmentation",
    "load_torch",
    "save_torch",
    "load_backbone",
    "load",
    "save",
    "Matter",
    "PictureMatter",
    "FrameByFrame",
    "matte_video",
    "matte_pictures",
    "export_onnx",
    "UserError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rvm_jax' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
