"""A network's copy for inference alone: batch norm folded into convolutions, and bfloat16 convolutions if asked.

In evaluation mode batch norm is a multiply-add per channel with constants, so `norm(conv(x))` is one convolution with
other weights and a bias. The copy computes the same alpha to 1e-5 with fewer passes over memory. It holds no running
statistics, so it can neither be trained nor saved as PyTorch's file.
"""

from dataclasses import replace
from itertools import pairwise
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential
from rvm_jax.networks.layers.initializers import on_device
from rvm_jax.networks.layers.kernels import Kernels, kernels_of, use_kernels
from rvm_jax.networks.layers.spectral_norm import SpectralConv2d
from rvm_jax.networks.precision import castable_convolutions, precision_or_dtype

N = TypeVar("N")


@runtime_checkable
class Rewritten(Protocol):
    """A part of a network that has another form for inference."""

    def for_inference(self, kernels: Kernels) -> nnx.Module:
        """Returns what takes its place in the copy, which computes the same; may be itself."""


def for_inference(
    network: N,
    *,
    fold: bool = True,
    precision: str | None = None,
    dtype: str | None = None,
    kernels: Kernels | None = None,
) -> N:
    """Returns a copy of `network`, in evaluation mode, that computes its mattes faster.

    Args:
        network: stays untouched.
        fold: makes each batch norm part of the convolution before it, and rewrites parts that have another form for
            inference (`Rewritten`).
        precision: of products, "float32", "tensorfloat32" or "bfloat16", which convolutions then also take and give;
            None for that of the kernels. The recurrent state and the guided filter, whose covariances are differences
            of nearly equal numbers, stay float32.
        dtype: the former name of `precision`.
        kernels: what the copy's layers compute by (`kernels_for` the devices that will run it); None for the network's.

    Raises:
        UserError: another precision.
    """
    chosen = precision_or_dtype(precision, dtype)
    kernels = kernels or kernels_of(network)
    if chosen not in (None, kernels.precision):
        kernels = replace(kernels, precision=chosen)
    copy = nnx.clone(network)
    divide_by_spectral_norm(copy)
    if fold:
        fold_batch_norm(copy)
        _rewrite(copy, kernels)
    use_kernels(copy, kernels)
    if kernels.precision == "bfloat16":
        _cast_convolutions(copy, jnp.dtype("bfloat16"))
    return copy


def divide_by_spectral_norm(network: object) -> None:
    """Replaces convolutions with spectral norm by plain ones with the weights that they come to, in place."""
    for module in _modules(network):
        for name, layer in list(vars(module).items()):
            if isinstance(layer, SpectralConv2d):
                weight = layer.module.divided()
                size, _, inputs, outputs = weight.shape
                plain = Conv2d(inputs, outputs, size, stride=layer.stride, bias=False, rngs=None)
                plain.weight.set_value(on_device(weight))
                plain.kernels = layer.kernels
                setattr(module, name, plain)


def fold_batch_norm(network: object) -> None:
    """Makes every batch norm that follows a convolution part of it, in place.

    Two forms are known: neighbours in a `Sequential`, and the attributes `conv<n>` and `bn<n>` of one module
    (torchvision's ResNet). Other batch norms stay as they are.
    """
    for module in _modules(network):
        if isinstance(module, Sequential):
            _fold_neighbours(module)
        else:
            _fold_attributes(module)


def _modules(network: object) -> list[nnx.Module]:
    """Returns all modules, before any of them is replaced."""
    return [module for _, module in nnx.iter_modules(cast(nnx.Module, network))]


def _rewrite(network: object, kernels: Kernels) -> None:
    for module in _modules(network):
        for name, part in list(vars(module).items()):
            if isinstance(part, nnx.Module) and isinstance(part, Rewritten):
                setattr(module, name, part.for_inference(kernels))


def _fold_neighbours(layers: Sequential) -> None:
    for index, (convolution, norm) in enumerate(pairwise(layers), start=1):
        if isinstance(convolution, Conv2d) and isinstance(norm, BatchNorm2d):
            _fold(convolution, norm)
            setattr(layers, str(index), nnx.static(identity))


def _fold_attributes(module: nnx.Module) -> None:
    for name, convolution in list(vars(module).items()):
        norm_name = name.replace("conv", "bn")
        norm = getattr(module, norm_name, None)
        if isinstance(convolution, Conv2d) and isinstance(norm, BatchNorm2d):
            _fold(convolution, norm)
            setattr(module, norm_name, nnx.static(identity))


def _fold(convolution: Conv2d, norm: BatchNorm2d) -> None:
    # In float64, so that the folded weights are rounded once.
    def exact(variable: Any) -> np.ndarray:
        return np.asarray(variable[...], np.float64)

    scale = exact(norm.weight) / np.sqrt(exact(norm.running_var) + norm.eps)
    bias = 0.0 if convolution.bias is None else exact(convolution.bias)
    shift = exact(norm.bias) + (bias - exact(norm.running_mean)) * scale
    convolution.weight = nnx.Param(on_device(exact(convolution.weight) * scale, np.float32))
    convolution.bias = nnx.data(nnx.Param(on_device(shift, np.float32)))


def identity(x: Any) -> Any:
    """Returns `x`: what stands in the place of a batch norm that became part of a convolution."""
    return x


def _cast_convolutions(network: object, dtype: Any) -> None:
    for _, layer in castable_convolutions(network):
        layer.weight = nnx.Param(layer.weight[...].astype(dtype))
        if layer.bias is not None:
            layer.bias = nnx.Param(layer.bias[...].astype(dtype))
