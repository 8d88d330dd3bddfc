"""The Swin transformer on maps (B, H, W, C) of known sides: windows, their masks and biases are constants."""

import math

import numpy as np

from rvm_jax.export import ops
from rvm_jax.export.graph import Graph, Value
from rvm_jax.export.layers import emit, path_of, tensor
from rvm_jax.networks.backbones import swin
from rvm_jax.networks.layers.dense import LayerNorm, Linear

_WINDOW, _TOKENS = swin.WINDOW, swin.WINDOW**2


def emit_swin(g: Graph, encoder: swin.SwinTiny, x: Value) -> list[Value]:
    """Adds the encoder on (B, C, H, W); returns its four maps, (B, C, h, w) too."""
    x = ops.transpose(g, emit(g, encoder.patch_embed.proj, x), 0, 2, 3, 1)
    x = layer_norm(g, encoder.patch_embed.norm, x)
    outputs = []
    for stage, norm in zip(encoder.layers, (encoder.norm0, encoder.norm1, encoder.norm2, encoder.norm3), strict=True):
        x = emit_stage(g, stage, x)
        outputs.append(ops.transpose(g, layer_norm(g, norm, x), 0, 3, 1, 2))
        x = x if stage.downsample is None else _merged(g, stage.downsample, x)
    return outputs


def emit_stage(g: Graph, stage: swin.SwinStage, x: Value) -> Value:
    """Adds a stage's blocks on (B, H, W, C)."""
    for block in stage.blocks:
        with g.scope(path_of(g, block)):
            x = ops.add(g, x, _attended(g, block, layer_norm(g, block.norm1, x)))
            inner = _gelu(g, linear(g, block.mlp.fc1, layer_norm(g, block.norm2, x)))
            x = ops.add(g, x, linear(g, block.mlp.fc2, inner))
    return x


def linear(g: Graph, layer: Linear, x: Value) -> Value:
    """Adds a `Linear` on (…, C)."""
    bias = None if layer.bias is None else tensor(layer.bias)
    return product(g, x, tensor(layer.weight), bias, path_of(g, layer))


def product(g: Graph, x: Value, weight: np.ndarray, bias: np.ndarray | None, name: str) -> Value:
    """Adds x @ weight + bias, in the graph's dtype."""
    own = g.constant(weight.astype(g.dtype), f"{name}.weight")
    y = g.node("MatMul", [ops.cast(g, x, g.dtype), own], (*x.shape[:-1], weight.shape[1]))
    return y if bias is None else ops.add(g, y, g.constant(bias.astype(g.dtype), f"{name}.bias"))


def layer_norm(g: Graph, layer: LayerNorm, x: Value) -> Value:
    """Adds a `LayerNorm` over the last axis, in float32."""
    path = path_of(g, layer)
    constants = [g.constant(tensor(getattr(layer, name)), f"{path}.{name}") for name in ("weight", "bias")]
    values = ops.cast(g, x, "float32")
    if g.opset >= 17:
        y = g.node("LayerNormalization", [values, *constants], x.shape, axis=-1, epsilon=1e-5)
    else:
        centred = ops.sub(g, values, _mean(g, values))
        deviation = ops.unary(g, "Sqrt", ops.add(g, _mean(g, ops.mul(g, centred, centred)), 1e-5))
        y = ops.add(g, ops.mul(g, ops.div(g, centred, deviation), constants[0]), constants[1])
    return ops.cast(g, y, x.dtype)


def _mean(g: Graph, x: Value) -> Value:
    """Over the last axis, in the form that operator sets before 18 have."""
    return g.node("ReduceMean", [x], (*x.shape[:-1], 1), axes=[-1])


def attend(g: Graph, qkv: Value, heads: int, bias: np.ndarray | None) -> Value:
    """Adds softmax(q k' / sqrt(d) + bias) v, from (B, windows, tokens, 3C) to (…, C); softmax in float32."""
    _, windows, tokens, channels = qkv.shape
    assert isinstance(windows, int) and isinstance(tokens, int) and isinstance(channels, int)
    d = channels // (3 * heads)
    parts = ops.split(g, ops.reshape(g, qkv, [-1, windows, tokens, 3, heads, d]), 3, [1, 1, 1])
    q, k, v = (ops.reshape(g, part, [-1, windows, tokens, heads, d]) for part in parts)
    q = ops.mul(g, ops.transpose(g, q, 0, 1, 3, 2, 4), 1 / math.sqrt(d))
    k, v = ops.transpose(g, k, 0, 1, 3, 4, 2), ops.transpose(g, v, 0, 1, 3, 2, 4)
    shape = (*q.shape[:-1], tokens)
    logits = ops.cast(g, g.node("MatMul", [q, k], shape), "float32")
    if bias is not None:
        logits = ops.add(g, logits, g.constant(bias.astype(np.float32), "attention.bias"))
    weights = ops.cast(g, ops.unary(g, "Softmax", logits, axis=-1), v.dtype)
    mixed = ops.transpose(g, g.node("MatMul", [weights, v], v.shape), 0, 1, 3, 2, 4)
    return ops.reshape(g, mixed, [-1, windows, tokens, heads * d])


def _attended(g: Graph, block: swin.SwinBlock, x: Value) -> Value:
    _, height, width, channels = x.shape
    assert isinstance(height, int) and isinstance(width, int) and isinstance(channels, int)
    rows, columns = -(-height // _WINDOW) * _WINDOW, -(-width // _WINDOW) * _WINDOW
    padded = _padded(g, x, rows - height, columns - width)
    for axis, length in ((1, rows), (2, columns)):
        padded = _rolled(g, padded, axis, length, block.shift)
    tiled = ops.reshape(g, padded, [-1, rows // _WINDOW, _WINDOW, columns // _WINDOW, _WINDOW, channels])
    tiled = ops.transpose(g, tiled, 0, 1, 3, 2, 4, 5)
    windows = ops.reshape(g, tiled, [-1, rows * columns // _TOKENS, _TOKENS, channels])

    attention = block.attn
    table = tensor(attention.relative_position_bias_table)
    bias = np.moveaxis(table[swin.relative_position_index()], -1, 0)
    if block.shift:
        bias = bias + swin.shift_mask(rows, columns)[:, None]
    mixed = linear(g, attention.proj, attend(g, linear(g, attention.qkv, windows), attention.heads, bias))

    tiled = ops.reshape(g, mixed, [-1, rows // _WINDOW, columns // _WINDOW, _WINDOW, _WINDOW, channels])
    x = ops.reshape(g, ops.transpose(g, tiled, 0, 1, 3, 2, 4, 5), [-1, rows, columns, channels])
    for axis, length, own in ((1, rows, height), (2, columns, width)):
        x = _rolled(g, x, axis, length, -block.shift)
        x = x if own == length else ops.slice_axis(g, x, axis, 0, own)
    return x


def _rolled(g: Graph, x: Value, axis: int, length: int, shift: int) -> Value:
    """Moves all places `shift` down, those that fall out to the other end."""
    if shift == 0:
        return x
    cut = shift % length
    return ops.concat(g, [ops.slice_axis(g, x, axis, cut, length), ops.slice_axis(g, x, axis, 0, cut)], axis)


def _padded(g: Graph, x: Value, rows: int, columns: int) -> Value:
    """Zeros below and to the right of (B, H, W, C)."""
    if rows == columns == 0:
        return x
    _, height, width, channels = x.shape
    assert isinstance(height, int) and isinstance(width, int)
    pads = g.constant(np.array([0, 0, 0, 0, 0, rows, columns, 0], np.int64))
    return g.node("Pad", [x, pads], (x.shape[0], height + rows, width + columns, channels))


def _merged(g: Graph, layer: swin.PatchMerging, x: Value) -> Value:
    _, height, width, _ = x.shape
    assert isinstance(height, int) and isinstance(width, int)
    x = _padded(g, x, height % 2, width % 2)
    height, width = height + height % 2, width + width % 2
    neighbours = [
        ops.slice_axis(g, ops.slice_axis(g, x, 1, row, height, 2), 2, column, width, 2)
        for column in (0, 1)
        for row in (0, 1)
    ]
    return linear(g, layer.reduction, layer_norm(g, layer.norm, ops.concat(g, neighbours, 3)))


def _gelu(g: Graph, x: Value) -> Value:
    """The exact GELU, in the form that runtimes know as one."""
    erf = ops.unary(g, "Erf", ops.div(g, x, math.sqrt(2)))
    return ops.mul(g, ops.mul(g, x, ops.add(g, erf, 1.0)), 0.5)
