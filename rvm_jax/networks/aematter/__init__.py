"""AEMatter (Liu et al. 2024), with the image alone or with a trimap beside it."""

from rvm_jax.networks.aematter.model import AEMatter
from rvm_jax.networks.api import Declaration, recognise_by_channels

_NAMES = {3: "aematter", 6: "aematter_trimap"}

DECLARATION = Declaration(
    names=tuple(_NAMES.values()),
    network=AEMatter,
    recognise=recognise_by_channels("start_conv0.0.weight", _NAMES),
    backbone_keys=("patch_embed.proj.weight",),
    overfit_rate=5e-4,  # transformers want less
    onnx_emitter="rvm_jax.export.networks.aematter",
)
