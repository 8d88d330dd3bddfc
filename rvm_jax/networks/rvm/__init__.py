"""Robust Video Matting (Lin et al. 2021), with a foreground or, as the face-matting fork has it, the alpha alone."""

from collections.abc import Mapping

import numpy as np

from rvm_jax.networks.api import Declaration, Settings, StateDict
from rvm_jax.networks.rvm.model import MattingNetwork

# The matting head's deciding output: three channels of the foreground's residual come before the alpha.
_ALPHA = 3
_HEAD = ("project_mat.conv.weight", "project_mat.conv.bias")
_VARIANT_KEYS = {"mobilenetv3": "backbone.features.0.0.weight", "resnet50": "backbone.conv1.weight"}


def recognise(tensors: Mapping[str, np.ndarray]) -> Settings | None:
    """Reads variant, refiner and heads off a state dict's keys and shapes; None if it is of another network."""
    for variant, key in _VARIANT_KEYS.items():
        if key in tensors:
            refines = any(key.startswith("refiner.") for key in tensors)
            head = tensors.get(_HEAD[0])
            return {
                "variant": variant,
                "refiner": "deep_guided_filter" if refines else "fast_guided_filter",
                "foreground": head is None or head.shape[:1] == (4,),
            }
    return None


def adapt_weights(tensors: StateDict, settings: Settings) -> StateDict:
    """Cuts the head to its alpha if no foreground is wanted, and drops the deep filter if the fast one is."""
    adapted = dict(tensors)
    if not settings["foreground"]:
        for key in _HEAD:
            if key in adapted and adapted[key].shape[:1] == (_ALPHA + 1,):
                adapted[key] = adapted[key][_ALPHA:]
    if settings["refiner"] == "fast_guided_filter":
        adapted = {key: tensor for key, tensor in adapted.items() if not key.startswith("refiner.")}
    return adapted


DECLARATION = Declaration(
    names=("rvm",),
    network=MattingNetwork,
    recognise=recognise,
    backbone_keys=("features.0.0.weight", "conv1.weight"),
    adaptable={"foreground": (True, False), "refiner": ("deep_guided_filter", "fast_guided_filter")},
    adapt_weights=adapt_weights,
    is_default=True,
    overfit_settings={"foreground": False},
    onnx_emitter="rvm_jax.export.networks.rvm",
)
