"""The training step as it might have been built: each choice undone, alone, beside the step as it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp

from rvm_jax import train_step
from rvm_jax.networks import convolution, decoder, depthwise, layers
from rvm_jax.objectives import unit

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
    return {"total": jnp.square(network(unit(batch["src"])).pha - unit(batch["pha"])).mean()}


# What is replaced while the step is traced: (module or class, name, instead).
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
}
# The last two are no replacement: the step without its losses, and its state not donated.
MORE = ("mean square for the losses", "state not donated")


@contextmanager
def undone(name: str) -> Iterator[None]:
    """While this lasts, what is traced is the variant of this name."""
    patches = [mock.patch.object(*replacement) for replacement in CHOICES.get(name, [])]
    for patch in patches:
        patch.start()
    jax.clear_caches()  # of traces that the replacement does not show in
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def compiled(name: str, make_step: Callable[[Any], Any]) -> Callable[[], object]:
    """Compiles the variant; returns what runs a step of it.

    Args:
        name: of `CHOICES` or `MORE`.
        make_step: makes (step, state, batch) for an objective, None for the recipe's own.
    """
    with undone(name):
        step, state, batch = make_step(_squared if name == MORE[0] else None)
        if name == MORE[1]:
            step = jax.jit(step.__wrapped__, static_argnums=2, compiler_options=train_step._compiler_options())
        program = step.lower(state, batch).compile()

    def call() -> None:
        nonlocal state
        state, _ = jax.block_until_ready(program(state, batch))

    return call
