"""RVM's recurrent decoder (Lin et al. 2021, section 3.2).

All of it but the ConvGRU works on single frames, so clips are folded to (B·T, h, w, C) and only the ConvGRU unfolds
them. Batch norm therefore sees all frames of the batch at once, as in PyTorch.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from rvm_jax.networks.api import State
from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential
from rvm_jax.networks.layers.kernels import XLA, Kernels
from rvm_jax.networks.layers.kernels.space_to_depth import (
    Squares,
    bias_on_squares,
    is_even,
    kernel_on_squares,
    space_to_depth,
)
from rvm_jax.networks.layers.resampling import avg_pool2, upsample2, upsample2_to_squares
from rvm_jax.networks.rvm.polyphase import PolyphaseOutputBlock
from rvm_jax.networks.rvm.squares import SquaresOutputBlock, SquaresUpsamplingBlock


class RecurrentDecoder(nnx.Module):
    """Features at 1/2 to 1/16 and the frames themselves to 16 channels at full size, with the states r1 to r4.

    `features` are the encoder's channels at 1/2, 1/4 and 1/8 and those of LR-ASPP at 1/16; `widths` the decoder's
    channels at 1/8, 1/4, 1/2 and 1.
    """

    kernels: Kernels = XLA

    def __init__(self, features: tuple[int, ...], widths: tuple[int, ...], *, rngs: nnx.Rngs | None):
        c1, c2, c3, c4 = features
        d3, d2, d1, d0 = widths
        self.decode4 = BottleneckBlock(c4, rngs=rngs)
        self.decode3 = UpsamplingBlock(c4, c3, d3, rngs=rngs)
        self.decode2 = UpsamplingBlock(d3, c2, d2, rngs=rngs)
        self.decode1 = UpsamplingBlock(d2, c1, d1, rngs=rngs)
        self.decode0 = OutputBlock(d1, d0, rngs=rngs)

    def __call__(
        self, src: jax.Array, features: tuple[jax.Array, ...], rec: State
    ) -> tuple[jax.Array | Squares, State]:
        """Takes frames (B·T, H, W, 3), their features and (r1, r2, r3, r4), each (B, h, w, C); the sizes give T."""
        f1, f2, f3, f4 = features
        s1 = avg_pool2(src, self.kernels)
        s2 = avg_pool2(s1, self.kernels)
        s3 = avg_pool2(s2, self.kernels)
        x, r4 = self.decode4(f4, rec[3])
        x, r3 = self.decode3(x, f3, s3, rec[2])
        x, r2 = self.decode2(x, f2, s2, rec[1])
        x, r1 = self.decode1(x, f1, s1, rec[0])
        return self.decode0(x, src), (r1, r2, r3, r4)


class BottleneckBlock(nnx.Module):
    """A ConvGRU on the second half of the channels; the first half passes."""

    def __init__(self, channels: int, *, rngs: nnx.Rngs | None):
        self.gru = ConvGRU(channels // 2, rngs=rngs)

    def __call__(self, x: jax.Array, r: jax.Array) -> tuple[jax.Array, jax.Array]:
        a, b = jnp.split(x, 2, axis=-1)
        b, r = self.gru(b, r)
        return jnp.concatenate([a, b], -1), r


class UpsamplingBlock(nnx.Module):
    """Doubles, joins the skip and the pooled frames, convolves, then a ConvGRU on the second half of the channels."""

    kernels: Kernels = XLA

    def __init__(self, inputs: int, skip: int, outputs: int, *, rngs: nnx.Rngs | None):
        self.conv = _conv_norm_relu(inputs + skip + 3, outputs, rngs=rngs)
        self.gru = ConvGRU(outputs // 2, rngs=rngs)

    def __call__(self, x: jax.Array, skip: jax.Array, src: jax.Array, r: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = upsample2(x, self.kernels)[:, : src.shape[1], : src.shape[2]]
        x = self.conv((x, skip, src))
        a, b = jnp.split(x, 2, axis=-1)
        b, r = self.gru(b, r)
        return jnp.concatenate([a, b], -1), r

    def for_inference(self, kernels: Kernels) -> nnx.Module:
        """Returns the block, batch norms folded, in the form that suits these kernels."""
        narrow = 2 * self.gru.channels <= kernels.widest_as_squares
        return SquaresUpsamplingBlock(self.conv[0], self.gru, self) if narrow else self


class OutputBlock(nnx.Module):
    """Doubles to full size, joins the frames, convolves twice."""

    kernels: Kernels = XLA

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs | None):
        self.conv = Sequential(
            [*_conv_norm_relu(inputs + 3, outputs, rngs=rngs), *_conv_norm_relu(outputs, outputs, rngs=rngs)]
        )

    def __call__(self, x: jax.Array, src: jax.Array) -> jax.Array | Squares:
        if self.kernels.space_to_depth and is_even(src):
            return self._on_squares(x, src)
        x = upsample2(x, self.kernels)[:, : src.shape[1], : src.shape[2]]
        return self.conv((x, src))

    def _on_squares(self, x: jax.Array, src: jax.Array) -> Squares:
        y: Any = (upsample2_to_squares(x), space_to_depth(src))
        for layer in self.conv:
            if isinstance(layer, Conv2d):
                y = layer.on_squares(*y) if isinstance(y, tuple) else layer.on_squares(y)
            else:
                y = layer.on_squares(y) if isinstance(layer, BatchNorm2d) else layer(y)
        return Squares(y)

    def for_inference(self, kernels: Kernels) -> nnx.Module:
        """Returns the block, batch norms folded, in the form that suits these kernels."""
        if not kernels.merge_upsampling:
            return self
        block = SquaresOutputBlock if kernels.space_to_depth else PolyphaseOutputBlock
        return block(self.conv[0], self.conv[3])


class ConvGRU(nnx.Module):
    """A gated recurrent unit whose products are 3×3 convolutions; the state is float32."""

    kernels: Kernels = XLA

    def __init__(self, channels: int, *, rngs: nnx.Rngs | None):
        self.channels = channels
        self.ih = Sequential([Conv2d(2 * channels, 2 * channels, 3, rngs=rngs)])
        self.hh = Sequential([Conv2d(2 * channels, channels, 3, rngs=rngs)])

    def __call__(self, x: jax.Array, h: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Takes inputs (B·T, h, w, C) and the state (B, h, w, C); returns all T states (B·T, h, w, C) and the last."""
        return self._run(x, h, self._tensors())

    def on_squares(self, x: jax.Array, h: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Does on squares of 2×2 pixels, (…, h, w, 4·C), what the call does on pixels."""
        return self._run(x, h, self._tensors().on_squares())

    def _tensors(self) -> "_GRUTensors":
        c, gates, candidate = self.channels, self.ih[0].weight[...], self.hh[0].weight[...]
        return _GRUTensors(
            jnp.concatenate([gates[:, :, :c], candidate[:, :, :c]], -1),
            jnp.concatenate([self.ih[0].bias[...], self.hh[0].bias[...]]),
            gates[:, :, c:],
            candidate[:, :, c:],
        )

    def _run(self, x: jax.Array, h: jax.Array, tensors: "_GRUTensors") -> tuple[jax.Array, jax.Array]:
        # PyTorch convolves [x, h]. The half that sees x does not wait for the state: it runs for all frames at once.
        c, conv = h.shape[-1], self.kernels.conv
        inputs = conv(x, tensors.inputs) + tensors.bias
        inputs = inputs.reshape(h.shape[0], -1, *inputs.shape[1:])

        def cell(h: jax.Array, frame: jax.Array) -> tuple[jax.Array, jax.Array]:
            r, z = jnp.split(jax.nn.sigmoid(frame[..., : 2 * c] + conv(h, tensors.gates)), 2, axis=-1)
            candidate = jnp.tanh(frame[..., 2 * c :] + conv(r * h, tensors.candidate))
            h = (1 - z) * h + z * candidate
            return h, h

        if inputs.shape[1] == 1:
            h, _ = cell(h, inputs[:, 0])
            return h, h
        unroll = min(inputs.shape[1], self.kernels.max_unroll)
        h, states = jax.lax.scan(cell, h, inputs.swapaxes(0, 1), unroll=unroll)
        return states.swapaxes(0, 1).reshape(-1, *h.shape[1:]), h


class _GRUTensors(NamedTuple):
    """Kernels on the inputs, for gates r and z and the candidate side by side, with their bias, and on the state."""

    inputs: jax.Array
    bias: jax.Array
    gates: jax.Array
    candidate: jax.Array

    def on_squares(self) -> "_GRUTensors":
        return _GRUTensors(
            kernel_on_squares(self.inputs, parts=3),
            bias_on_squares(self.bias, parts=3),
            kernel_on_squares(self.gates, parts=2),
            kernel_on_squares(self.candidate),
        )


def _conv_norm_relu(inputs: int, outputs: int, *, rngs: nnx.Rngs | None) -> Sequential:
    return Sequential([Conv2d(inputs, outputs, 3, bias=False, rngs=rngs), BatchNorm2d(outputs), jax.nn.relu])
