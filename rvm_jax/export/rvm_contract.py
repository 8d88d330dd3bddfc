"""The contract of RVM's own ONNX files: frames and states in, frames and states out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.export import ops
from rvm_jax.export.form import Form, has_state
from rvm_jax.export.graph import Dim, Graph, Value
from rvm_jax.export.layers import name_layers
from rvm_jax.export.networks.rvm import emit_rvm
from rvm_jax.matting.matter import AUTO_SIDE, auto_ratio
from rvm_jax.networks.api import Network
from rvm_jax.networks.rvm.model import MattingNetwork

_STATES = ("r1", "r2", "r3", "r4")


class RVMContract:
    """`src`, `r1i`…`r4i`, `downsample_ratio` → `fgr` (where there is one), `pha`, `r1o`…`r4o`.

    `src` is (B, 3, H, W), RGB in [0, 1]; with several frames a call (B, T, 3, H, W), and so are `fgr` and `pha`. The
    first states are zeros, of [1, 1, 1, 1] where the size is any. A fixed size has its ratio baked in.
    """

    name = "rvm"
    opset = 18
    values = (
        "src, fgr: RGB in [0, 1]; pha: [0, 1]; r1i to r4i: zeros at first, then r1o to r4o; downsample_ratio: (0, 1]"
    )

    def form(self, network: Network, form: Form) -> Form:
        """Returns the form that the file gets. Raises UserError if the network has no states."""
        if not has_state(network):
            raise UserError(f"{network.name} has no recurrent states, which --as=rvm is about; use --as=picture")
        if form.size is None:
            return form
        side = getattr(network, "auto_side", AUTO_SIDE)
        ratio = auto_ratio(*form.size, side) if form.ratio is None else form.ratio
        if min(form.size) * ratio < 1:
            raise UserError(
                f"frames of {form.size[1]}x{form.size[0]} leave nothing at ratio {ratio:g}; give a larger one"
            )
        return replace(form, ratio=ratio, batch=form.batch or 1)

    def build(self, g: Graph, network: Network, form: Form) -> None:
        """Adds the network, its inputs and outputs to the graph."""
        name_layers(g, network)
        batch: Dim = "batch" if form.batch is None else form.batch
        sides: Sequence[Dim] = ("height", "width") if form.size is None else form.size
        clip = (batch, *((form.frames,) if form.frames > 1 else ()), 3, *sides)
        src = ops.cast(g, g.input("src", clip, form.dtype), "float32")
        rec = tuple(
            g.input(f"{name}i", shape) for name, shape in zip(_STATES, state_shapes(network, form), strict=True)
        )
        ratio = form.ratio
        given = g.input("downsample_ratio", (1,)) if ratio is None else None
        frames = _by_time(g, src) if form.frames > 1 else src
        result = emit_rvm(g, cast(MattingNetwork, network), frames, rec, given or ratio or 1.0, form.frames)
        for name, value in (("fgr", result.fgr), ("pha", result.pha)):
            if value is None:
                continue
            channels = value.channels
            if form.frames > 1:
                value = _by_stream(g, value, src, form.frames)
            g.output(name, ops.cast(g, value, form.dtype), (*clip[:-3], channels, *sides))
        for name, state, shape in zip(_STATES, result.rec, state_shapes(network, form), strict=True):
            own = [f"{name}o_{axis}" for axis in ("height", "width")]
            g.output(f"{name}o", state, shape if form.size else (batch, state.channels, *own))

    def run(
        self, session: Any, frames: list[np.ndarray], guidance: np.ndarray | None, form: Form, ratio: float
    ) -> list[dict[str, np.ndarray]]:
        """Returns what the file makes of frames (B, H, W, 3), one after the other, in the terms of our networks."""
        del guidance
        shapes = {i.name: i.shape for i in session.get_inputs()}
        state = {
            f"{name}i": np.zeros(shapes[f"{name}i"] if form.size else (1, 1, 1, 1), np.float32) for name in _STATES
        }
        names = [output.name for output in session.get_outputs()]
        extra = {"downsample_ratio": np.array([ratio], np.float32)} if form.ratio is None else {}
        results = []
        for first in range(0, len(frames), form.frames):
            src = np.stack([f.transpose(0, 3, 1, 2) for f in frames[first : first + form.frames]], 1)
            src = (src if form.frames > 1 else src[:, 0]).astype(form.dtype)
            got = dict(zip(names, session.run(names, {"src": src, **state, **extra}), strict=True))
            state = {f"{name}i": got[f"{name}o"] for name in _STATES}
            maps = {key: np.moveaxis(got[key], -3, -1) for key in ("fgr", "pha") if key in got}
            for t in range(form.frames):
                results.append({key: x[:, t] if form.frames > 1 else x for key, x in maps.items()})
            results[-1].update({name: np.moveaxis(got[f"{name}o"], 1, -1) for name in _STATES})
        return results


def state_shapes(network: Network, form: Form) -> list[tuple[Any, ...]]:
    """Returns the shapes (B, C, h, w) of r1 to r4; each has dimension names of its own where the size is any.

    Raises:
        UserError: if the network has other states.
    """
    if not isinstance(network, MattingNetwork):
        raise UserError(f"the recurrent network {network.name} is not RVM, whose states are known; run it with JAX")
    if form.size is None:
        return [tuple(f"{name}i_{axis}" for axis in ("batch", "channels", "height", "width")) for name in _STATES]
    assert form.ratio is not None
    height, width = (int(np.floor(side * form.ratio)) for side in form.size)
    decoder = network.decoder
    shapes: list[tuple[Any, ...]] = []
    for block in (decoder.decode1, decoder.decode2, decoder.decode3, decoder.decode4):
        height, width = -(-height // 2), -(-width // 2)
        shapes.append((form.batch, block.gru.channels, height, width))
    return shapes


def _by_time(g: Graph, clip: Value) -> Value:
    """(B, T, C, H, W) to (T·B, C, H, W)."""
    batch, frames, channels, *sides = clip.shape
    if batch != 1:
        clip = ops.transpose(g, clip, 1, 0, 2, 3, 4)
    shape = ops.concat(g, [g.constant(np.array([-1], np.int64)), ops.sizes(g, clip, 2, 5)], 0)
    count = batch * frames if isinstance(batch, int) and isinstance(frames, int) else None
    return g.node("Reshape", [clip, shape], (count, channels, *sides))


def _by_stream(g: Graph, x: Value, clip: Value, frames: int) -> Value:
    """(T·B, C, H, W) to (B, T, C, H, W)."""
    batch = clip.shape[0]
    if batch == 1:
        shape = ops.concat(g, [g.constant(np.array([1, -1], np.int64)), ops.sizes(g, x, 1, 4)], 0)
        return g.node("Reshape", [x, shape], (1, frames, *x.shape[1:]))
    shape = ops.concat(g, [g.constant(np.array([frames, -1], np.int64)), ops.sizes(g, x, 1, 4)], 0)
    return ops.transpose(g, g.node("Reshape", [x, shape], (frames, batch, *x.shape[1:])), 1, 0, 2, 3, 4)
