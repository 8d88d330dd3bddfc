"""Batch norm folded into the convolution before it: fewer passes over memory, for inference alone.

In evaluation mode batch norm is a multiply-add per channel with constants, so `norm(conv(x))` is one convolution with
other weights and a bias. The copy made here computes the same alpha to 1e-5, holds no running statistics, and can
neither be trained nor saved as PyTorch's file.
"""

from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.layers import BatchNorm2d, Conv2d, Sequential


def fold_batch_norm(network: nnx.Module) -> Any:
    """Returns a copy of `network` in which every batch norm that follows a convolution is part of it.

    Two forms are known: neighbours in a `Sequential`, and the attributes `conv<n>` and `bn<n>` of one module
    (torchvision's ResNet). Other batch norms stay as they are. `network` itself stays untouched.
    """
    folded = nnx.clone(network)
    for _, module in list(nnx.iter_modules(folded)):
        if isinstance(module, Sequential):
            _fold_neighbours(module)
        else:
            _fold_attributes(module)
    return folded


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
    # In float64, so that the only rounding is that of the folded weights themselves.
    def exact(variable: Any) -> np.ndarray:
        return np.asarray(variable[...], np.float64)

    scale = exact(norm.weight) / np.sqrt(exact(norm.running_var) + norm.eps)
    bias = 0.0 if convolution.bias is None else exact(convolution.bias)
    shift = exact(norm.bias) + (bias - exact(norm.running_mean)) * scale
    convolution.weight = nnx.Param(jnp.asarray(exact(convolution.weight) * scale, jnp.float32))
    convolution.bias = nnx.data(nnx.Param(jnp.asarray(shift, jnp.float32)))


def _identity(x: Any) -> Any:
    return x
