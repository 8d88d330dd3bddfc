"""Which program runs a network: JAX, or ONNX Runtime with the graph that the network is exported to."""

from importlib.util import find_spec
from typing import Any, Literal

import jax

from rvm_jax.errors import UserError

Engine = Literal["jax", "onnxruntime", "auto"]
ENGINES = ("jax", "onnxruntime", "auto")


def choose(engine: str, network: Any, *, dtype: str = "float32", fold: bool = True) -> Literal["jax", "onnxruntime"]:
    """Returns the engine that a network gets.

    Args:
        engine: "jax", "onnxruntime", or "auto": ONNX Runtime on a CPU where it and `onnx` are installed, and where the
            network and its settings allow it; else JAX.
        network: the network; one of an .onnx file always has ONNX Runtime.
        dtype, fold: as of `Matter`; ONNX Runtime computes in float32, folded.

    Raises:
        UserError: an unknown engine, or one that is not installed or cannot do what is asked.
    """
    from rvm_jax.export.onnx_network import OnnxNetwork

    if engine not in ENGINES:
        raise UserError(f"engine '{engine}' is unknown; use one of {', '.join(ENGINES)}")
    of_file = isinstance(network, OnnxNetwork)
    obstacle = _obstacle(of_file, dtype, fold)
    if engine == "onnxruntime" or of_file:
        if obstacle:
            raise UserError(obstacle)
        return "onnxruntime"
    if engine == "auto" and not obstacle and jax.default_backend() == "cpu" and _is_known(network):
        return "onnxruntime"
    return "jax"


def _obstacle(of_file: bool, dtype: str, fold: bool) -> str | None:
    missing = [name for name in ("onnxruntime", *([] if of_file else ["onnx"])) if find_spec(name) is None]
    if missing:
        return f"the engine 'onnxruntime' needs the package {missing[0]}; pip install 'rvm-jax[{missing[0]}]'"
    if dtype != "float32" or not fold:
        return "the engine 'onnxruntime' computes in float32 with folded batch norms; leave dtype and fold out"
    return None


def _is_known(network: Any) -> bool:
    """Whether it is one of the project's own; others may have layers without an ONNX form."""
    inner = getattr(network, "network", network)
    return type(inner).__module__.startswith("rvm_jax.")
