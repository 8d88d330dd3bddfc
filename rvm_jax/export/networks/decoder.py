"""RVM's recurrent decoder, arranged for the blocks of channels that ONNX Runtime's CPU kernels work in.

They run near the processor's peak however few channels a convolution gives, but fill its inputs and outputs up to
whole blocks, and read three channels as they are. So maps of whole blocks stay apart (no copies to join or cut them:
one convolution adds to the other), and those of 20 or 40 channels are joined, which wastes less. OpenVINO gains a
little from joining all that are doubled.
"""

import numpy as np

from rvm_jax.export import ops
from rvm_jax.export.graph import Graph, Value
from rvm_jax.export.layers import (
    Maps,
    bias_of,
    conv2d_joined,
    convolve,
    convolve_joined,
    path_of,
    sequential_joined,
    tensor,
)
from rvm_jax.networks.rvm.decoder import ConvGRU, OutputBlock, RecurrentDecoder, UpsamplingBlock

# Channels of a block with AVX-512; 8 with AVX2, for which the same choices are right.
_BLOCK = 16


def decode(
    g: Graph, decoder: RecurrentDecoder, src: Value, features: Maps, rec: Maps | None, frames: int
) -> tuple[Value, Maps]:
    """Adds the decoder on frames (T·B, 3, H, W) and their features; returns its features and the states r1 to r4.

    Args:
        g: the graph.
        decoder: the folded network's.
        src: all first frames of the B streams before the second ones.
        features: at 1/2, 1/4, 1/8 and 1/16.
        rec: the states (B, C, h, w), or [1, 1, 1, 1] zeros; None where each frame is the first.
        frames: T.
    """
    f1, f2, f3, f4 = features
    s1 = ops.avg_pool2(g, src)
    s2 = ops.avg_pool2(g, s1)
    s3 = ops.avg_pool2(g, s2)
    states: list[Value | None] = list(rec) if rec is not None else [None] * 4
    a, b = ops.split(g, f4, 1, [f4.channels // 2] * 2)
    maps, r4 = _recurrent(g, decoder.decode4.gru, a, b, states[3], frames)
    maps, r3 = _upsampling(g, decoder.decode3, maps, f3, s3, states[2], frames)
    maps, r2 = _upsampling(g, decoder.decode2, maps, f2, s2, states[1], frames)
    maps, r1 = _upsampling(g, decoder.decode1, maps, f1, s1, states[0], frames)
    return _output(g, decoder.decode0, maps, src), (r1, r2, r3, r4)


def _upsampling(
    g: Graph, block: UpsamplingBlock, maps: Maps, skip: Value, src: Value, state: Value | None, frames: int
) -> tuple[Maps, Value]:
    with g.scope(path_of(g, block)):
        joined = [*_doubled(g, maps, src), skip, src]
        half = block.gru.channels
        if half % _BLOCK:
            a, b = ops.split(g, sequential_joined(g, block.conv, joined), 1, [half, half])
            return _recurrent(g, block.gru, a, b, state, frames)
        convolution, name = block.conv[0], path_of(g, block.conv[0])
        weight, bias = tensor(convolution.weight), tensor(convolution.bias)
        a, b = (
            ops.unary(g, "Relu", convolve_joined(g, joined, w, b, name=f"{name}.{half}"))
            for half, w, b in zip("ab", np.split(weight, 2, -1), np.split(bias, 2), strict=True)
        )
        return _recurrent(g, block.gru, a, b, state, frames)


def _output(g: Graph, block: OutputBlock, maps: Maps, src: Value) -> Value:
    with g.scope(path_of(g, block)):
        return sequential_joined(g, block.conv, [*_doubled(g, maps, src), src])


def _doubled(g: Graph, maps: Maps, src: Value) -> list[Value]:
    return [ops.crop_to(g, ops.upsample(g, x, 2), src) for x in maps]


def _recurrent(g: Graph, gru: ConvGRU, a: Value, b: Value, state: Value | None, frames: int) -> tuple[Maps, Value]:
    """The half that passes and all states (T·B, C, h, w), joined or not, and the last state."""
    with g.scope(path_of(g, gru)):
        cell = _joined_cells if gru.channels % _BLOCK and state is not None else _separate_cells
        if state is not None and state.shape[1:] != b.shape[1:]:
            state = _full_state(g, state, b, frames)
        states = cell(g, gru, b, state, frames)
        h = states[0] if frames == 1 else ops.concat(g, states, 0)
        if gru.channels % _BLOCK == 0 and g.runtime != "openvino":
            return (a, h), states[-1]
        return (ops.concat(g, [a, ops.cast(g, h, a.dtype)], 1),), states[-1]


def _joined_cells(g: Graph, gru: ConvGRU, x: Value, h: Value | None, frames: int) -> list[Value]:
    """The state after each frame, float32; input and state are joined, as PyTorch does."""
    assert h is not None
    states = []
    for each in [x] if frames == 1 else ops.split_evenly(g, x, 0, frames):
        gates = conv2d_joined(g, gru.ih[0], [ops.concat(g, [each, ops.cast(g, h, each.dtype)], 1)])
        gates = ops.unary(g, "Sigmoid", ops.cast(g, gates, "float32"))
        r, z = ops.split(g, gates, 1, [gru.channels] * 2)
        seen = ops.concat(g, [each, ops.cast(g, ops.mul(g, r, h), each.dtype)], 1)
        candidate = ops.unary(g, "Tanh", ops.cast(g, conv2d_joined(g, gru.hh[0], [seen]), "float32"))
        h = ops.add(g, h, ops.mul(g, z, ops.sub(g, candidate, h)))
        states.append(h)
    return states


def _separate_cells(g: Graph, gru: ConvGRU, x: Value, h: Value | None, frames: int) -> list[Value]:
    """The same, by a convolution for each gate and each of both inputs; those of x are of all frames at once."""
    c, name = gru.channels, path_of(g, gru)
    gates, candidate = gru.ih[0], gru.hh[0]
    kernels = [*np.split(tensor(gates.weight), 2, -1), tensor(candidate.weight)]
    r_bias, z_bias = np.split(tensor(gates.bias), 2)
    inputs = []
    for kind, kernel, bias in zip("rzc", kernels, (r_bias, z_bias, bias_of(candidate)), strict=True):
        of_all = convolve(g, x, kernel[:, :, :c], bias, name=f"{name}.{kind}.x")
        inputs.append([of_all] if frames == 1 else ops.split_evenly(g, of_all, 0, frames))
    own = {kind: kernel[:, :, c:] for kind, kernel in zip("rzc", kernels, strict=True)}

    def seen(kind: str, frame: Value, state: Value | None) -> Value:
        if state is not None:
            frame = ops.add(g, frame, convolve(g, state, own[kind], name=f"{name}.{kind}.h"))
        return ops.cast(g, frame, "float32")

    states = []
    for r_x, z_x, c_x in zip(*inputs, strict=True):
        z = ops.unary(g, "Sigmoid", seen("z", z_x, h))
        if h is None:
            new = ops.mul(g, z, ops.unary(g, "Tanh", seen("c", c_x, None)))
        else:
            r = ops.unary(g, "Sigmoid", seen("r", r_x, h))
            kept = ops.unary(g, "Tanh", seen("c", c_x, ops.mul(g, r, h)))
            new = ops.add(g, h, ops.mul(g, z, ops.sub(g, kept, h)))
        states.append(new)
        # Single pictures, B of them, each begin anew.
        h = new if h is not None or frames > 1 else None
    return states


def _full_state(g: Graph, h: Value, x: Value, frames: int) -> Value:
    """A state that may be [1, 1, 1, 1] zeros, in the size of the map (T·B, C, h, w) that it meets."""
    like = x if frames == 1 else ops.split_evenly(g, x, 0, frames)[0]
    return g.node("Expand", [h, ops.sizes(g, like, 0, 4)], like.shape)
