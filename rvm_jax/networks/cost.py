"""What a network costs: its parameters, and the multiply-adds of one picture."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.extend.core import jaxprs_in_params

from rvm_jax.networks import functional
from rvm_jax.networks.api import CHANNELS
from rvm_jax.networks.inference import for_inference


def parameters(network: nnx.Module) -> int:
    """How many numbers training moves."""
    return sum(x.size for x in functional.split(network)[1].values())


def multiply_adds(network: Any, height: int, width: int) -> int:
    """The multiply-adds of convolutions and matrix products for one picture of these sides, batch norm folded.

    They are counted in the traced program: nothing is computed, and none are missed, whatever the network. Sides that
    the network does not take are counted as the next ones that it does.
    """
    multiple = network.wants.size_multiple
    size = (1, -(-height // multiple) * multiple, -(-width // multiple) * multiple)
    inputs = [jax.ShapeDtypeStruct((*size, 3), jnp.float32)]
    if network.wants.guidance:
        inputs.append(jax.ShapeDtypeStruct((*size, CHANNELS[network.wants.guidance]), jnp.float32))
    graphdef, weights = nnx.split(for_inference(network))
    program = jax.make_jaxpr(lambda weights, *args: nnx.merge(graphdef, weights)(*args).pha)(weights, *inputs)
    return _count(program.jaxpr)


def _count(jaxpr: Any) -> int:
    total = 0
    for equation in jaxpr.eqns:
        name, operands = equation.primitive.name, [x.aval for x in equation.invars]
        if name == "conv_general_dilated":
            kernel = operands[1].shape
            outputs = kernel[equation.params["dimension_numbers"].rhs_spec[0]]
            total += equation.outvars[0].aval.size * math.prod(kernel) // outputs
        elif name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            total += equation.outvars[0].aval.size * math.prod(operands[0].shape[i] for i in contracted)
        elif name == "custom_vjp_call" and _is_depthwise(operands):
            total += equation.outvars[0].aval.size * math.prod(operands[1].shape[:2])
        else:
            times = equation.params.get("length", 1) if name == "scan" else 1
            total += times * sum(_count(inner) for inner in jaxprs_in_params(equation.params))
    return total


def _is_depthwise(operands: list[Any]) -> bool:
    """Whether these are a map and a kernel (k, k, 1, C): `depthwise.depthwise_shifts` has no convolution within."""
    return len(operands) == 2 and operands[1].ndim == 4 and operands[1].shape[2:] == (1, operands[0].shape[-1])
