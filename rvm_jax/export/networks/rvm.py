"""RVM: encoder, LR-ASPP, recurrent decoder and refiner, without a concatenation or a split of large maps."""

from dataclasses import dataclass

import numpy as np

from rvm_jax.export import ops
from rvm_jax.export.graph import Graph, Value
from rvm_jax.export.layers import (
    Maps,
    bias_of,
    convolve,
    convolve_joined,
    emit,
    emits,
    path_of,
    sequential_joined,
    tensor,
)
from rvm_jax.export.networks.guided_filter import refine, refine_alpha
from rvm_jax.export.networks.resnet import resnet_features
from rvm_jax.networks import mobilenetv3
from rvm_jax.networks.decoder import ConvGRU, OutputBlock, RecurrentDecoder, UpsamplingBlock
from rvm_jax.networks.lraspp import LRASPP
from rvm_jax.networks.refiner import DeepGuidedFilter
from rvm_jax.networks.rvm import MattingNetwork


@dataclass(frozen=True)
class RVMOutputs:
    """`fgr` (T·B, 3, H, W) or None and `pha` (T·B, 1, H, W) in [0, 1], and the states r1 to r4, each (B, C, h, w)."""

    fgr: Value | None
    pha: Value
    rec: tuple[Value, ...]


def emit_rvm(
    g: Graph,
    network: MattingNetwork,
    src: Value,
    rec: Maps | None,
    ratio: float | Value = 1.0,
    frames: int = 1,
    *,
    foreground: bool = True,
) -> RVMOutputs:
    """Adds RVM on frames (T·B, 3, H, W), RGB in [0, 1], all first frames of the B streams before the second ones.

    Args:
        g: the graph.
        network: its folded copy (`layers.folded`).
        src: the frames.
        rec: the states (B, C, h, w), of these sizes or [1, 1, 1, 1] zeros; None where each frame is the first.
        ratio: the downsample ratio, or an input (1,) of the graph.
        frames: T.
        foreground: whether to compute the foreground where the network has one.
    """
    small = src if ratio == 1.0 else _rescaled(g, src, ratio)
    *fine, deep = _features(g, network, small)
    hidden, states = _decode(g, network.decoder, small, (*fine, emit(g, network.aspp, deep)), rec, frames)
    heads = _heads(g, network, hidden)
    if isinstance(ratio, Value):
        heads = _refined_at_need(g, network, src, small, heads, hidden, ratio, foreground)
    elif ratio != 1.0:
        heads = _refined(g, network, src, small, heads, hidden, foreground)
    pha = ops.clip(g, heads[-1], 0, 1)
    if not (network.foreground and foreground):
        return RVMOutputs(None, pha, states)
    return RVMOutputs(ops.clip(g, ops.add(g, heads[0], src), 0, 1), pha, states)


def _rescaled(g: Graph, src: Value, ratio: float | Value) -> Value:
    """Frames of floor(side · ratio)."""
    if isinstance(ratio, Value):
        ones = g.constant(np.ones(2, np.float32))
        scales = g.node("Concat", [ones, ratio, ratio], (4,), axis=0)
        sides: list[int | None] = [None, None]
    else:
        scales = g.constant(np.array([1, 1, ratio, ratio], np.float32))
        sides = [int(np.floor(n * ratio)) if isinstance(n, int) else None for n in src.sides]
    how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return g.node("Resize", [src, None, scales], (src.shape[0], 3, *sides), **how)


def _features(g: Graph, network: MattingNetwork, x: Value) -> Maps:
    if network.variant == "resnet50":
        return resnet_features(g, network.backbone, x)
    # The mean stays apart: the first convolution pads what it was subtracted from with zeros.
    mean = np.array(mobilenetv3.MEAN, np.float32).reshape(1, 3, 1, 1)
    x = ops.sub(g, x, g.constant(mean.astype(x.dtype), "mean"))
    first, *others = network.backbone.features
    convolution, norm, activation = first
    weight = tensor(convolution.weight) / np.array(mobilenetv3.STD, np.float32)[:, None]
    name = path_of(g, convolution)
    x = convolve(g, x, weight, bias_of(convolution), stride=convolution.stride, name=name)
    x = emit(g, activation, emit(g, norm, x))
    taken = {}
    for index, layer in enumerate(others, start=1):
        x = emit(g, layer, x)
        taken[index] = x
    return taken[1], taken[3], taken[6], taken[16]


@emits(mobilenetv3.InvertedResidual)
def inverted_residual(g: Graph, layer: mobilenetv3.InvertedResidual, x: Value) -> Value:
    y = emit(g, layer.block, x)
    return ops.add(g, x, y) if layer.residual else y


@emits(mobilenetv3.SqueezeExcitation)
def squeeze_excitation(g: Graph, layer: mobilenetv3.SqueezeExcitation, x: Value) -> Value:
    gate = ops.unary(g, "Relu", emit(g, layer.fc1, ops.global_mean(g, x)))
    gate = ops.unary(g, "HardSigmoid", emit(g, layer.fc2, gate), alpha=1 / 6, beta=0.5)
    return ops.mul(g, x, gate)


@emits(LRASPP)
def lraspp(g: Graph, layer: LRASPP, x: Value) -> Value:
    return ops.mul(g, emit(g, layer.aspp1, x), emit(g, layer.aspp2, x))


def _decode(
    g: Graph, decoder: RecurrentDecoder, src: Value, features: Maps, rec: Maps | None, frames: int
) -> tuple[Value, Maps]:
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
    """Both halves of the channels come from a convolution of their own, so that nothing has to be cut."""
    with g.scope(path_of(g, block)):
        doubled = [ops.crop_to(g, ops.upsample(g, x, 2), src) for x in maps]
        convolution, name = block.conv[0], path_of(g, block.conv[0])
        weight, bias = tensor(convolution.weight), tensor(convolution.bias)
        halves = [
            ops.unary(g, "Relu", convolve_joined(g, [*doubled, skip, src], w, b, name=f"{name}.{half}"))
            for half, w, b in zip("ab", np.split(weight, 2, -1), np.split(bias, 2), strict=True)
        ]
        return _recurrent(g, block.gru, halves[0], halves[1], state, frames)


def _output(g: Graph, block: OutputBlock, maps: Maps, src: Value) -> Value:
    with g.scope(path_of(g, block)):
        doubled = [ops.crop_to(g, ops.upsample(g, x, 2), src) for x in maps]
        return sequential_joined(g, block.conv, [*doubled, src])


def _recurrent(g: Graph, gru: ConvGRU, a: Value, b: Value, state: Value | None, frames: int) -> tuple[Maps, Value]:
    """The half that passes and all states (T·B, C, h, w), and the last state."""
    with g.scope(path_of(g, gru)):
        states = _gru(g, gru, b, state, frames)
        return (a, states[0] if frames == 1 else ops.concat(g, states, 0)), states[-1]


def _gru(g: Graph, gru: ConvGRU, x: Value, h: Value | None, frames: int) -> list[Value]:
    """The state after each frame, float32. What sees x is one convolution for all frames."""
    c, name = gru.channels, path_of(g, gru)
    gates, candidate = gru.ih[0], gru.hh[0]
    kernels = [*np.split(tensor(gates.weight), 2, -1), tensor(candidate.weight)]
    r_bias, z_bias = np.split(tensor(gates.bias), 2)
    biases = [r_bias, z_bias, bias_of(candidate)]
    inputs = []
    for kind, kernel, bias in zip("rzc", kernels, biases, strict=True):
        of_all = convolve(g, x, kernel[:, :, :c], bias, name=f"{name}.{kind}.x")
        inputs.append([of_all] if frames == 1 else ops.split_evenly(g, of_all, 0, frames))
    own = {kind: kernel[:, :, c:] for kind, kernel in zip("rzc", kernels, strict=True)}
    if h is not None and h.shape[1:] != x.shape[1:]:
        h = _full_state(g, h, inputs[0][0])

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


def _full_state(g: Graph, h: Value, like: Value) -> Value:
    """A state that may be [1, 1, 1, 1] zeros, in the size of the map that it meets."""
    return g.node("Expand", [h, ops.sizes(g, like, 0, 4)], like.shape)


def _heads(g: Graph, network: MattingNetwork, hidden: Value) -> list[Value]:
    """[residual, alpha], or [alpha]; float32."""
    layer = network.project_mat.conv
    weight, bias, name = tensor(layer.weight), bias_of(layer), path_of(g, layer)
    assert bias is not None
    parts = (slice(0, 3), slice(3, 4)) if network.foreground else (slice(0, 1),)
    maps = [convolve(g, hidden, weight[..., own], bias[own], name=f"{name}.{own.start}") for own in parts]
    return [ops.cast(g, x, "float32") for x in maps]


def _refined(
    g: Graph, network: MattingNetwork, src: Value, small: Value, heads: list[Value], hidden: Value, foreground: bool
) -> list[Value]:
    if not network.foreground:
        return [refine_alpha(g, src, small, heads[0])]
    deep = network.refiner if isinstance(network.refiner, DeepGuidedFilter) else None
    return refine(g, deep, src, small, heads, hidden, colours=foreground)


def _refined_at_need(
    g: Graph,
    network: MattingNetwork,
    src: Value,
    small: Value,
    heads: list[Value],
    hidden: Value,
    ratio: Value,
    foreground: bool,
) -> list[Value]:
    """Refines where the ratio, an input of the graph, is not 1."""
    is_whole = ops.reshape(g, g.node("Equal", [ratio, g.constant(np.ones(1, np.float32))], (1,), "bool"), [])
    whole, refined = g.branch(), g.branch()
    with refined.scope("refiner"):
        results = _refined(refined, network, src, small, heads, hidden, foreground)
    for branch, values in ((whole, heads[-len(results) :]), (refined, results)):
        for index, value in enumerate(values):
            branch.output(g.unique(f"{'whole' if branch is whole else 'refined'}_{index}"), value)
    shapes = [(src.shape[0], value.channels, *src.sides) for value in results]
    return g.nodes(
        "If", [is_whole], shapes, "float32", then_branch=whole.body("whole"), else_branch=refined.body("refined")
    )
