"""MODNet (Ke et al. 2022), image only."""

from rvm_jax.networks.api import Declaration, recognise_by_channels
from rvm_jax.networks.modnet.model import MODNet

DECLARATION = Declaration(
    names=("modnet",),
    network=MODNet,
    recognise=recognise_by_channels("f_branch.conv_f.0.layers.0.weight", {35: "modnet"}),
    backbone_keys=("features.0.0.weight",),
    # Its last layer, before a sigmoid, has few weights on normalised features: at 1e-3 they would hardly move.
    overfit_rate=1e-2,
    onnx_emitter="rvm_jax.export.networks.modnet",
)
