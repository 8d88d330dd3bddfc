"""Drop-ins for face programs: one network on crops of 256², with each program's conventions inside the graph.

They keep no state: RVM sees every crop as the first frame of a clip. The contracts are facts of the programs' sources.
"""

import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rvm_jax.export import ops
from rvm_jax.export.form import Form
from rvm_jax.export.graph import Graph, Value
from rvm_jax.export.pictures import emit_alpha, refuse_guided
from rvm_jax.networks.api import Network

_SIDE = 256
# Logits are finite: alphas are kept this far from 0 and 1.
_MARGIN = 1e-5


@dataclass(frozen=True)
class FaceContract:
    """Has one picture input and one mask output.

    Attributes:
        name: of the contract.
        program: what messages call it.
        values: of the input and the output, for the file's metadata.
        input, output: their names.
        opset: the operator set that the program reads.
        batch: how many crops a call takes; None for any number.
        channels_last: whether both are (B, 256, 256, C), else (B, C, 256, 256).
        bgr: whether the colours come in the order blue, green, red.
        post: what becomes of the alpha: "visible" is 0.5 + 0.5 · alpha, "logit", or "alpha".
    """

    name: str
    program: str
    values: str
    input: str
    output: str
    opset: int = 18
    batch: int | None = 1
    channels_last: bool = False
    bgr: bool = False
    post: str = "alpha"

    def form(self, network: Network, form: Form) -> Form:
        """Returns the form that the file gets. Raises UserError if the network or the caller wants another."""
        refuse_guided(network, self.program)
        return replace(form.of_faces(), batch=self.batch)

    def build(self, g: Graph, network: Network, form: Form) -> None:
        """Adds the network, its inputs and outputs to the graph."""
        batch = "batch" if self.batch is None else self.batch
        sides = (_SIDE, _SIDE)
        src = g.input(self.input, (batch, *sides, 3) if self.channels_last else (batch, 3, *sides))
        if self.channels_last:
            src = ops.transpose(g, src, 0, 3, 1, 2)
        if self.bgr:
            src = ops.gather(g, src, 1, np.array([2, 1, 0]))
        mask = self._post(g, emit_alpha(g, network, src))
        if self.channels_last:  # one channel: the order in memory stays
            mask = ops.reshape(g, mask, [-1, *sides, 1])
        g.output(self.output, mask, (batch, *sides, 1) if self.channels_last else (batch, 1, *sides))

    def _post(self, g: Graph, alpha: Value) -> Value:
        if self.post == "visible":
            return ops.add(g, ops.mul(g, alpha, 0.5), 0.5)
        if self.post == "logit":
            alpha = ops.clip(g, alpha, _MARGIN, 1 - _MARGIN)
            rest = ops.sub(g, ops.cast(g, g.scalar(1.0, "float32"), "float32"), alpha)
            return ops.unary(g, "Log", ops.div(g, alpha, rest))
        return alpha

    def run(
        self, session: Any, frames: list[np.ndarray], guidance: np.ndarray | None, form: Form, ratio: float
    ) -> list[dict[str, np.ndarray]]:
        """Returns what the file makes of frames (B, H, W, 3), as alphas."""
        del guidance, form, ratio
        results = []
        for src in frames:
            src = src[..., ::-1] if self.bgr else src
            feed = np.ascontiguousarray(src if self.channels_last else src.transpose(0, 3, 1, 2))
            (mask,) = session.run([self.output], {self.input: feed})
            mask = mask if self.channels_last else mask.transpose(0, 2, 3, 1)
            if self.post == "visible":
                mask = 2 * mask - 1
            if self.post == "logit":
                mask = 1 / (1 + np.exp(-mask))
            results.append({"pha": mask})
        return results


def facefusion_hash(model: bytes) -> str:
    """Returns what FaceFusion compares a model with: the text of the `.hash` file beside it."""
    return format(zlib.crc32(model), "08x")


FACE_CONTRACTS = (
    FaceContract(
        "facefusion",
        "FaceFusion",
        "input: BGR in [0, 1]; output: 0.5 + 0.5 · alpha of the visible face",
        "input",
        "output",
        channels_last=True,
        bgr=True,
        post="visible",
    ),
    FaceContract(
        "visomaster",
        "VisoMaster",
        "img: RGB in [0, 1]; output: the logit of the visible face's alpha, above 0 where it is the face",
        "img",
        "output",
        post="logit",
    ),
    FaceContract(
        "visomaster_xseg",
        "VisoMaster",
        "in_face:0: RGB in [0, 1]; out_mask:0: the visible face's alpha",
        "in_face:0",
        "out_mask:0",
    ),
    FaceContract(
        "deepfacelab",
        "DeepFaceLab",
        "in_face:0: BGR in [0, 1]; out_mask:0: the visible face's alpha",
        "in_face:0",
        "out_mask:0",
        opset=13,
        batch=None,
        channels_last=True,
        bgr=True,
    ),
)
