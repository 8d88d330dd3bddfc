"""MODNet, without the two estimates that only training looks at."""

import numpy as np

from rvm_jax.export import ops
from rvm_jax.export.emitters import Emitter
from rvm_jax.export.graph import Graph, Value
from rvm_jax.export.layers import convolve, convolve_joined, emit, emits, norm_constants, path_of, tensor
from rvm_jax.networks.backbones import mobilenetv2
from rvm_jax.networks.layers.basic import Sequential
from rvm_jax.networks.modnet.model import ConvNormRelu, HalfInstanceNorm, MODNet, SqueezeExcitation

_EPS = 1e-5


def emit_modnet(g: Graph, network: MODNet, image: Value) -> Value:
    """Adds MODNet on normalised (B, 3, H, W); returns its alpha (B, 1, H, W)."""
    low, high, fusion = network.lr_branch, network.hr_branch, network.f_branch
    enc2, enc4, enc32 = _encoder(g, low.backbone.model, image)
    l16 = emit(g, low.conv_lr16x, ops.upsample(g, emit(g, low.se_block, enc32), 2))
    l8 = emit(g, low.conv_lr8x, ops.upsample(g, l16, 2))

    image2, image4 = ops.shrink(g, image, 2), ops.shrink(g, image, 4)
    enc2, enc4 = emit(g, high.tohr_enc2x, enc2), emit(g, high.tohr_enc4x, enc4)
    x = _joined(g, high.conv_enc2x, image2, enc2)
    x = _joined(g, high.conv_enc4x, x, enc4)
    x = _in_turn(g, high.conv_hr4x, x, ops.upsample(g, l8, 2), image4)
    h2 = _in_turn(g, high.conv_hr2x, ops.upsample(g, x, 2), enc2)

    x = emit(g, fusion.conv_lr4x, ops.upsample(g, l8, 2))
    x = _joined(g, fusion.conv_f2x, ops.upsample(g, x, 2), h2)
    return ops.unary(g, "Sigmoid", _in_turn(g, fusion.conv_f, ops.upsample(g, x, 2), image))


def _encoder(g: Graph, encoder: mobilenetv2.MobileNetV2, x: Value) -> tuple[Value, Value, Value]:
    taken = {}
    for index, layer in enumerate(encoder.features):
        x = emit(g, layer, x)
        taken[index] = x
    return taken[1], taken[3], taken[18]


@emits(mobilenetv2.InvertedResidual)
def inverted_residual(g: Graph, layer: mobilenetv2.InvertedResidual, x: Value) -> Value:
    y = emit(g, layer.conv, x)
    return ops.add(g, x, y) if layer.residual else y


@emits(SqueezeExcitation)
def squeeze_excitation(g: Graph, layer: SqueezeExcitation, x: Value) -> Value:
    squeeze, relu, excite, sigmoid = layer.fc
    gate = ops.global_mean(g, x)
    for linear, activation in ((squeeze, relu), (excite, sigmoid)):
        gate = emit(g, activation, convolve(g, gate, tensor(linear.weight)[None, None], name=path_of(g, linear)))
    return ops.mul(g, x, gate)


@emits(ConvNormRelu)
def conv_norm_relu(g: Graph, layer: ConvNormRelu, x: Value) -> Value:
    return _joined(g, layer, x)


def _in_turn(g: Graph, layers: Sequential, *maps: Value) -> Value:
    first, *others = layers
    x = _joined(g, first, *maps)
    for layer in others:
        x = emit(g, layer, x)
    return x


def _joined(g: Graph, layer: ConvNormRelu, *maps: Value) -> Value:
    """The layer on maps joined by channel; the batch norm half of its norm becomes part of the convolution."""
    convolution, *after = layer.layers
    weight, bias, name = tensor(convolution.weight), tensor(convolution.bias), path_of(g, convolution)
    half = None
    if after and isinstance(after[0], HalfInstanceNorm):
        scale, shift = norm_constants(after[0].bnorm)
        half = len(scale)
        weight, bias = weight.astype(np.float64), bias.astype(np.float64)
        weight = np.concatenate([weight[..., :half] * scale, weight[..., half:]], -1).astype(np.float32)
        bias = np.concatenate([bias[:half] * scale + shift, bias[half:]]).astype(np.float32)
    if len(maps) == 1:
        y = convolve(g, maps[0], weight, bias, stride=convolution.stride, name=name)
    else:
        y = convolve_joined(g, maps, weight, bias, name=name, stride=convolution.stride)
    if half is None:
        return y
    first, second = ops.split(g, y, 1, [half, y.channels - half])
    return ops.unary(g, "Relu", ops.concat(g, [first, instance_norm(g, second)], 1))


def instance_norm(g: Graph, x: Value) -> Value:
    """Normalises each channel of each picture by its own mean and variance, in float32."""
    ones = g.constant(np.ones(x.channels, np.float32), "ones")
    zeros = g.constant(np.zeros(x.channels, np.float32), "zeros")
    values = ops.cast(g, x, "float32")
    y = g.node("InstanceNormalization", [values, ones, zeros], x.shape, epsilon=_EPS)
    return ops.cast(g, y, x.dtype)


EMITTER = Emitter(emit_modnet)
