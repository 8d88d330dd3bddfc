"""PyTorch's layers in JAX: the same arithmetic, attribute names and starting values, in NHWC.

A layer holds its tensors under PyTorch's names. Where the axes differ, the class says so in `TORCH_AXES`: the
transposition that takes PyTorch's tensor to ours. `rvm_jax.weights.torch_weights` needs no more to convert any network.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.networks.layers.arithmetic import at_least_float32
from rvm_jax.networks.layers.initializers import Initializer, initial_value, on_device, torch_uniform
from rvm_jax.networks.layers.kernels import XLA, Kernels
from rvm_jax.networks.layers.kernels.space_to_depth import PIXELS, bias_on_squares, kernel_on_squares


class Conv2d(nnx.Module):
    """torch.nn.Conv2d on (B, H, W, C), padded by dilation · (k - 1) / 2 a side; `weight` is (k, k, I / groups, O)."""

    TORCH_AXES: ClassVar[dict[str, tuple[int, ...]]] = {"weight": (2, 3, 1, 0)}
    kernels: Kernels = XLA

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
        self.weight = nnx.Param(initial_value(init, rngs, shape))
        bias_init = bias_init or (lambda rng, n: rng.uniform(-bound, bound, n))
        self.bias = nnx.Param(initial_value(bias_init, rngs, (outputs,))) if bias else None

    def __call__(self, x: jax.Array | tuple[jax.Array, ...]) -> jax.Array:
        """Takes one map, or several that it joins by channel."""
        weight = self.weight[...]
        if isinstance(x, tuple):
            x, weight = self.kernels.joined(x, weight)
        convolve = self.kernels.depthwise if self.groups > 1 else self.kernels.conv
        y = convolve(x, weight, stride=self.stride, dilation=self.dilation)
        return y if self.bias is None else y + self.bias[...]

    def on_squares(self, *maps: jax.Array) -> jax.Array:
        """Does on squares of 2×2 pixels, (B, h, w, 4·C), what the call does on pixels, if its stride is 1."""
        weight = kernel_on_squares(self.weight[...], [x.shape[-1] // PIXELS for x in maps])
        y = self.kernels.conv(jnp.concatenate(maps, -1), weight)
        return y if self.bias is None else y + bias_on_squares(self.bias[...])


class BatchNorm2d(nnx.Module):
    """torch.nn.BatchNorm2d over all axes but the last, always in float32.

    In training it normalises by the batch's biased variance and moves the running statistics by PyTorch's `momentum`
    (one minus Flax's) towards the batch's mean and unbiased variance. Under a sharded `jit` that is the global batch.
    """

    kernels: Kernels = XLA

    def __init__(self, channels: int, *, eps: float = 1e-5, momentum: float = 0.1):
        self.eps, self.momentum = eps, momentum
        self.use_running_average = True
        zeros, ones = np.zeros(channels, np.float32), np.ones(channels, np.float32)
        self.weight = nnx.Param(on_device(ones))
        self.bias = nnx.Param(on_device(zeros))
        self.running_mean = nnx.BatchStat(on_device(zeros))
        self.running_var = nnx.BatchStat(on_device(ones))
        self.num_batches_tracked = nnx.BatchStat(on_device(np.zeros((), np.int32)))

    def set_view(self, use_running_average: bool | None = None, **others: Any) -> dict[str, Any]:
        """Makes the view for training: `nnx.view(network, use_running_average=False)` calls this."""
        if use_running_average is not None:
            self.use_running_average = use_running_average
        return others

    def __call__(self, x: jax.Array) -> jax.Array:
        values = at_least_float32(x)
        if not self.use_running_average:
            y, mean, var = self.kernels.batch_norm(values, self.weight[...], self.bias[...], self.eps)
            self._track(mean, var, count=x.size // x.shape[-1])
            return y.astype(x.dtype)
        # One multiply-add a value, and PyTorch's rounding.
        scale = self.weight[...] / jnp.sqrt(self.running_var[...] + self.eps)
        return (values * scale + (self.bias[...] - self.running_mean[...] * scale)).astype(x.dtype)

    def on_squares(self, x: jax.Array) -> jax.Array:
        """Does on squares of 2×2 pixels, (B, h, w, 4·C), what the call does on pixels."""
        values = at_least_float32(x)
        mean, var = self.running_mean[...], self.running_var[...]
        if not self.use_running_average:
            mean = _mean_over_pixels(values)
            var = _mean_over_pixels(jnp.square(values - jnp.tile(mean, PIXELS)))
            self._track(mean, var, count=x.size // mean.size)
        scale = self.weight[...] / jnp.sqrt(var + self.eps)
        shift = self.bias[...] - mean * scale
        return (values * jnp.tile(scale, PIXELS) + jnp.tile(shift, PIXELS)).astype(x.dtype)

    def _track(self, mean: jax.Array, var: jax.Array, count: int) -> None:
        unbiased = var * (count / max(count - 1, 1))
        # By set_value: to assign by index looks through all that was traced, a fourth of the time that tracing takes.
        for tracked, new in ((self.running_mean, mean), (self.running_var, unbiased)):
            old = tracked[...]
            tracked.set_value(old + self.momentum * (jax.lax.stop_gradient(new) - old))
        self.num_batches_tracked.set_value(self.num_batches_tracked[...] + 1)


def _mean_over_pixels(squares: jax.Array) -> jax.Array:
    """(B, h, w, 4·C) to (C,)."""
    return squares.mean((0, 1, 2)).reshape(PIXELS, -1).mean(0)


class Sequential(nnx.List[Any]):
    """torch.nn.Sequential: layers and plain functions applied in turn, indexed as PyTorch indexes them."""

    def __init__(self, layers: Sequence[Callable[[jax.Array], jax.Array]]):
        super().__init__(layers)

    def __call__(self, x: jax.Array | tuple[jax.Array, ...]) -> jax.Array:
        y: Any = x
        for layer in self:
            y = layer(y)
        result: jax.Array = y
        return result
