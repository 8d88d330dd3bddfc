"""The ResNet encoders of RVM and of the U-Net."""

from rvm_jax.export import ops
from rvm_jax.export.graph import Graph, Value
from rvm_jax.export.layers import Maps, emit, emits
from rvm_jax.networks.backbones.resnet import BasicBlock, Bottleneck, ResNet18, ResNet50


def resnet_features(g: Graph, encoder: ResNet18 | ResNet50, x: Value) -> Maps:
    """Adds the encoder; returns its features, from 1/2 of the size down."""
    f1 = ops.unary(g, "Relu", emit(g, encoder.conv1, x))
    f2 = emit(g, encoder.layer1, ops.max_pool3(g, f1))
    f3 = emit(g, encoder.layer2, f2)
    f4 = emit(g, encoder.layer3, f3)
    f5 = emit(g, encoder.layer4, f4)
    return (f1, f2, f3, f5) if isinstance(encoder, ResNet50) else (f1, f2, f3, f4, f5)


@emits(BasicBlock)
def basic_block(g: Graph, layer: BasicBlock, x: Value) -> Value:
    y = ops.unary(g, "Relu", emit(g, layer.conv1, x))
    return _with_shortcut(g, layer, x, emit(g, layer.conv2, y))


@emits(Bottleneck)
def bottleneck(g: Graph, layer: Bottleneck, x: Value) -> Value:
    y = ops.unary(g, "Relu", emit(g, layer.conv1, x))
    y = ops.unary(g, "Relu", emit(g, layer.conv2, y))
    return _with_shortcut(g, layer, x, emit(g, layer.conv3, y))


def _with_shortcut(g: Graph, layer: BasicBlock | Bottleneck, x: Value, y: Value) -> Value:
    shortcut = x if layer.downsample is None else emit(g, layer.downsample, x)
    return ops.unary(g, "Relu", ops.add(g, y, shortcut))
