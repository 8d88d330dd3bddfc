"""Which engine runs a network: JAX, or OpenVINO or ONNX Runtime with the graph that the network is exported to."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import jax
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.matting.engine import Engine, JaxEngine
from rvm_jax.matting.options import ENGINES, NetworkSettings

if TYPE_CHECKING:
    from rvm_jax.export.onnx_network import OnnxNetwork

# Those that run graphs, the fastest first (docs/export.md has their times).
_BY_GRAPHS = ("openvino", "onnxruntime")
_FILES = "onnxruntime"  # runs .onnx files, which may be any tool's


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
    chosen = choose_engine(engine, network, precision=precision, fold=fold, pads=pads)
    if chosen != "jax":
        from rvm_jax.export.engine import GraphEngine

        return GraphEngine(network, chosen)
    assert isinstance(network, nnx.Module)
    return JaxEngine(network, precision=precision, fold=fold)


def choose_engine(
    engine: str,
    network: "nnx.Module | OnnxNetwork",
    *,
    precision: str = "float32",
    fold: bool = True,
    pads: bool = False,
) -> str:
    """Returns the name of the engine that a network gets.

    Args:
      engine: "jax", "onnxruntime", "openvino", or "auto": on a CPU OpenVINO, else ONNX Runtime, if it and `onnx` are
        installed and the network and its settings allow it; else JAX.
      network: the network; one of an .onnx file always has ONNX Runtime.
      precision, fold: as of `Matter`; graphs compute in float32, folded.
      pads: whether frames are padded, whose averages over the picture a graph cannot keep to what is shown.

    Raises:
      UserError: if the engine is unknown, is not installed or cannot do what is asked.
    """
    if engine not in ENGINES:
        raise UserError(f"engine '{engine}' is unknown; use one of {', '.join(ENGINES)}")
    if not isinstance(network, nnx.Module):
        if obstacle := _obstacle(_FILES, ("onnxruntime",), precision, fold, pads):
            raise UserError(obstacle)
        return _FILES
    if engine == "auto" and not _is_known(network):
        return "jax"
    found = _by_graphs(engine, precision, fold, pads)
    if found is None and engine in _BY_GRAPHS:
        raise UserError(str(_obstacle(engine, (engine, "onnx"), precision, fold, pads)))
    return found or "jax"


def takes_graphs(how: NetworkSettings) -> bool:
    """Whether one of the project's own networks would be run as a graph, by another engine than JAX."""
    return _by_graphs(how.engine, how.products, fold=True, pads=(how.pad_to or 1) > 1) is not None


def _by_graphs(engine: str, precision: str, fold: bool, pads: bool) -> str | None:
    """Returns the engine that runs the graph of one of the project's networks, None where none does."""
    if engine == "jax" or (engine == "auto" and jax.default_backend() != "cpu"):
        return None
    wanted = _BY_GRAPHS if engine == "auto" else (engine,)
    return next((name for name in wanted if _obstacle(name, (name, "onnx"), precision, fold, pads) is None), None)


def _obstacle(engine: str, packages: tuple[str, ...], precision: str, fold: bool, pads: bool) -> str | None:
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        return f"the engine '{engine}' needs the package {missing[0]}; pip install 'rvm-jax[{missing[0]}]'"
    if precision != "float32" or not fold:
        return f"the engine '{engine}' computes in float32 with folded batch norms; leave precision and fold out"
    if pads:
        return f"the engine '{engine}' takes frames as they are, without padding; leave pad_to out"
    return None


def _is_known(network: object) -> bool:
    """Whether it is one of the project's own; others may have layers without an ONNX form."""
    inner = getattr(network, "network", network)
    return type(inner).__module__.startswith("rvm_jax.")
