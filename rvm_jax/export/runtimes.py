"""What runs graphs on a CPU: ONNX Runtime and OpenVINO, behind one interface."""

import sys
from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol, cast

import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.export.check import open_session

Arrays = dict[str, np.ndarray]


class Program(Protocol):
    """A graph that is ready to run; any thread may call it.

    Attributes:
        shapes: of the inputs, by name, in their order.
    """

    shapes: dict[str, tuple[int, ...]]

    def __call__(self, feeds: Arrays) -> Arrays:
        """Computes all outputs from contiguous inputs, both by name, and waits for them."""


class OnnxRuntimeProgram:
    """Is a `Program` by ONNX Runtime, in float32.

    Args:
        model: a graph's bytes, or its file.
        threads: how many it may take.

    Raises:
        UserError: ONNX Runtime is not installed, or the graph is damaged.
    """

    def __init__(self, model: bytes | str, threads: int):
        self._session = open_session(model, threads)
        self._outputs = [output.name for output in self._session.get_outputs()]
        self.shapes = {value.name: tuple(value.shape) for value in self._session.get_inputs()}

    def __call__(self, feeds: Arrays) -> Arrays:
        return dict(zip(self._outputs, self._session.run(self._outputs, feeds), strict=True))


class OpenVinoProgram:
    """Is a `Program` by OpenVINO, in float32.

    Args:
        model: a graph's bytes, or its file.
        threads: how many it may take.

    Raises:
        UserError: OpenVINO is not installed, or the graph is damaged.
    """

    def __init__(self, model: bytes | str, threads: int):
        self._compiled = open_in_openvino(model, threads)
        self.shapes = {port.any_name: tuple(port.shape) for port in self._compiled.inputs}
        # What two nodes share has the names of both; the graph's own is one of them.
        self._outputs = [(name, port) for port in self._compiled.outputs for name in port.get_names()]
        self._lock = Lock()  # a compiled model has one request, with one memory

    def __call__(self, feeds: Arrays) -> Arrays:
        with self._lock:
            found = self._compiled(feeds)
        return {name: found[port] for name, port in self._outputs}


def open_in_openvino(model: bytes | str, threads: int) -> Any:
    """Returns OpenVINO's compiled model on the CPU, in float32: of its own accord it may compute in bfloat16.

    Raises:
        UserError: OpenVINO is not installed, or the model is damaged.
    """
    core = _import_openvino().Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    try:
        return core.compile_model(core.read_model(model), "CPU", settings)
    except RuntimeError as error:
        place = model if isinstance(model, str) else "the model"
        raise UserError(f"{place}: is no ONNX model that OpenVINO can run") from error


def _import_openvino() -> Any:
    """Returns the package `openvino`, which then tells no one that it runs: no telemetry.

    Its telemetry forks the process when it is imported, which can hang one in which JAX has threads.

    Raises:
        UserError: it is not installed.
    """
    telemetry = "openvino_telemetry"
    hidden = {telemetry: None} if telemetry not in sys.modules else {}
    sys.modules.update(cast(Any, hidden))  # an import of it then fails, for which openvino is prepared
    try:
        import openvino
    except ImportError as error:
        raise UserError("OpenVINO is not installed; pip install 'rvm-jax[openvino]'") from error
    finally:
        for name in hidden:
            del sys.modules[name]
    return openvino


# By the names of engines.
PROGRAMS: dict[str, Callable[[bytes | str, int], Program]] = {
    "openvino": OpenVinoProgram,
    "onnxruntime": OnnxRuntimeProgram,
}
