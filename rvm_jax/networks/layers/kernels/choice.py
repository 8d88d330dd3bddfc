"""The sets of kernels, and how a network comes by one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import jax
import jax.numpy as jnp
from flax import nnx

from rvm_jax.networks.layers.kernels import cpu_convolution, cpu_depthwise, cpu_storage, plain, tpu_convolution
from rvm_jax.networks.layers.kernels.batch_norm import Normalised, batch_norm
from rvm_jax.networks.layers.kernels.precision import Precision, lax_precision


@dataclass(frozen=True)
class Kernels:
    """How layers compute. `dataclasses.replace` makes a set that differs in a choice.

    Attributes:
        name: for messages.
        precision: of every matrix product and convolution; all of them are told it.
        plain_conv: convolves (B, H, W, I) with (k, k, I, O); takes stride, dilation, XLA's precision.
        pointwise_conv: convolves with (1, 1, I, O) at stride 1; takes the precision; or None for `plain_conv`.
        conv3x3: convolves with (3, 3, I, O) at stride and dilation 1; takes `strip_bytes` and the precision; or
            None for `plain_conv`.
        narrowest_conv3x3: the width in pixels from which `conv3x3` is used.
        depthwise_conv: convolves each channel with its own kernel (k, k, 1, C); takes stride, dilation,
            `strip_bytes` and the precision.
        transposed_conv: doubles (B, H, W, I) by a weight (4, 4, O, I), stride 2, padding 1; takes the precision.
        batch_norm: normalises by the batch's own statistics.
        store: gives back what it takes, (B, H, W, C), so that it is computed once, in memory; takes `strip_bytes`.
        strip_bytes: what strips of rows may take at once: what the processor's caches hold.
        channel_multiple: what maps that are joined by channel are zero-padded to.
        max_unroll: frames of a clip that are computed in straight code, without a loop.
        merge_upsampling: whether upsampling is merged into the convolution that follows it, for inference.
        space_to_depth: whether maps of full size, which have few channels, are held as squares of pixels.
        widest_as_squares: up to how many channels maps of half size are, for inference.
        compiler_options: XLA's, for a training step.
    """

    name: str
    precision: Precision = "float32"
    plain_conv: Callable[[jax.Array, jax.Array, int, int, jax.lax.Precision], jax.Array] = plain.conv
    pointwise_conv: Callable[[jax.Array, jax.Array, jax.lax.Precision], jax.Array] | None = None
    conv3x3: Callable[[jax.Array, jax.Array, int, jax.lax.Precision], jax.Array] | None = None
    narrowest_conv3x3: int = 64
    depthwise_conv: Callable[[jax.Array, jax.Array, int, int, int, jax.lax.Precision], jax.Array] = plain.depthwise_conv
    transposed_conv: Callable[[jax.Array, jax.Array, jax.lax.Precision], jax.Array] = plain.transposed_conv
    batch_norm: Callable[[jax.Array, jax.Array, jax.Array, float], Normalised] = batch_norm
    store: Callable[[jax.Array, int], jax.Array] = plain.store
    strip_bytes: int = 4 << 20
    channel_multiple: int = 1
    max_unroll: int = 1
    merge_upsampling: bool = False
    space_to_depth: bool = False
    widest_as_squares: int = 0
    compiler_options: tuple[tuple[str, bool], ...] = ()

    @property
    def lax_precision(self) -> jax.lax.Precision:
        """The precision as JAX's products take it."""
        return lax_precision(self.precision)

    def conv(self, x: jax.Array, weight: jax.Array, stride: int = 1, dilation: int = 1) -> jax.Array:
        """Convolves (B, H, W, I) with (k, k, I, O), padded as PyTorch pads: XLA's SAME pads asymmetrically at stride 2.

        Computes in the dtype of the weight.
        """
        x, size = x.astype(weight.dtype), weight.shape[0]
        if stride == dilation == 1:
            if size == 1 and self.pointwise_conv is not None:
                return self.pointwise_conv(x, weight, self.lax_precision)
            if size == 3 and self.conv3x3 is not None and x.shape[2] >= self.narrowest_conv3x3:
                return self.conv3x3(x, weight, self.strip_bytes, self.lax_precision)
        return self.plain_conv(x, weight, stride, dilation, self.lax_precision)

    def depthwise(self, x: jax.Array, weight: jax.Array, stride: int = 1, dilation: int = 1) -> jax.Array:
        """Convolves each channel of (B, H, W, C) with its own kernel of (k, k, 1, C), in the dtype of the weight."""
        x = x.astype(weight.dtype)
        return self.depthwise_conv(x, weight, stride, dilation, self.strip_bytes, self.lax_precision)

    def transposed(self, x: jax.Array, weight: jax.Array) -> jax.Array:
        """Doubles (B, H, W, I) by a weight (4, 4, O, I), stride 2, padding 1, in the dtype of the weight."""
        return self.transposed_conv(x.astype(weight.dtype), weight, self.lax_precision)

    def einsum(self, subscripts: str, *operands: jax.Array) -> jax.Array:
        """Computes a product of matrices, as `jnp.einsum` does."""
        return jnp.einsum(subscripts, *operands, precision=self.lax_precision)

    def joined(self, maps: Sequence[jax.Array], weight: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Joins maps (B, H, W, C_i) by channel for the kernel (k, k, ΣC_i, O); returns both, zero-padded alike."""
        missing = -weight.shape[2] % self.channel_multiple
        if missing:
            maps = [*maps, jnp.zeros((*maps[0].shape[:3], missing), maps[0].dtype)]
            weight = jnp.pad(weight, ((0, 0), (0, 0), (0, missing), (0, 0)))
        return jnp.concatenate(maps, -1), weight


XLA = Kernels("XLA")
TPU = Kernels("TPU", plain_conv=tpu_convolution.conv, space_to_depth=True, widest_as_squares=32, merge_upsampling=True)
# Times are in docs/performance.md.
CPU = Kernels(
    "CPU",
    pointwise_conv=cpu_convolution.pointwise_conv,
    conv3x3=cpu_convolution.conv3x3,
    depthwise_conv=cpu_depthwise.depthwise_shifts,
    transposed_conv=cpu_convolution.transposed_conv,
    store=cpu_storage.store,
    # XLA's convolution is a third faster then (35 channels of 512×512 take 48 ms on one core, 36 take 31 ms).
    channel_multiple=4,
    # XLA's CPU backend has fast convolutions for straight code only: inside a loop they are three times slower. Longer
    # clips loop over pieces of this length, so that compilation stays short.
    max_unroll=8,
    merge_upsampling=True,
    # The backend orders a program for as much at once as it can: a third more memory, and no less time.
    compiler_options=(("xla_cpu_enable_concurrency_optimized_scheduler", False),),
)


def kernels_for(devices: Iterable[jax.Device] | None = None) -> Kernels:
    """Returns the kernels for the devices that will run a program; by default for the one that new arrays go to."""
    platforms = {device.platform for device in devices or [_default_device()]}
    return {"cpu": CPU, "tpu": TPU}.get(platforms.pop(), XLA) if len(platforms) == 1 else XLA


def use_kernels(network: object, kernels: Kernels | None = None) -> None:
    """Has all layers of a network compute by these kernels, in place; by default by those for the default device.

    What lies in a module that says `keep_float32` computes in float32 whatever their precision.
    """
    kernels = kernels or kernels_for()
    exact = replace(kernels, precision="float32") if kernels.precision != "float32" else kernels
    for _, module, kept in modules_by_path(network):
        if hasattr(module, "kernels"):
            module.kernels = exact if kept else kernels


def kernels_of(network: object) -> Kernels:
    """Returns the kernels that a network computes by; XLA's if none of its layers has a choice."""
    found = (module.kernels for _, module, kept in modules_by_path(network) if not kept and hasattr(module, "kernels"))
    return next(found, XLA)


def modules_by_path(network: object) -> Iterator[tuple[str, Any, bool]]:
    """Yields the dotted path of each module, the module, and whether it is, or lies in, one that keeps float32."""
    modules: list[tuple[tuple[Any, ...], Any]] = list(nnx.iter_modules(cast(nnx.Module, network)))
    keepers = [module for _, module in modules if getattr(module, "keep_float32", False)]
    kept = {id(inner) for keeper in keepers for _, inner in nnx.iter_modules(keeper)}
    for path, module in modules:
        yield ".".join(map(str, path)), module, id(module) in kept


def _default_device() -> jax.Device:
    chosen: Any = jax.config.values["jax_default_device"]
    if chosen is None:
        return jax.devices()[0]
    device: jax.Device = jax.devices(chosen)[0] if isinstance(chosen, str) else chosen
    return device
