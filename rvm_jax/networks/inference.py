"""A network's copy for inference alone: batch norm folded into convolutions, and bfloat16 convolutions where asked.

In evaluation mode batch norm is a multiply-add per channel with constants, so `norm(conv(x))` is one convolution with
other weights and a bias. The copy computes the same alpha to 1e-5 with fewer passes over memory. It holds no running
statistics, so it can neither be trained nor saved as PyTorch's file.
"""

from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.networks.convolution import is_cpu
from rvm_jax.networks.cpu_decoder import PolyphaseOutputBlock
from rvm_jax.networks.decoder import RecurrentDecoder
from rvm_jax.networks.layers import BatchNorm2d, Conv2d, Sequential
from rvm_jax.networks.refiner import DeepGuidedFilter
from rvm_jax.networks.spectral_norm import SpectralConv2d

DTYPES = ("float32", "bfloat16")


def for_inference(network: nnx.Module, *, fold: bool = True, dtype: str = "float32") -> Any:
    """Returns a copy of `network`, in evaluation mode, that computes its mattes faster.

    Args:
        network: stays untouched.
        fold: makes each batch norm part of the convolution before it, and on a CPU rearranges the decoder's last block
            (see `cpu_decoder`).
        dtype: what convolutions compute in, "float32" or "bfloat16". The recurrent state and the guided filter, whose
            covariances are differences of nearly equal numbers, stay float32.

    Raises UserError where `dtype` is another.
    """
    if dtype not in DTYPES:
        raise UserError(f"dtype '{dtype}' is unknown; use one of {', '.join(DTYPES)}")
    copy = nnx.clone(network)
    divide_by_spectral_norm(copy)
    if fold:
        fold_batch_norm(copy)
        if is_cpu():
            _rearrange_for_cpu(copy)
    if dtype != "float32":
        _cast_convolutions(copy, jnp.dtype(dtype))
    return copy


def divide_by_spectral_norm(network: nnx.Module) -> None:
    """Replaces convolutions with spectral norm by plain ones with the weights that they come to, in place."""
    for _, module in list(nnx.iter_modules(network)):
        for name, layer in list(vars(module).items()):
            if isinstance(layer, SpectralConv2d):
                weight = layer.module()
                size, _, inputs, outputs = weight.shape
                plain = Conv2d(inputs, outputs, size, stride=layer.stride, bias=False, rngs=None)
                plain.weight.set_value(weight)
                setattr(module, name, plain)


def fold_batch_norm(network: nnx.Module) -> None:
    """Makes every batch norm that follows a convolution part of it, in place.

    Two forms are known: neighbours in a `Sequential`, and the attributes `conv<n>` and `bn<n>` of one module
    (torchvision's ResNet). Other batch norms stay as they are.
    """
    for _, module in list(nnx.iter_modules(network)):
        if isinstance(module, Sequential):
            _fold_neighbours(module)
        else:
            _fold_attributes(module)


def _rearrange_for_cpu(network: nnx.Module) -> None:
    decoder: Any
    for _, decoder in list(nnx.iter_modules(network)):
        if isinstance(decoder, RecurrentDecoder):
            decoder.decode0 = PolyphaseOutputBlock(decoder.decode0)  # type: ignore[assignment]


def _fold_neighbours(layers: Sequential) -> None:
    for index, (convolution, norm) in enumerate(pairwise(layers), start=1):
        if isinstance(convolution, Conv2d) and isinstance(norm, BatchNorm2d):
            _fold(convolution, norm)
            setattr(layers, str(index), nnx.static(_identity))


def _fold_attributes(module: nnx.Module) -> None:
    for name, convolution in list(vars(module).items()):
        norm_name = name.replace("conv", "bn")
        norm = getattr(module, norm_name, None)
        if isinstance(convolution, Conv2d) and isinstance(norm, BatchNorm2d):
            _fold(convolution, norm)
            setattr(module, norm_name, nnx.static(_identity))


def _fold(convolution: Conv2d, norm: BatchNorm2d) -> None:
    # In float64, so that the folded weights are rounded once.
    def exact(variable: Any) -> np.ndarray:
        return np.asarray(variable[...], np.float64)

    scale = exact(norm.weight) / np.sqrt(exact(norm.running_var) + norm.eps)
    bias = 0.0 if convolution.bias is None else exact(convolution.bias)
    shift = exact(norm.bias) + (bias - exact(norm.running_mean)) * scale
    # Rounded by NumPy: JAX would compile a program for each shape, most of a second for one network.
    convolution.weight = nnx.Param(jnp.asarray((exact(convolution.weight) * scale).astype(np.float32)))
    convolution.bias = nnx.data(nnx.Param(jnp.asarray(np.float32(shift))))


def _identity(x: Any) -> Any:
    return x


def _cast_convolutions(network: nnx.Module, dtype: Any) -> None:
    filters = [module for _, module in nnx.iter_modules(network) if isinstance(module, DeepGuidedFilter)]
    kept = {id(module) for refiner in filters for _, module in nnx.iter_modules(refiner)}
    for _, module in nnx.iter_modules(network):
        if isinstance(module, Conv2d) and id(module) not in kept:
            module.weight = nnx.Param(module.weight[...].astype(dtype))
            if module.bias is not None:
                module.bias = nnx.Param(module.bias[...].astype(dtype))
