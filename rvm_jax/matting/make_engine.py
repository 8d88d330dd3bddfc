"""Which engine runs a network: JAX, or ONNX Runtime with the graph that the network is exported to."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

import jax
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.matting.engine import Engine, JaxEngine
from rvm_jax.matting.options import ENGINES, NetworkSettings

if TYPE_CHECKING:
    from rvm_jax.export.onnx_network import OnnxNetwork


def make_engine(
    engine: str,
    network: "nnx.Module | OnnxNetwork",
    *,
    precision: str = "float32",
    fold: bool = True,
    pads: bool = False,
) -> Engine:
    """Returns what computes a network's mattes; the arguments are those of `choose_engine`.

    Raises:
      UserError: if `Matter` would.
    """
    if choose_engine(engine, network, precision=precision, fold=fold, pads=pads) == "onnxruntime":
        from rvm_jax.export.engine import OnnxRuntimeEngine

        return OnnxRuntimeEngine(network)
    assert isinstance(network, nnx.Module)
    return JaxEngine(network, precision=precision, fold=fold)


def choose_engine(
    engine: str,
    network: "nnx.Module | OnnxNetwork",
    *,
    precision: str = "float32",
    fold: bool = True,
    pads: bool = False,
) -> Literal["jax", "onnxruntime"]:
    """Returns the name of the engine that a network gets.

    Args:
      engine: "jax", "onnxruntime", or "auto": ONNX Runtime on a CPU if it and `onnx` are installed and the network and
        its settings allow it; else JAX.
      network: the network; one of an .onnx file always has ONNX Runtime.
      precision, fold: as of `Matter`; ONNX Runtime computes in float32, folded.
      pads: whether frames are padded, whose averages over the picture ONNX Runtime cannot keep to what is shown.

    Raises:
      UserError: if the engine is unknown, is not installed or cannot do what is asked.
    """
    if engine not in ENGINES:
        raise UserError(f"engine '{engine}' is unknown; use one of {', '.join(ENGINES)}")
    of_file = not isinstance(network, nnx.Module)
    obstacle = _obstacle(of_file, precision, fold, pads)
    if engine == "onnxruntime" or of_file:
        if obstacle:
            raise UserError(obstacle)
        return "onnxruntime"
    if engine == "auto" and not obstacle and jax.default_backend() == "cpu" and _is_known(network):
        return "onnxruntime"
    return "jax"


def takes_onnxruntime(how: NetworkSettings) -> bool:
    """Whether one of the project's own networks would be run by ONNX Runtime."""
    if how.engine == "jax" or _obstacle(False, how.products, fold=True, pads=(how.pad_to or 1) > 1):
        return False
    return how.engine == "onnxruntime" or jax.default_backend() == "cpu"


def _obstacle(of_file: bool, precision: str, fold: bool, pads: bool) -> str | None:
    missing = [name for name in ("onnxruntime", *([] if of_file else ["onnx"])) if find_spec(name) is None]
    if missing:
        return f"the engine 'onnxruntime' needs the package {missing[0]}; pip install 'rvm-jax[{missing[0]}]'"
    if precision != "float32" or not fold:
        return "the engine 'onnxruntime' computes in float32 with folded batch norms; leave precision and fold out"
    if pads:
        return "the engine 'onnxruntime' takes frames as they are, without padding; leave pad_to out"
    return None


def _is_known(network: object) -> bool:
    """Whether it is one of the project's own; others may have layers without an ONNX form."""
    inner = getattr(network, "network", network)
    return type(inner).__module__.startswith("rvm_jax.")
