"""RVM: encoder, LR-ASPP, recurrent decoder and refiner."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rvm_jax.export import ops
from rvm_jax.export.emitters import Emitter
from rvm_jax.export.graph import Graph, Value
from rvm_jax.export.layers import Maps, bias_of, convolve, emit, emits, path_of, tensor
from rvm_jax.export.networks.decoder import decode
from rvm_jax.export.networks.guided_filter import refine, refine_alpha
from rvm_jax.export.networks.resizing_by_rows import is_known, shrink_by_rows
from rvm_jax.export.networks.resnet import resnet_features
from rvm_jax.networks.backbones import mobilenetv3
from rvm_jax.networks.rvm.lraspp import LRASPP
from rvm_jax.networks.rvm.model import MattingNetwork
from rvm_jax.networks.rvm.refiner import DeepGuidedFilter


@dataclass(frozen=True)
class RVMOutputs:
    """Holds `fgr` (T·B, 3, H, W) or None and `pha` (T·B, 1, H, W) in [0, 1], the states r1 to r4 (B, C, h, w)."""

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
    hidden, states = decode(g, network.decoder, small, (*fine, emit(g, network.aspp, deep)), rec, frames)
    heads = _heads(g, network, hidden)
    seen = _Seen(src, small, heads, hidden)
    if isinstance(ratio, Value):
        maps = _refined_at_need(g, network, seen, ratio, foreground)
    elif ratio != 1.0:
        maps = _refined(g, network, seen, foreground)
    else:
        maps = _whole(g, network, src, heads, foreground)
    *fgr, pha = (ops.clip(g, x, 0, 1) for x in maps)
    return RVMOutputs(fgr[0] if fgr else None, pha, states)


def _rescaled(g: Graph, src: Value, ratio: float | Value) -> Value:
    """Frames of floor(side · ratio)."""
    if g.runtime == "openvino" and is_known(src) and not isinstance(ratio, Value):
        return shrink_by_rows(g, src, ratio)
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


def _heads(g: Graph, network: MattingNetwork, hidden: Value) -> list[Value]:
    """[residual, alpha], or [alpha]; float32."""
    heads = ops.cast(g, emit(g, network.project_mat.conv, hidden), "float32")
    return ops.split(g, heads, 1, [3, 1]) if network.foreground else [heads]


def _whole(g: Graph, network: MattingNetwork, src: Value, heads: list[Value], foreground: bool) -> list[Value]:
    """[colours, alpha], or [alpha], where the network has seen the frames at full size."""
    if network.foreground and foreground:
        return [ops.add(g, heads[0], src), heads[1]]
    return heads[-1:]


class _Seen(NamedTuple):
    """What a refiner sees: the frames, the shrunk ones, and what the network made of these."""

    src: Value
    small: Value
    heads: list[Value]
    hidden: Value


def _refined(g: Graph, network: MattingNetwork, seen: _Seen, foreground: bool) -> list[Value]:
    if not network.foreground:
        return [refine_alpha(g, seen.src, seen.small, seen.heads[0])]
    deep = network.refiner if isinstance(network.refiner, DeepGuidedFilter) else None
    return refine(g, deep, *seen, colours=foreground)


def _refined_at_need(g: Graph, network: MattingNetwork, seen: _Seen, ratio: Value, foreground: bool) -> list[Value]:
    """Refines where the ratio, an input of the graph, is not 1."""
    is_whole = ops.reshape(g, g.node("Equal", [ratio, g.constant(np.ones(1, np.float32))], (1,), "bool"), [])
    whole, refined = g.branch(), g.branch()
    with refined.scope("refiner"):
        results = _refined(refined, network, seen, foreground)
    for branch, values in ((whole, _whole(whole, network, seen.src, seen.heads, foreground)), (refined, results)):
        for index, value in enumerate(values):
            branch.output(g.unique(f"{'whole' if branch is whole else 'refined'}_{index}"), value)
    shapes = [(seen.src.shape[0], value.channels, *seen.src.sides) for value in results]
    return g.nodes(
        "If", [is_whole], shapes, "float32", then_branch=whole.body("whole"), else_branch=refined.body("refined")
    )


def _emit_first_frame(g: Graph, network: MattingNetwork, src: Value) -> Value:
    return emit_rvm(g, network, src, None, foreground=False).pha


EMITTER = Emitter(_emit_first_frame)
