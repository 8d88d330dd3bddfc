"""AEMatter, for one size: the number of its windows and strips is part of the graph."""

import numpy as np

from rvm_jax.export import ops
from rvm_jax.export.emitters import Emitter
from rvm_jax.export.graph import Graph, Value
from rvm_jax.export.layers import emit, emits, path_of, sequential_joined, tensor
from rvm_jax.export.networks.modnet import instance_norm
from rvm_jax.export.networks.swin import attend, emit_stage, emit_swin, layer_norm, linear, product
from rvm_jax.networks.aematter.attention import STRIP, ResidualBlock, StripAttention
from rvm_jax.networks.aematter.model import AEMatter, PReLU
from rvm_jax.networks.backbones.swin import SwinStage
from rvm_jax.networks.layers.attention import MultiheadAttention
from rvm_jax.networks.layers.dense import GroupNorm


def emit_aematter(g: Graph, network: AEMatter, inputs: Value) -> Value:
    """Adds AEMatter on pictures, and trimaps joined to them where it is guided, of known sides; returns its alpha."""
    f0 = emit(g, network.start_conv0, inputs)
    f1 = emit(g, network.start_conv, f0)
    x1, x2, x3, x4 = emit_swin(g, network.trans, f1)
    z = _context(g, network, x3, x4)
    y = _stage(g, network.ctran0, sequential_joined(g, network.conv1, [x4, z]))
    y = _stage(g, network.ctran1, sequential_joined(g, network.conv2, [x3, ops.upsample(g, y, 2)]))
    y = _stage(g, network.ctran2, sequential_joined(g, network.conv3, [x2, ops.upsample(g, y, 2)]))
    y = _stage(g, network.ctran3, sequential_joined(g, network.conv4, [x1, ops.upsample(g, y, 2)]))
    y = sequential_joined(g, network.conv5, [f1, ops.upsample(g, y, 2)])
    return ops.clip(g, sequential_joined(g, network.convo, [inputs, f0, ops.upsample(g, y, 2)]), 0, 1)


def _stage(g: Graph, stage: SwinStage, x: Value) -> Value:
    return ops.transpose(g, emit_stage(g, stage, ops.transpose(g, x, 0, 2, 3, 1)), 0, 3, 1, 2)


@emits(PReLU)
def prelu(g: Graph, layer: PReLU, x: Value) -> Value:
    slope = g.constant(tensor(layer.weight)[:, None, None].astype(x.dtype), f"{path_of(g, layer)}.weight")
    return g.node("PRelu", [x, slope], x.shape)


@emits(ResidualBlock)
def residual_block(g: Graph, layer: ResidualBlock, x: Value) -> Value:
    y = _leaky(g, _group_norm(g, layer.gn1, emit(g, layer.conv1, x)))
    y = _leaky(g, _group_norm(g, layer.gn2, emit(g, layer.conv2, y)))
    return _leaky(g, ops.add(g, x, emit(g, layer.conv3, y)))


def _group_norm(g: Graph, layer: GroupNorm, x: Value) -> Value:
    """Groups as the channels of an instance norm, in float32."""
    _, channels, height, width = x.shape
    assert isinstance(channels, int) and isinstance(height, int) and isinstance(width, int)
    grouped = ops.reshape(g, x, [-1, layer.groups, channels // layer.groups * height * width])
    y = ops.reshape(g, instance_norm(g, ops.cast(g, grouped, "float32")), [-1, channels, height, width])
    weight, bias = (
        g.constant(tensor(getattr(layer, name))[:, None, None], f"{path_of(g, layer)}.{name}")
        for name in ("weight", "bias")
    )
    return ops.cast(g, ops.add(g, ops.mul(g, y, weight), bias), x.dtype)


def _context(g: Graph, network: AEMatter, x3: Value, x4: Value) -> Value:
    low = ops.upsample(g, emit(g, network.h2l, x4), 2, "nearest")
    appearance = sequential_joined(g, network.apptrans, [x3, low])
    z = emit(g, network.embdp, emit(g, network.emb, x4))
    height, width = z.sides
    assert isinstance(height, int) and isinstance(width, int)
    before = (-height % STRIP // 2, -width % STRIP // 2)
    z, appearance = (_to_strips(g, x, before) for x in (z, appearance))
    for layer in (network.trans1, network.trans2, network.trans3):
        with g.scope(path_of(g, layer)):
            z = _strip_attention(g, layer, z, appearance)
    z = ops.slice_axis(g, z, 2, before[0], before[0] + height)
    return ops.slice_axis(g, z, 3, before[1], before[1] + width)


def _to_strips(g: Graph, x: Value, before: tuple[int, int]) -> Value:
    """Zeros around a map, so that its sides are whole strips."""
    height, width = x.sides
    assert isinstance(height, int) and isinstance(width, int)
    missing = (-height % STRIP, -width % STRIP)
    if missing == (0, 0):
        return x
    after = [m - b for m, b in zip(missing, before, strict=True)]
    pads = g.constant(np.array([0, 0, *before, 0, 0, *after], np.int64))
    return g.node("Pad", [x, pads], (*x.shape[:2], height + missing[0], width + missing[1]))


def _strip_attention(g: Graph, layer: StripAttention, z: Value, appearance: Value) -> Value:
    gamma = g.constant(tensor(layer.gamma).astype(z.dtype), f"{path_of(g, layer)}.gamma")
    z = ops.add(g, z, ops.mul(g, sequential_joined(g, layer.trans, [z, appearance]), gamma))
    z = ops.transpose(g, z, 0, 2, 3, 1)
    half = z.shape[3] // 2  # type: ignore[operator]
    rows, columns = ops.split(g, z, 3, [half, half])
    rows = _in_strips(g, layer.self_attn1, rows)
    columns = ops.transpose(g, _in_strips(g, layer.self_attn2, ops.transpose(g, columns, 0, 2, 1, 3)), 0, 2, 1, 3)
    z = layer_norm(g, layer.norm1, ops.add(g, z, ops.concat(g, [rows, columns], 3)))
    inner = ops.unary(g, "Relu", linear(g, layer.linear1, z))
    z = layer_norm(g, layer.norm2, ops.add(g, z, linear(g, layer.linear2, inner)))
    return ops.transpose(g, z, 0, 3, 1, 2)


def _in_strips(g: Graph, attention: MultiheadAttention, x: Value) -> Value:
    """Attention within each strip of rows of (B, h, w, C)."""
    _, height, width, channels = x.shape
    assert isinstance(height, int) and isinstance(width, int) and isinstance(channels, int)
    strips = ops.reshape(g, x, [-1, height // STRIP, STRIP * width, channels])
    weight, bias = tensor(attention.in_proj_weight), tensor(attention.in_proj_bias)
    qkv = product(g, strips, weight, bias, f"{path_of(g, attention)}.in_proj")
    mixed = linear(g, attention.out_proj, attend(g, qkv, attention.heads, None))
    return ops.reshape(g, mixed, [-1, height, width, channels])


def _leaky(g: Graph, x: Value) -> Value:
    return ops.unary(g, "LeakyRelu", x, alpha=0.1)


EMITTER = Emitter(emit_aematter, fixed_size=True)
