"""PyTorch's layers in JAX: the same arithmetic, attribute names and starting values, in NHWC.

A layer holds its tensors under PyTorch's names. Where the axes differ, the class says so in `TORCH_AXES`: the
transposition that takes PyTorch's tensor to ours. `rvm_jax.weights.torch_weights` needs no more to convert any network.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.layers.convolution import conv, joined
from rvm_jax.networks.layers.depthwise import depthwise_conv

Initializer = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def torch_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """PyTorch's default for a convolution (kaiming_uniform_ with a = sqrt(5)): U(-b, b), b = 1 / sqrt(fan in)."""
    bound = 1.0 / math.sqrt(math.prod(shape[:-1]))
    return rng.uniform(-bound, bound, shape)


def kaiming_fan_out(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """torchvision's start of its encoders (kaiming_normal_, mode fan_out): N(0, 2 / fan out); shape is HWIO."""
    # PyTorch's fan out is outputs · k · k also for grouped convolutions.
    return rng.normal(0.0, math.sqrt(2.0 / (shape[0] * shape[1] * shape[3])), shape)


def start(init: Initializer, rngs: nnx.Rngs | None, shape: tuple[int, ...]) -> jax.Array:
    """Draws starting values from the next key of `rngs`; zeros without one, for a network whose weights will be set.

    NumPy draws them: jax.random would compile a program for every shape, most of a minute for one network.
    """
    if rngs is None:
        return jnp.asarray(np.zeros(shape, np.float32))
    rng = np.random.default_rng(np.asarray(jax.random.key_data(rngs.params())))
    return jnp.asarray(init(rng, shape), jnp.float32)


class Conv2d(nnx.Module):
    """torch.nn.Conv2d on (B, H, W, C), padded by dilation · (k - 1) / 2 a side; `weight` is (k, k, I / groups, O)."""

    TORCH_AXES: ClassVar[dict[str, tuple[int, ...]]] = {"weight": (2, 3, 1, 0)}

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        init: Initializer = torch_uniform,
        bias_init: Initializer | None = None,
        rngs: nnx.Rngs | None,
    ):
        if groups not in (1, inputs) or (groups > 1 and inputs != outputs):
            raise ValueError(f"groups must be 1 or depthwise ({inputs} to {inputs} channels), not {groups}")
        self.stride, self.dilation, self.groups = stride, dilation, groups
        shape = (size, size, inputs // groups, outputs)
        bound = 1.0 / math.sqrt(math.prod(shape[:-1]))
        self.weight = nnx.Param(start(init, rngs, shape))
        bias_init = bias_init or (lambda rng, n: rng.uniform(-bound, bound, n))
        self.bias = nnx.Param(start(bias_init, rngs, (outputs,))) if bias else None

    def __call__(self, x: jax.Array | tuple[jax.Array, ...]) -> jax.Array:
        """Takes one map, or several that it joins by channel."""
        weight = self.weight[...]
        if isinstance(x, tuple):
            x, weight = joined(x, weight)
        convolve = depthwise_conv if self.groups > 1 else conv
        y = convolve(x, weight, stride=self.stride, dilation=self.dilation)
        return y if self.bias is None else y + self.bias[...]


class BatchNorm2d(nnx.Module):
    """torch.nn.BatchNorm2d over all axes but the last, always in float32.

    In training it normalises by the batch's biased variance and moves the running statistics by PyTorch's `momentum`
    (one minus Flax's) towards the batch's mean and unbiased variance. Under a sharded `jit` that is the global batch.
    """

    def __init__(self, channels: int, *, eps: float = 1e-5, momentum: float = 0.1):
        self.eps, self.momentum = eps, momentum
        self.use_running_average = True
        zeros, ones = np.zeros(channels, np.float32), np.ones(channels, np.float32)
        self.weight = nnx.Param(jnp.asarray(ones))
        self.bias = nnx.Param(jnp.asarray(zeros))
        self.running_mean = nnx.BatchStat(jnp.asarray(zeros))
        self.running_var = nnx.BatchStat(jnp.asarray(ones))
        self.num_batches_tracked = nnx.BatchStat(jnp.asarray(np.zeros((), np.int32)))

    def set_view(self, use_running_average: bool | None = None, **others: Any) -> dict[str, Any]:
        """What `nnx.view(network, use_running_average=False)` calls to make the view for training."""
        if use_running_average is not None:
            self.use_running_average = use_running_average
        return others

    def __call__(self, x: jax.Array) -> jax.Array:
        values = at_least_float32(x)
        if not self.use_running_average:
            y, mean, var = _batch_norm(values, self.weight[...], self.bias[...], self.eps)
            self._track(mean, var, count=x.size // x.shape[-1])
            return y.astype(x.dtype)
        # One multiply-add a value, and PyTorch's rounding.
        scale = self.weight[...] / jnp.sqrt(self.running_var[...] + self.eps)
        return (values * scale + (self.bias[...] - self.running_mean[...] * scale)).astype(x.dtype)

    def _track(self, mean: jax.Array, var: jax.Array, count: int) -> None:
        unbiased = var * (count / max(count - 1, 1))
        self.running_mean[...] += self.momentum * (jax.lax.stop_gradient(mean) - self.running_mean[...])
        self.running_var[...] += self.momentum * (jax.lax.stop_gradient(unbiased) - self.running_var[...])
        self.num_batches_tracked[...] += 1


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def _batch_norm(x: jax.Array, weight: jax.Array, bias: jax.Array, eps: float) -> tuple[jax.Array, jax.Array, jax.Array]:
    """`x` normalised by its own statistics, and these: mean and biased variance, which carry no gradient.

    JAX's own gradient would keep more for the backward pass and go over it twice as often.
    """
    axes = tuple(range(x.ndim - 1))
    mean = x.mean(axes)
    var = jnp.square(x - mean).mean(axes)
    return (x - mean) * (weight / jnp.sqrt(var + eps)) + bias, mean, var


def _batch_norm_forward(x: jax.Array, weight: jax.Array, bias: jax.Array, eps: float) -> tuple[tuple, tuple]:
    y, mean, var = _batch_norm(x, weight, bias, eps)
    return (y, mean, var), (x, weight, mean, var)


def _batch_norm_backward(eps: float, saved: tuple, cotangents: tuple) -> tuple[jax.Array, jax.Array, jax.Array]:
    x, weight, mean, var = saved
    dy, *_ = cotangents
    axes, count = tuple(range(x.ndim - 1)), x.size // x.shape[-1]
    inverse = 1 / jnp.sqrt(var + eps)
    dbias = dy.sum(axes)
    dweight = (dy * (x - mean)).sum(axes) * inverse
    dx = (weight * inverse) * (dy - dbias / count - (x - mean) * (inverse * dweight / count))
    return dx, dweight, dbias


_batch_norm.defvjp(_batch_norm_forward, _batch_norm_backward)


class Sequential(nnx.List):
    """torch.nn.Sequential: layers and plain functions applied in turn, indexed as PyTorch indexes them."""

    def __init__(self, layers: Sequence[Callable[[jax.Array], jax.Array]]):
        super().__init__(layers)

    def __call__(self, x: jax.Array | tuple[jax.Array, ...]) -> jax.Array:
        y: Any = x
        for layer in self:
            y = layer(y)
        return y


def global_mean(x: jax.Array) -> jax.Array:
    """torch.nn.AdaptiveAvgPool2d(1): the mean over height and width, kept as (B, 1, 1, C)."""
    return x.mean((1, 2), keepdims=True)


def at_least_float32(x: jax.Array | np.ndarray) -> jax.Array:
    """`x` in float32, or in float64 where it is that: for sums and differences that bfloat16 would lose."""
    return jnp.asarray(x, jnp.promote_types(x.dtype, jnp.float32))


def channel_mean(x: jax.Array) -> jax.Array:
    """The mean over channels, kept as (…, 1): a sum divided by the count, as PyTorch rounds it."""
    total = jnp.zeros((), x.dtype)
    for channel in range(x.shape[-1]):
        total = total + x[..., channel : channel + 1]
    # Always the count, but not a constant that XLA would turn into a multiplication by its reciprocal.
    return total / jnp.maximum(jnp.asarray(x.shape[-1], x.dtype), -jnp.abs(total))


def clamp(x: jax.Array, low: float, high: float) -> jax.Array:
    """torch.clamp, whose slope at its bounds is 1 (that of `jnp.clip` is ½, and matted pixels often lie on them)."""
    return jnp.where(x < low, low, jnp.where(x > high, high, x))
