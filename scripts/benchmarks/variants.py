"""The training step as it might have been built: each choice undone, alone, beside the step as it is.

A choice of kernels is another `Kernels` value; only the step's own ways are replaced while it is made.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp

from rvm_jax.networks.api import Network
from rvm_jax.networks.layers.kernels import Kernels, kernels_for, plain
from rvm_jax.networks.layers.kernels.batch_norm import batch_norm
from rvm_jax.networks.rvm.decoder import ConvGRU
from rvm_jax.train.losses import rvm
from rvm_jax.train.losses.terms import Batch, Components, unit

AS_IT_IS = "rvm_jax"


@dataclass(frozen=True)
class Choice:
    """What is different: fields of the device's `Kernels`, and what is replaced while the step is made and traced."""

    kernels: Mapping[str, Any] = field(default_factory=dict)
    replaced: Callable[[], AbstractContextManager[Any]] = nullcontext


def _channels_first(
    x: jax.Array, weight: jax.Array, stride: int, dilation: int, precision: jax.lax.Precision
) -> jax.Array:
    pad = dilation * (weight.shape[0] - 1) // 2
    y = jax.lax.conv_general_dilated(
        jnp.moveaxis(x, -1, 1),
        jnp.transpose(weight, (3, 2, 0, 1)),
        window_strides=(stride, stride),
        padding=((pad, pad), (pad, pad)),
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
        precision=precision,
    )
    return jnp.moveaxis(y, 1, -1)


def _all_within_the_loop(gru: ConvGRU, x: jax.Array, h: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Computes `ConvGRU` as PyTorch does: [x, h] is convolved frame by frame."""

    def cell(h: jax.Array, frame: jax.Array) -> tuple[jax.Array, jax.Array]:
        r, z = jnp.split(jax.nn.sigmoid(gru.ih[0](jnp.concatenate([frame, h], -1))), 2, axis=-1)
        candidate = jnp.tanh(gru.hh[0](jnp.concatenate([frame, r * h], -1)))
        h = (1 - z) * h + z * candidate
        return h, h

    frames = x.reshape(h.shape[0], -1, *x.shape[1:]).swapaxes(0, 1)
    h, states = jax.lax.scan(cell, h, frames, unroll=frames.shape[0])
    return states.swapaxes(0, 1).reshape(-1, *h.shape[1:]), h


def _squared(network: Network, batch: Batch, key: jax.Array) -> Components:
    return {"total": jnp.square(network(unit(batch["src"])).pha - unit(batch["pha"])).mean()}


def _keeping_its_arguments(function: Callable[..., Any], *, jit: Any = jax.jit, **settings: Any) -> Any:
    return jit(function, **{name: value for name, value in settings.items() if name != "donate_argnums"})


CHOICES = {
    AS_IT_IS: Choice(),
    "depthwise as grouped convolutions": Choice({"depthwise_conv": plain.depthwise_conv}),
    "3x3 gradients by XLA": Choice({"conv3x3": None}),
    "1x1 by XLA's convolution": Choice({"pointwise_conv": None}),
    "all convolutions and gradients by XLA, NCHW": Choice(
        {"plain_conv": _channels_first, "pointwise_conv": None, "conv3x3": None}
    ),
    "ConvGRU: [x, h] convolved frame by frame": Choice(
        replaced=lambda: mock.patch.object(ConvGRU, "__call__", _all_within_the_loop)
    ),
    "ConvGRU: frames not unrolled": Choice({"max_unroll": 1}),
    "batch norm's gradient by JAX": Choice({"batch_norm": batch_norm.fun}),
    "XLA's order for concurrency": Choice({"compiler_options": ()}),
    "mean square for the losses": Choice(replaced=lambda: mock.patch.object(rvm, "alpha", _squared)),
    "state not donated": Choice(replaced=lambda: mock.patch.object(jax, "jit", _keeping_its_arguments)),
}


def compiled(name: str, make_step: Callable[[Kernels], Any]) -> tuple[Any, Any, Any]:
    """Compiles the variant of this name.

    Args:
        name: one of CHOICES'.
        make_step: makes (step, state, batch) of a network that computes by these kernels.

    Returns:
        The same, the step compiled.
    """
    choice = CHOICES[name]
    with choice.replaced():
        forget: Callable[[], None] = jax.clear_caches
        forget()  # traces that a replacement does not show in
        step, state, batch = make_step(replace(kernels_for(), **choice.kernels))
        return step.lower(state, batch).compile(), state, batch
