"""Matting what lies on the disk or comes from a camera: whole clips and folders of pictures, in one call each.

Names are imported when they are first used, so that the command's --help does not wait for JAX.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rvm_jax.matting.guidance import GuidanceSource
    from rvm_jax.matting.options import PictureSettings, Settings
    from rvm_jax.matting.pictures import matte_pictures
    from rvm_jax.matting.video import MattedVideo, matte_video
    from rvm_jax.matting.weights import load_network

_HOMES = {
    "GuidanceSource": "guidance",
    "MattedVideo": "video",
    "PictureSettings": "options",
    "Settings": "options",
    "load_network": "weights",
    "matte_pictures": "pictures",
    "matte_video": "video",
}

__all__ = [
    "GuidanceSource",
    "MattedVideo",
    "PictureSettings",
    "Settings",
    "load_network",
    "matte_pictures",
    "matte_video",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rvm_jax.matting' has no attribute '{name}'")
    return getattr(import_module(f"rvm_jax.matting.{_HOMES[name]}"), name)
