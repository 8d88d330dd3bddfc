"""One emitter for each kind of layer, looked up by its type; a layer without one is named in the refusal.

Batch norm is part of the convolution before it: emitters take the copy of the network that `folded` makes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar, cast

import jax
import numpy as np
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.export import ops
from rvm_jax.export.graph import Graph, Value
from rvm_jax.networks import inference
from rvm_jax.networks.layers import arithmetic, resampling
from rvm_jax.networks.layers import basic as layers

Maps = tuple[Value, ...]
# Each takes its own kind of layer as the second argument.
LayerEmitter = TypeVar("LayerEmitter", bound=Callable[..., Value])
_EMITTERS: dict[type[nnx.Module], Callable[..., Value]] = {}


def folded(network: nnx.Module) -> nnx.Module:
    """Returns a copy in evaluation mode whose spectral norms and batch norms are part of the convolutions."""
    copy = nnx.clone(network)
    inference.divide_by_spectral_norm(copy)
    inference.fold_batch_norm(copy)
    return copy


def emits(kind: type[nnx.Module]) -> Callable[[LayerEmitter], LayerEmitter]:
    """Declares the emitter of a kind of layer."""

    def declare(emitter: LayerEmitter) -> LayerEmitter:
        _EMITTERS[kind] = emitter
        return emitter

    return declare


def emit(g: Graph, layer: Callable[..., Any], x: Value) -> Value:
    """Adds a layer, or a plain function of a `Sequential`, to the graph; returns what it makes of `x`.

    Raises UserError, naming the layer, if none of the emitters is for it.
    """
    if isinstance(layer, nnx.Module) and type(layer) in _EMITTERS:
        with g.scope(g.paths.get(id(layer), "")):
            return _EMITTERS[type(layer)](g, layer, x)
    for function, emitter in _FUNCTIONS:
        if layer is function:
            return emitter(g, x)
    if isinstance(layer, partial) and layer.func is jax.nn.leaky_relu:
        return ops.unary(g, "LeakyRelu", x, alpha=layer.keywords["negative_slope"])
    place = g.paths.get(id(layer)) or getattr(layer, "__name__", str(layer))
    raise UserError(f"the layer {place} ({type(layer).__name__}) has no ONNX form yet; add one to rvm_jax/export")


def name_layers(g: Graph, network: object) -> None:
    """Lets the graph name its nodes and constants by the attribute paths of the network's layers."""
    for path, module in nnx.iter_modules(cast(nnx.Module, network)):
        g.paths.setdefault(id(module), ".".join(map(str, path)))


def tensor(variable: nnx.Variable[Any]) -> np.ndarray:
    """Returns a variable's values as float32."""
    return np.asarray(variable[...], np.float32)


def bias_of(layer: layers.Conv2d) -> np.ndarray | None:
    """Returns a convolution's bias, None where it has none."""
    return None if layer.bias is None else tensor(layer.bias)


def convolve(
    g: Graph,
    x: Value,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    name: str = "conv",
) -> Value:
    """Adds a convolution of a weight (k, k, I / groups, O), padded as PyTorch pads, in the graph's dtype."""
    size = weight.shape[0]
    pad = dilation * (size - 1) // 2
    inputs = [ops.cast(g, x, g.dtype), g.constant(weight.transpose(3, 2, 0, 1).astype(g.dtype), f"{name}.weight")]
    if bias is not None:
        inputs.append(g.constant(bias.astype(g.dtype), f"{name}.bias"))
    sides = [(n + 2 * pad - dilation * (size - 1) - 1) // stride + 1 if isinstance(n, int) else None for n in x.sides]
    return g.node(
        "Conv",
        inputs,
        (x.shape[0], weight.shape[3], *sides),
        kernel_shape=[size, size],
        strides=[stride, stride],
        dilations=[dilation, dilation],
        group=groups,
        pads=[pad] * 4,
    )


def convolve_joined(
    g: Graph, maps: Sequence[Value], weight: np.ndarray, bias: np.ndarray | None, *, name: str = "conv", stride: int = 1
) -> Value:
    """Adds a convolution of maps that are joined by channel, as a sum of one convolution a map.

    Nothing is copied together, and ONNX Runtime adds each to the one before within its kernel.
    """
    total, first = None, 0
    for index, x in enumerate(maps):
        own = weight[:, :, first : first + x.channels]
        first += x.channels
        own_name = f"{name}.{index}" if len(maps) > 1 else name
        part = convolve(g, x, own, bias if index == 0 else None, stride=stride, name=own_name)
        total = part if total is None else ops.add(g, total, part)
    assert total is not None and first == weight.shape[2]
    return total


def path_of(g: Graph, layer: nnx.Module) -> str:
    """Returns the attribute path of a layer."""
    return g.paths.get(id(layer), "conv")


@emits(layers.Conv2d)
def conv2d(g: Graph, layer: layers.Conv2d, x: Value) -> Value:
    return convolve(
        g,
        x,
        tensor(layer.weight),
        bias_of(layer),
        stride=layer.stride,
        dilation=layer.dilation,
        groups=layer.groups,
        name=path_of(g, layer),
    )


def conv2d_joined(g: Graph, layer: layers.Conv2d, maps: Sequence[Value]) -> Value:
    """Adds a `Conv2d` of stride 1 on maps that are joined by channel."""
    assert layer.stride == layer.dilation == layer.groups == 1
    return convolve_joined(g, maps, tensor(layer.weight), bias_of(layer), name=path_of(g, layer))


@emits(layers.BatchNorm2d)
def batch_norm(g: Graph, layer: layers.BatchNorm2d, x: Value) -> Value:
    """Adds a batch norm that no convolution comes before."""
    named = ("weight", "bias", "running_mean", "running_var")
    path = path_of(g, layer)
    constants = [g.constant(tensor(getattr(layer, name)).astype(x.dtype), f"{path}.{name}") for name in named]
    return g.node("BatchNormalization", [x, *constants], x.shape, epsilon=layer.eps)


@emits(layers.Sequential)
def sequential(g: Graph, layer: layers.Sequential, x: Value) -> Value:
    for each in layer:
        x = emit(g, each, x)
    return x


def sequential_joined(g: Graph, layer: layers.Sequential, maps: Sequence[Value]) -> Value:
    """Adds a `Sequential` whose first layer, a convolution, joins maps."""
    first, *others = layer
    x = conv2d_joined(g, first, maps)
    for each in others:
        x = emit(g, each, x)
    return x


def norm_constants(norm: layers.BatchNorm2d) -> tuple[np.ndarray, np.ndarray]:
    """Returns scale and shift, (C,) in float64, of a batch norm in evaluation mode."""
    weight, bias, mean, var = (
        np.asarray(v[...], np.float64) for v in (norm.weight, norm.bias, norm.running_mean, norm.running_var)
    )
    scale = weight / np.sqrt(var + norm.eps)
    return scale, bias - mean * scale


def _hard_swish(g: Graph, x: Value) -> Value:
    if g.opset >= 14:
        return ops.unary(g, "HardSwish", x)
    return ops.mul(g, x, _hard_sigmoid(g, x))


def _hard_sigmoid(g: Graph, x: Value) -> Value:
    return ops.unary(g, "HardSigmoid", x, alpha=1 / 6, beta=0.5)


# Compared by identity: JAX's functions are objects of several kinds.
_FUNCTIONS: tuple[tuple[Callable[..., Any], Callable[[Graph, Value], Value]], ...] = (
    (inference.identity, lambda g, x: x),
    (jax.nn.relu, lambda g, x: ops.unary(g, "Relu", x)),
    (jax.nn.relu6, lambda g, x: ops.clip(g, x, 0, 6)),
    (jax.nn.sigmoid, lambda g, x: ops.unary(g, "Sigmoid", x)),
    (jax.nn.hard_swish, _hard_swish),
    (jax.nn.hard_sigmoid, _hard_sigmoid),
    (arithmetic.global_mean, ops.global_mean),
    (resampling.avg_pool2, ops.avg_pool2),
    (resampling.upsample2, lambda g, x: ops.upsample(g, x, 2)),
    (resampling.upsample2_nearest, lambda g, x: ops.upsample(g, x, 2, "nearest")),
)
