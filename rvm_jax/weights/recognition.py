"""Which network a PyTorch state dict is of: read off its keys and shapes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rvm_jax.errors import UserError

# A key that one network alone has, and the channels of its inputs (axis 1) for each name that shares it.
_SIGNS: dict[str, dict[int, str]] = {
    "segmentation_head.0.weight": {16: "resnet18_unet"},
    "f_branch.conv_f.0.layers.0.weight": {35: "modnet"},
    "encoder.conv1.module.weight_bar": {3: "mgmatting", 4: "mgmatting_guided"},
    "start_conv0.0.weight": {3: "aematter", 6: "aematter_trimap"},
}
_ENCODERS = ("features.0.0.weight", "conv1.weight", "patch_embed.proj.weight")


def recognise(tensors: Mapping[str, np.ndarray], source: str) -> dict[str, Any]:
    """Returns the arguments of `rvm_jax.create` that make the network of a state dict; `source` names it in errors.

    Raises UserError where it is an encoder's alone, or of no network of this project.
    """
    for key, names in _SIGNS.items():
        if key in tensors:
            channels = tensors[key].shape[1] if tensors[key].ndim > 1 else None
            if channels in names:
                return {"name": names[channels]}
            known = " or ".join(map(str, names))
            raise UserError(f"{source}: {key} takes {channels} channels; the networks that have it take {known}")
    if "backbone.features.0.0.weight" in tensors:
        return _rvm(tensors, "mobilenetv3")
    if "backbone.conv1.weight" in tensors:
        return _rvm(tensors, "resnet50")
    if any(key in tensors for key in _ENCODERS):
        raise UserError(f"{source}: holds an encoder alone; use rvm_jax.load_backbone(network, path)")
    raise UserError(
        f"{source}: no network of this project; RVM's state dict has keys backbone.*, aspp.*, decoder.* "
        "(docs/networks.md lists them all)"
    )


def _rvm(tensors: Mapping[str, np.ndarray], variant: str) -> dict[str, Any]:
    refiner = "deep_guided_filter" if any(key.startswith("refiner.") for key in tensors) else "fast_guided_filter"
    head = tensors.get("project_mat.conv.weight")
    return {"variant": variant, "refiner": refiner, "foreground": head is None or head.shape[:1] == (4,)}
