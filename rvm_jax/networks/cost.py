"""What a network costs: its parameters, and the multiply-adds of one picture."""

import math
from typing import Any

import jax
import numpy as np
from flax import nnx
from jax.extend.core import jaxprs_in_params

from rvm_jax.networks import functional
from rvm_jax.networks.api import CHANNELS, Network
from rvm_jax.networks.inference import for_inference
from rvm_jax.networks.layers.kernels import XLA


def parameters(network: object) -> int:
    """Returns how many numbers training moves."""
    return sum(x.size for x in functional.split(network)[1].values())


def multiply_adds(network: Network, height: int, width: int) -> int:
    """Returns the multiply-adds of convolutions and matrix products for one picture, batch norm folded.

    They are counted in the traced program of the plain kernels, whatever the device: nothing is computed, and none are
    missed, whatever the network.

    Args:
        network: any.
        height, width: of the picture; sides that the network does not take are counted as the next ones that it does.
    """
    multiple = network.inputs.size_multiple
    size = (1, -(-height // multiple) * multiple, -(-width // multiple) * multiple)
    inputs = [_zeros(*size, 3)]
    if network.inputs.guidance:
        inputs.append(_zeros(*size, CHANNELS[network.inputs.guidance]))
    graphdef, weights = nnx.split(for_inference(network, kernels=XLA))
    program = jax.make_jaxpr(lambda weights, *args: nnx.merge(graphdef, weights)(*args).pha)(weights, *inputs)
    return count_multiply_adds(program.jaxpr)


def _zeros(*shape: int) -> np.ndarray:
    """Returns zeros that take no memory: they are traced alone."""
    return np.broadcast_to(np.float32(0), shape)


def count_multiply_adds(jaxpr: Any) -> int:
    """Counts the multiply-adds of convolutions and matrix products in a traced program, loops as often as they run."""
    total = 0
    for equation in jaxpr.eqns:
        name, operands = equation.primitive.name, [x.aval for x in equation.invars]
        if name == "conv_general_dilated":
            kernel = operands[1].shape
            outputs = kernel[equation.params["dimension_numbers"].rhs_spec[0]]
            # Of a transposed convolution's taps most meet the zeros between its inputs.
            between = math.prod(equation.params["lhs_dilation"])
            total += equation.outvars[0].aval.size * math.prod(kernel) // (outputs * between)
        elif name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            total += equation.outvars[0].aval.size * math.prod(operands[0].shape[i] for i in contracted)
        else:
            times = equation.params.get("length", 1) if name == "scan" else 1
            total += times * sum(count_multiply_adds(inner) for inner in jaxprs_in_params(equation.params))
    return total
