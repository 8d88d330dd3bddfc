"""A file beside the network that it was made of: ONNX Runtime's results and JAX's, on the same frames."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.compilation import quick_to_compile
from rvm_jax.errors import UserError
from rvm_jax.export.contracts import Contract
from rvm_jax.export.form import Form, guidance_of, has_state
from rvm_jax.networks.api import Network

_FRAMES = 3
# Where any size will do: not square, odd where the network lets it.
_ANY_SIZE = (117, 142)


def open_session(model: bytes | str, threads: int | None = None) -> Any:
    """Returns an ONNX Runtime session on the CPU for a model, or the path of one.

    Raises UserError if ONNX Runtime is not installed, or the model is damaged.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(
            "ONNX Runtime is not installed; pip install 'rvm-jax[onnxruntime]', or export without it by --nocheck"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its classes are not public
        place = model if isinstance(model, str) else "the model"
        raise UserError(f"{place}: is no ONNX model that ONNX Runtime can run ({_first_line(error)})") from error


def largest_difference(
    network: Network,
    model: bytes,
    contract: Contract,
    form: Form,
    *,
    size: tuple[int, int] | None = None,
    ratio: float | None = None,
) -> float:
    """Returns the largest absolute difference between a file and its network, states included, over some frames.

    Args:
        network: in evaluation mode, not folded.
        model: the file's bytes.
        contract, form: how it was made.
        size, ratio: of the frames, where the form leaves them open; by default some that say most.
    """
    session = open_session(model)  # first, since JAX takes longer to compile than to tell that it is missing
    size = form.size or size or _size_for(network)
    count = form.frames * (2 if form.frames > 1 else _FRAMES)
    frames = [frame.astype(form.dtype).astype(np.float32) for frame in _moving(size, form.batch or 2, count)]
    guidance = _guidance(guidance_of(network), frames[0])
    # Below 1, so that the refiner has its part.
    ratio = form.ratio or ratio or 0.5
    stateful = has_state(network) and contract.name == "rvm"
    ours = _in_jax(network, frames, guidance, ratio if stateful else None)
    theirs = contract.run(session, frames, guidance, form, ratio)
    return max(
        float(np.abs(np.asarray(own[name], np.float32) - value).max())
        for own, other in zip(ours, theirs, strict=True)
        for name, value in other.items()
    )


def _in_jax(
    network: Network, frames: list[np.ndarray], guidance: np.ndarray | None, ratio: float | None
) -> list[dict[str, np.ndarray]]:
    """The network's results, recurrent where a ratio is given."""
    graphdef, weights = nnx.split(network)
    options = quick_to_compile() if jax.default_backend() == "cpu" else None

    def run(weights: Any, src: jax.Array, *others: Any) -> dict[str, jax.Array]:
        own: Any = nnx.merge(graphdef, weights)
        if ratio is None:
            return {"pha": own(own.normalise(src), *others).pha}
        matte = own(src, others[0] if others else None, ratio)
        states = {f"r{i}": r for i, r in enumerate(matte.rec, start=1)}
        return {"pha": matte.pha, **states, **({} if matte.fgr is None else {"fgr": matte.fgr})}

    compiled = jax.jit(run, compiler_options=options)
    results: list[dict[str, np.ndarray]] = []
    others: tuple[Any, ...] = () if guidance is None else (jnp.asarray(guidance),)
    if ratio is not None:
        shapes = jax.eval_shape(run, weights, frames[0])
        others = (tuple(jnp.zeros(shapes[f"r{i}"].shape) for i in range(1, 5)),)
    for src in frames:
        results.append({name: np.asarray(value) for name, value in compiled(weights, src, *others).items()})
        if ratio is not None:
            others = (tuple(jnp.asarray(results[-1][f"r{i}"]) for i in range(1, 5)),)
    return results


def _size_for(network: Network) -> tuple[int, int]:
    multiple = network.inputs.size_multiple
    height, width = _ANY_SIZE if multiple == 1 else (2 * multiple, 3 * multiple)
    return height, width


def _moving(size: tuple[int, int], batch: int, count: int) -> list[np.ndarray]:
    """Frames (B, H, W, 3) of smooth colours that move."""
    import cv2

    rng = np.random.default_rng(0)
    height, width = size
    small = rng.random((batch, height // 12 + 2, width // 12 + 2, 3)).astype(np.float32)
    whole = np.stack([cv2.resize(each, (width, height), interpolation=cv2.INTER_CUBIC) for each in small])
    return [np.clip(np.roll(whole, (2 * t, 3 * t), (1, 2)), 0, 1) for t in range(count)]


def _guidance(kind: str | None, src: np.ndarray) -> np.ndarray | None:
    """A mask or trimap (B, H, W, C) that goes with frames, whatever it says."""
    if kind is None:
        return None
    mean = src.mean(-1)
    if kind == "mask":
        return (mean > 0.5).astype(np.float32)[..., None]
    level = np.digitize(mean, [0.4, 0.6])
    return (level[..., None] == np.arange(3)).astype(np.float32)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
