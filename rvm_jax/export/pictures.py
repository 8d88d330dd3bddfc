"""Any network on single pictures as nodes, and the contract `picture`: a picture, and its guidance, to an alpha."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.export import ops
from rvm_jax.export.emitters import emitter_of
from rvm_jax.export.form import Form, guidance_of
from rvm_jax.export.graph import Dim, Graph, Value
from rvm_jax.export.layers import name_layers
from rvm_jax.networks.api import CHANNELS, Network


def emit_alpha(g: Graph, network: Network, src: Value, guidance: Value | None = None) -> Value:
    """Adds a network's folded copy on single pictures (B, 3, H, W), RGB in [0, 1]; returns `pha` (B, 1, H, W), float32.

    Raises UserError, naming it, if a network or a layer has no ONNX form.
    """
    emitter = emitter_of(network)
    name_layers(g, network)
    inputs = _normalised(g, network, src)
    if guidance is not None:
        inputs = ops.concat(g, [inputs, guidance], 1)
    return ops.cast(g, emitter.emit(g, network, inputs), "float32")


def _normalised(g: Graph, network: Network, src: Value) -> Value:
    preprocessing = network.preprocessing
    for op, values, idle in ((ops.sub, preprocessing.mean, 0.0), (ops.div, preprocessing.std, 1.0)):
        if any(value != idle for value in values):
            src = op(g, src, g.constant(np.array(values, np.float32).reshape(1, 3, 1, 1), "normalisation"))
    return src


class PictureContract:
    """`image` (B, 3, H, W), RGB in [0, 1], and `mask` (B, 1, H, W) or `trimap` (B, 3, H, W) → `pha` (B, 1, H, W)."""

    name = "picture"
    opset = 18
    values = "image: RGB in [0, 1]; mask: 0 or 1; trimap: one-hot background, unknown, foreground; pha: [0, 1]"

    def form(self, network: Network, form: Form) -> Form:
        """Returns the form that the file gets. Raises UserError if the contract cannot have it."""
        if form.frames > 1 or form.ratio not in (None, 1.0):
            raise UserError("--as=picture takes single pictures at full size; leave chunk and ratio out")
        multiple = network.inputs.size_multiple
        if form.size is not None and any(side % multiple for side in form.size):
            height, width = (-(-side // multiple) * multiple for side in form.size)
            raise UserError(
                f"{network.name} needs sides that are multiples of {multiple}; export it for {width}x{height}, and pad"
            )
        if form.size is None and emitter_of(network).fixed_size:
            raise UserError(
                f"{network.name} is exported for one size, which its windows depend on; give --size=512x512"
            )
        return replace(form, ratio=1.0)

    def build(self, g: Graph, network: Network, form: Form) -> None:
        """Adds the network, its inputs and outputs to the graph."""
        batch: Dim = "batch" if form.batch is None else form.batch
        sides: Sequence[Dim] = ("height", "width") if form.size is None else form.size
        src = g.input("image", (batch, 3, *sides))
        kind = guidance_of(network)
        guidance = g.input(kind, (batch, CHANNELS[kind], *sides)) if kind else None
        g.output("pha", emit_alpha(g, network, src, guidance), (batch, 1, *sides))

    def run(
        self, session: Any, frames: list[np.ndarray], guidance: np.ndarray | None, form: Form, ratio: float
    ) -> list[dict[str, np.ndarray]]:
        """Returns what the file makes of frames (B, H, W, 3), in the terms of our networks."""
        del form, ratio
        results = []
        for src in frames:
            feeds = {"image": src.transpose(0, 3, 1, 2)}
            if guidance is not None:
                feeds["mask" if guidance.shape[-1] == 1 else "trimap"] = guidance.transpose(0, 3, 1, 2)
            (pha,) = session.run(["pha"], feeds)
            results.append({"pha": pha.transpose(0, 2, 3, 1)})
        return results


def refuse_guided(network: Network, program: str) -> None:
    """Raises UserError if a network wants what a program does not give."""
    kind = guidance_of(network)
    if kind:
        raise UserError(f"{network.name} wants a {kind} beside the picture, which {program} does not give")
