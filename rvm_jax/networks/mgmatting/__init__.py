"""MGMatting (Yu et al. 2021), with the image alone or with a mask beside it."""

from rvm_jax.networks.api import Declaration, recognise_by_channels
from rvm_jax.networks.mgmatting.model import MGMatting

_NAMES = {3: "mgmatting", 4: "mgmatting_guided"}

DECLARATION = Declaration(
    names=tuple(_NAMES.values()),
    network=MGMatting,
    recognise=recognise_by_channels("encoder.conv1.module.weight_bar", _NAMES),
    onnx_emitter="rvm_jax.export.networks.mgmatting",
)
