"""Our network by other means than JAX: its emitted graph in ONNX Runtime and OpenVINO, by `Matter` and alone."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from scripts.benchmarks.report import usable_cores
from scripts.benchmarks.twin_contenders import Contender, golden_weights

MATTER = "rvm_jax Matter, ONNX Runtime"
MATTER_OPENVINO = "rvm_jax Matter, OpenVINO"
OPENVINO = "rvm_jax export, OpenVINO"


def contenders(frame: np.ndarray, ratio: float) -> dict[str, Callable[[], Contender]]:
    """Returns what makes each contender that is installed, for float frames (H, W, 3) on the CPU."""
    if find_spec("onnx") is None:
        return {}
    makers: dict[str, Callable[[], Contender]] = {}
    if find_spec("onnxruntime"):
        makers[MATTER] = lambda: _matter(frame, ratio, "onnxruntime")
    if find_spec("openvino"):
        makers[MATTER_OPENVINO] = lambda: _matter(frame, ratio, "openvino")
        makers[OPENVINO] = lambda: _openvino(frame, ratio)
    return makers


def network() -> Any:
    """Our network with the twin's weights."""
    import rvm_jax
    from rvm_jax.weights import torch_weights

    ours = rvm_jax.MattingNetwork("mobilenetv3", refiner="deep_guided_filter", foreground=True, rngs=None)
    torch_weights.set_state_dict(ours, golden_weights(), "the twin's weights")
    return ours


def model(frame: np.ndarray, ratio: float) -> bytes:
    """Returns our network as an ONNX file for frames of this size, arranged for OpenVINO."""
    from rvm_jax.export.contracts import CONTRACTS
    from rvm_jax.export.form import Form
    from rvm_jax.export.onnx_file import build

    ours, contract = network(), CONTRACTS["rvm"]
    form = contract.form(ours, Form((frame.shape[0], frame.shape[1]), ratio, runtime="openvino"))
    return build(ours, contract, form, {})[0]


def _matter(frame: np.ndarray, ratio: float, engine: str) -> Contender:
    import rvm_jax

    matter = rvm_jax.Matter(network(), ratio, engine=engine)

    def call() -> tuple[np.ndarray, np.ndarray]:
        fgr, pha, _ = matter(frame)
        return np.asarray(fgr), np.asarray(pha)

    return call


def _openvino(frame: np.ndarray, ratio: float) -> Contender:
    from rvm_jax.export.runtimes import open_in_openvino

    compiled = open_in_openvino(model(frame, ratio), usable_cores())
    inputs = {port.any_name: np.zeros(port.shape, np.float32) for port in compiled.inputs}
    inputs["src"] = np.ascontiguousarray(frame.transpose(2, 0, 1)[None])

    def call() -> tuple[np.ndarray, np.ndarray]:
        got = compiled(inputs)
        inputs.update({f"r{i}i": got[f"r{i}o"] for i in range(1, 5)})
        return got["fgr"][0].transpose(1, 2, 0), got["pha"][0].transpose(1, 2, 0)

    return call
