"""MGMatting: its blocks, and the merge of its three scales."""

from typing import Any

import cv2
import numpy as np

from rvm_jax.export import ops
from rvm_jax.export.emitters import Emitter
from rvm_jax.export.graph import Graph, Value
from rvm_jax.export.layers import bias_of, convolve, emit, emits, norm_constants, path_of, tensor
from rvm_jax.networks.layers.basic import BatchNorm2d
from rvm_jax.networks.layers.spectral_norm import SpectralConvTranspose2d
from rvm_jax.networks.mgmatting.blocks import DecoderBlock, EncoderBlock
from rvm_jax.networks.mgmatting.model import ASPP, Decoder, Encoder, MGMatting
from rvm_jax.networks.mgmatting.refinement import WIDTHS

_DECIDED = np.float32(1 / 255)


def emit_mgmatting(g: Graph, network: MGMatting, inputs: Value) -> Value:
    """Adds MGMatting on normalised pictures, and masks joined to them where it is guided; returns `pha`."""
    deep, skips = _encode(g, network.encoder, inputs)
    os1, os4, os8 = _decode(g, network.decoder, emit(g, network.aspp, deep), skips)
    return _merge(g, os1, os4, os8) if network.preparation_name == "original" else os8


def _encode(g: Graph, encoder: Encoder, x: Value) -> tuple[Value, list[Value]]:
    x1 = ops.unary(g, "Relu", emit(g, encoder.conv1, x))
    x1 = ops.unary(g, "Relu", emit(g, encoder.conv2, x1))
    x2 = emit(g, encoder.layer1, ops.unary(g, "Relu", emit(g, encoder.conv3, x1)))
    x3 = emit(g, encoder.layer2, x2)
    x4 = emit(g, encoder.layer3, x3)
    skips = [emit(g, layer, maps) for layer, maps in zip(encoder.shortcut, (x, x1, x2, x3, x4), strict=True)]
    return emit(g, encoder.layer_bottleneck, x4), skips


@emits(EncoderBlock)
def encoder_block(g: Graph, layer: EncoderBlock, x: Value) -> Value:
    y = emit(g, layer.conv2, ops.unary(g, "Relu", emit(g, layer.conv1, x)))
    shortcut = x if layer.downsample is None else emit(g, layer.downsample, x)
    return ops.unary(g, "Relu", ops.add(g, y, shortcut))


@emits(DecoderBlock)
def decoder_block(g: Graph, layer: DecoderBlock, x: Value) -> Value:
    y = _leaky(g, _conv_norm(g, layer.conv1, layer.bn1, x))
    y = emit(g, layer.conv2, y)
    shortcut = x if layer.upsample is None else emit(g, layer.upsample, x)
    return _leaky(g, ops.add(g, y, shortcut))


@emits(ASPP)
def aspp(g: Graph, layer: ASPP, x: Value) -> Value:
    """Adds ASPP: its last convolution adds the branches, not joined; the global one is the same for all pixels."""
    weight, bias, total = tensor(layer.conv2.weight), bias_of(layer.conv2), None
    width = weight.shape[2] // 5
    for index, features in enumerate((x, x, x, x, ops.global_mean(g, x))):
        convolution, norm = getattr(layer, f"aspp{index + 1}"), getattr(layer, f"aspp{index + 1}_bn")
        branch = ops.unary(g, "Relu", _conv_norm(g, convolution, norm, features))
        own = weight[:, :, index * width : (index + 1) * width]
        part = convolve(g, branch, own, bias if index == 0 else None, name=f"{path_of(g, layer.conv2)}.{index}")
        total = part if total is None else ops.add(g, total, part)
    assert total is not None
    return ops.unary(g, "Relu", total)


def _decode(g: Graph, decoder: Decoder, x: Value, skips: list[Value]) -> tuple[Value, Value, Value]:
    s0, s1, s2, s3, s4 = skips
    x = ops.add(g, emit(g, decoder.layer1, x), s4)
    x = ops.add(g, emit(g, decoder.layer2, x), s3)
    os8 = emit(g, decoder.refine_OS8, x)
    x = ops.add(g, emit(g, decoder.layer3, x), s2)
    os4 = emit(g, decoder.refine_OS4, x)
    x = ops.add(g, emit(g, decoder.layer4, x), s1)
    x = ops.add(g, _leaky(g, _conv_norm(g, decoder.conv1, decoder.bn1, x)), s0)
    os1 = emit(g, decoder.refine_OS1, x)
    return _alpha(g, os1), _alpha(g, ops.upsample(g, os4, 4)), _alpha(g, ops.upsample(g, os8, 8))


def _conv_norm(g: Graph, layer: Any, norm: BatchNorm2d, x: Value) -> Value:
    """A convolution, of either kind, and the batch norm after it, unless that is part of it already."""
    if not isinstance(norm, BatchNorm2d):
        return emit(g, layer, x)
    scale, shift = norm_constants(norm)
    bias, name = shift.astype(np.float32), path_of(g, layer)
    if isinstance(layer, SpectralConvTranspose2d):
        weight = np.asarray(layer.module(), np.float64) * scale[:, None]
        return _transposed(g, x, weight.astype(np.float32), bias, name)
    weight = (np.asarray(layer.weight[...], np.float64) * scale).astype(np.float32)
    return convolve(g, x, weight, bias, dilation=layer.dilation, name=name)


def _transposed(g: Graph, x: Value, weight: np.ndarray, bias: np.ndarray, name: str) -> Value:
    """Doubles by a weight (4, 4, O, I) with stride 2 and padding 1."""
    constants = [
        g.constant(array.astype(g.dtype), f"{name}.{kind}")
        for kind, array in (("weight", weight.transpose(3, 2, 0, 1)), ("bias", bias))
    ]
    sides = [2 * n if isinstance(n, int) else None for n in x.sides]
    return g.node(
        "ConvTranspose",
        [ops.cast(g, x, g.dtype), *constants],
        (x.shape[0], weight.shape[2], *sides),
        kernel_shape=[4, 4],
        strides=[2, 2],
        pads=[1] * 4,
    )


def _leaky(g: Graph, x: Value) -> Value:
    return ops.unary(g, "LeakyRelu", x, alpha=0.2)


def _alpha(g: Graph, x: Value) -> Value:
    x = ops.cast(g, x, "float32")
    return ops.div(g, ops.add(g, ops.unary(g, "Tanh", x), 1.0), 2.0)


def _merge(g: Graph, os1: Value, os4: Value, os8: Value) -> Value:
    alpha = _chosen(g, _unknown_region(g, os8, WIDTHS["os4"]), os4, os8)
    return _chosen(g, _unknown_region(g, alpha, WIDTHS["os1"]), os1, alpha)


def _chosen(g: Graph, region: Value, inside: Value, outside: Value) -> Value:
    return g.node("Where", [region, inside, outside], outside.shape, "float32")


def _unknown_region(g: Graph, alpha: Value, width: int) -> Value:
    """True where an alpha is undecided, or near such a place: a convolution by an ellipse finds any."""
    low, high = g.scalar(float(_DECIDED), "float32"), g.scalar(float(np.float32(1) - _DECIDED), "float32")
    above = g.node("GreaterOrEqual", [alpha, low], alpha.shape, "bool")
    below = g.node("LessOrEqual", [alpha, high], alpha.shape, "bool")
    undecided = ops.cast(g, g.node("And", [above, below], alpha.shape, "bool"), "float32")
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)).astype(np.float32)
    with g.precision("float32"):
        count = convolve(g, undecided, ellipse[:, :, None, None], name=f"ellipse{width}")
    return g.node("Greater", [count, g.scalar(0.5, "float32")], count.shape, "bool")


EMITTER = Emitter(emit_mgmatting)
