"""The training step as it might have been built: each choice undone, alone, beside the step as it is."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp

from rvm_jax.networks.layers import basic as layers
from rvm_jax.networks.layers import convolution, depthwise
from rvm_jax.networks.rvm import decoder
from rvm_jax.train import step as train_step
from rvm_jax.train.losses import objectives

AS_IT_IS = "rvm_jax"
_NEVER = 1 << 30


def _channels_first(x: jax.Array, weight: jax.Array, stride: int = 1, dilation: int = 1, groups: int = 1) -> jax.Array:
    pad = dilation * (weight.shape[0] - 1) // 2
    y = jax.lax.conv_general_dilated(
        jnp.moveaxis(x, -1, 1),
        jnp.transpose(weight, (3, 2, 0, 1)),
        window_strides=(stride, stride),
        padding=((pad, pad), (pad, pad)),
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
        feature_group_count=groups,
    )
    return jnp.moveaxis(y, 1, -1)


def _all_within_the_loop(gru: decoder.ConvGRU, x: jax.Array, h: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`ConvGRU` as PyTorch computes it: [x, h] is convolved frame by frame."""

    def cell(h: jax.Array, frame: jax.Array) -> tuple[jax.Array, jax.Array]:
        r, z = jnp.split(jax.nn.sigmoid(gru.ih[0](jnp.concatenate([frame, h], -1))), 2, axis=-1)
        candidate = jnp.tanh(gru.hh[0](jnp.concatenate([frame, r * h], -1)))
        h = (1 - z) * h + z * candidate
        return h, h

    frames = x.reshape(h.shape[0], -1, *x.shape[1:]).swapaxes(0, 1)
    h, states = jax.lax.scan(cell, h, frames, unroll=frames.shape[0])
    return states.swapaxes(0, 1).reshape(-1, *h.shape[1:]), h


def _squared(network: Any, batch: Any, key: jax.Array) -> dict[str, jax.Array]:
    return {"total": jnp.square(network(objectives.unit(batch["src"])).pha - objectives.unit(batch["pha"])).mean()}


def _keeping_its_arguments(function: Callable, *, jit: Callable = jax.jit, **settings: Any) -> Callable:
    return jit(function, **{name: value for name, value in settings.items() if name != "donate_argnums"})


# What is replaced while the step is made and traced: (module or class, name, instead).
CHOICES: dict[str, list[tuple[Any, str, Any]]] = {
    AS_IT_IS: [],
    "depthwise as grouped convolutions": [(depthwise, "is_cpu", lambda: False)],
    "3x3 gradients by XLA": [(convolution, "_NARROWEST", _NEVER)],
    "1x1 by XLA's convolution": [(convolution, "pointwise_conv", convolution.plain_conv)],
    "all convolutions and gradients by XLA, NCHW": [
        (convolution, "_NARROWEST", _NEVER),
        (convolution, "pointwise_conv", _channels_first),
        (convolution, "plain_conv", _channels_first),
    ],
    "ConvGRU: [x, h] convolved frame by frame": [(decoder.ConvGRU, "__call__", _all_within_the_loop)],
    "ConvGRU: frames not unrolled": [(decoder, "_MAX_UNROLL", 1)],
    "batch norm's gradient by JAX": [(layers, "_batch_norm", layers._batch_norm.fun)],
    "XLA's order for concurrency": [(train_step, "_compiler_options", dict)],
    "mean square for the losses": [(objectives, "alpha", _squared)],
    "state not donated": [(jax, "jit", _keeping_its_arguments)],
}


def compiled(name: str, make_step: Callable[[], Any]) -> tuple[Any, Any, Any]:
    """Compiles the variant of this name; `make_step` makes (step, state, batch), so does this."""
    with ExitStack() as replacements:
        for replacement in CHOICES[name]:
            replacements.enter_context(mock.patch.object(*replacement))
        jax.clear_caches()  # of traces that the replacement does not show in
        step, state, batch = make_step()
        return step.lower(state, batch).compile(), state, batch
