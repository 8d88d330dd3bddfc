"""The published comparison's "ResNet18": a U-Net on a ResNet18 encoder."""

from rvm_jax.networks.api import Declaration, recognise_by_channels
from rvm_jax.networks.resnet18_unet.model import ResNet18UNet

DECLARATION = Declaration(
    names=("resnet18_unet",),
    network=ResNet18UNet,
    recognise=recognise_by_channels("segmentation_head.0.weight", {16: "resnet18_unet"}),
    backbone_keys=("conv1.weight",),
    onnx_emitter="rvm_jax.export.networks.resnet18_unet",
)
