"""Trains ours and the PyTorch twin on the same batches: python scripts/compare_training.py --steps=200

Both start from the same weights and see the same batches of embedded clips, with Adam at the face recipe's rates. Loss
curves are drawn into WORKDIR/curves.png; the networks that come out matte the same held-out clips, and their mean
absolute errors must agree within --tolerance. PyTorch trains once more from weights moved by their last bit: how far it
comes away from itself is what rounding alone does. It grows from step to step: in float32, in which recipes train
(--dtype=float32), 200 steps are enough to hide whether two trainings are the same; float64 tells. Needs PyTorch.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags
from tqdm import tqdm

from rvm_jax import cli
from rvm_jax.errors import UserError
from rvm_jax.process import configure_process
from scripts import ROOT

if TYPE_CHECKING:
    from rvm_jax.networks import Network

_STEPS = flags.DEFINE_integer("steps", 200, "Batches to train on.", lower_bound=1)
_SIZE = flags.DEFINE_integer("size", 128, "Height and width of the frames.", lower_bound=64)
_FRAMES = flags.DEFINE_integer("frames", 3, "Frames of a clip.", lower_bound=1)
_BATCH = flags.DEFINE_integer("batch", 2, "Clips of a batch.", lower_bound=1)
_CLIPS = flags.DEFINE_integer("num_clips", 16, "Held-out clips, a multiple of --batch.", lower_bound=1)
_DTYPE = flags.DEFINE_enum("dtype", "float64", ["float32", "float64"], "What both compute in.")
_SCALE = flags.DEFINE_float("rate_scale", 1.0, "Times the published rates.", 0.0)
_TOLERANCE = flags.DEFINE_float("tolerance", 0.02, "Relative difference of the final errors that is let pass.", 0.0)
_WORKDIR = flags.DEFINE_string("workdir", "work/compare_training", "Where curves.png and curves.json go.")

# The face recipe's: of the encoder, and of the rest.
_RATES = (1e-4, 2e-4)


def main(_: list[str]) -> None:
    from data_pipeline.sources.listing import source_roots
    from rvm_jax.media.pictures import write_bytes
    from rvm_jax.output_paths import check_outputs

    workdir, data = Path(_WORKDIR.value), _data()
    check_outputs([workdir / "curves.png", workdir / "curves.json"], below=source_roots(data))
    twin, losses = _import_twin()
    import jax

    jax.config.update("jax_enable_x64", _DTYPE.value == "float64")
    import rvm_jax
    from rvm_jax.weights import torch_weights
    from scripts._curves import draw_curves

    start = rvm_jax.MattingNetwork("mobilenetv3", foreground=False, rngs=_rngs())
    weights = {key: _wide(tensor) for key, tensor in torch_weights.state_dict(start).items()}
    rates = (_RATES[0] * _SCALE.value, _RATES[1] * _SCALE.value)

    runs = {
        "rvm_jax": _train_ours(start, data, rates),
        "PyTorch": _train_theirs(twin, losses, weights, data, rates),
        "PyTorch, moved": _train_theirs(twin, losses, _moved(weights), data, rates),
    }
    histories = {name: np.array(history) for name, (history, _) in runs.items()}
    errors = {name: error for name, (_, error) in runs.items()}

    curves = {name: dict(enumerate(history.tolist(), 1)) for name, history in histories.items()}
    draw_curves({"loss/total": curves}, str(workdir / "curves.png"))
    result = {"errors": errors, "losses": {name: history.tolist() for name, history in histories.items()}}
    write_bytes(workdir / "curves.json", (json.dumps(result) + "\n").encode())
    side, dtype = _SIZE.value, _DTYPE.value
    print(f"{_STEPS.value} batches of {_BATCH.value} clips of {_FRAMES.value} frames of {side}x{side}, in {dtype}")
    reference = histories["PyTorch"]
    for name, history in histories.items():
        line = f"{name}: loss {history[0]:.6f} to {history[-1]:.6f}, held-out mean absolute error {errors[name]:.5f}"
        if name != "PyTorch":
            gap = np.abs(history - reference) / reference
            line += f"; beside PyTorch's losses: median {np.median(gap):.1e}, largest {gap.max():.1e}"
            line += f"; error {100 * _apart(errors[name], errors['PyTorch']):.2g} % apart"
        print(line)
    print(f"{workdir / 'curves.png'}: the curves")
    difference = _apart(errors["rvm_jax"], errors["PyTorch"])
    if difference > _TOLERANCE.value:
        raise UserError(f"the errors are {100 * difference:.2g} % apart, more than --tolerance={_TOLERANCE.value}")


def _apart(error: float, reference: float) -> float:
    return abs(error - reference) / reference


def _wide(tensor: Any) -> np.ndarray:
    """Returns a tensor in --dtype, unless it is a counter."""
    values = np.asarray(tensor)
    return values.astype(_DTYPE.value) if values.dtype.kind == "f" else values


def _moved(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the weights, every value replaced by the next larger one."""
    return {
        key: np.nextafter(tensor, tensor.dtype.type(np.inf)) if tensor.dtype.kind == "f" else tensor
        for key, tensor in weights.items()
    }


def _data() -> dict[str, Any]:
    from configs import quickstart

    data = quickstart.get_config().data.to_dict()
    return {**data, "resolution": _SIZE.value, "seq_length": _FRAMES.value}


def _batches(data: dict[str, Any], split: str, count: int) -> Any:
    from data_pipeline.pipeline import make_batches

    return make_batches(data, batch_size=_BATCH.value, split=split, num_clips=count * _BATCH.value)


def _rngs() -> Any:
    from flax import nnx

    return nnx.Rngs(0)


def _train_ours(network: "Network", data: dict[str, Any], rates: tuple[float, float]) -> tuple[list[float], float]:
    """Returns the loss of each step, and the error at the end."""
    import jax

    from rvm_jax.networks import functional
    from rvm_jax.train.losses.rvm import alpha
    from rvm_jax.train.losses.terms import unit
    from rvm_jax.train.optimizer import make_optimizer
    from rvm_jax.train.rates import resolve_rates
    from rvm_jax.train.state import new_state
    from rvm_jax.train.step import make_train_step

    graphdef, *tensors = functional.split(network)
    params, batch_stats = jax.tree.map(lambda tensor: jax.numpy.asarray(_wide(tensor)), tensors)
    patterns = (("backbone.*", rates[0]), ("refiner.*", None), (".*", rates[1]))
    optimizer = make_optimizer(params, resolve_rates(params, patterns))
    step = make_train_step(network, alpha, optimizer)
    state = new_state(params, batch_stats, optimizer)
    history = []
    with _batches(data, "train", _STEPS.value) as stream:
        for batch in tqdm(stream, "rvm_jax", _STEPS.value):
            state, metrics = step(state, dict(batch))
            history.append(float(metrics["loss/total"]))

    @jax.jit
    def predict(params: Any, batch_stats: Any, src: jax.Array) -> jax.Array:
        alphas: jax.Array = functional.merge(graphdef, params, batch_stats)(unit(src)).pha
        return alphas

    return history, _error(data, lambda src: np.asarray(predict(state.params, state.batch_stats, src)))


def _train_theirs(
    twin: Any, losses: Any, weights: dict[str, np.ndarray], data: dict[str, Any], rates: tuple[float, float]
) -> tuple[list[float], float]:
    import torch

    network = twin.MattingNetwork("mobilenetv3", foreground=False).to(getattr(torch, _DTYPE.value))
    network.load_state_dict({key: torch.from_numpy(np.array(tensor)) for key, tensor in weights.items()})
    backbone, rest = rates
    optimizer = losses.adam(network, backbone=backbone, aspp=rest, decoder=rest, refiner=0.0)

    def tensor(values: np.ndarray) -> Any:
        return torch.from_numpy(np.moveaxis(values, -1, -3).astype(_DTYPE.value) / 255)

    history = []
    with _batches(data, "train", _STEPS.value) as stream:
        for batch in tqdm(stream, "PyTorch", _STEPS.value):
            given = {name: tensor(values) for name, values in batch.items()}
            parts = losses.train_step(network, optimizer, losses.face_alpha, given)
            history.append(float(parts["total"]))
    network.eval()

    def predict(src: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            pha, *_ = network(tensor(src))
        return np.moveaxis(pha.numpy(), -3, -1)

    return history, _error(data, predict)


def _error(data: dict[str, Any], predict: Any) -> float:
    """Returns the mean absolute error over the held-out clips."""
    errors = []
    with _batches(data, "valid", _CLIPS.value // _BATCH.value) as stream:
        for batch in stream:
            errors.append(np.abs(predict(np.asarray(batch["src"])) - batch["pha"].astype(np.float64) / 255).mean())
    return float(np.mean(errors))


def _import_twin() -> tuple[Any, Any]:
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        import torch_twin
        import torch_twin_losses
    except ImportError as error:
        raise UserError("the comparison needs PyTorch, which is missing; pip install -e '.[torch]'") from error
    return torch_twin, torch_twin_losses


if __name__ == "__main__":
    configure_process("train")
    cli.run(main)
