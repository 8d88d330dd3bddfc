"""The U-Net on a ResNet18 encoder."""

from rvm_jax.export import ops
from rvm_jax.export.emitters import Emitter
from rvm_jax.export.graph import Graph, Value
from rvm_jax.export.layers import emit, sequential_joined
from rvm_jax.export.networks.resnet import resnet_features
from rvm_jax.networks.resnet18_unet.model import ResNet18UNet


def emit_resnet18_unet(g: Graph, network: ResNet18UNet, image: Value) -> Value:
    """Adds the U-Net on (B, 3, H, W); returns its alpha (B, 1, H, W)."""
    *skips, x = resnet_features(g, network.encoder, image)
    for block in network.decoder.blocks:
        maps = [ops.upsample(g, x, 2, "nearest"), *([skips.pop()] if skips else [])]
        x = emit(g, block.conv2, sequential_joined(g, block.conv1, maps))
    return ops.clip(g, emit(g, network.segmentation_head, x), 0, 1)


EMITTER = Emitter(emit_resnet18_unet)
