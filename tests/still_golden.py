"""The golden data of the still-picture networks: networks with the stand-in weights, and the checks they share."""

import functools
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx
from golden.image import rule
from quick_compilation import QUICK_TO_COMPILE, QUICK_TO_RUN

from rvm_jax.networks import functional
from rvm_jax.networks.inference import for_inference
from rvm_jax.networks.layers.kernels import CPU, XLA, Kernels
from rvm_jax.networks.registry import create
from rvm_jax.weights import torch_weights

GOLDEN = Path(__file__).resolve().parent / "golden" / "image"
SHAPES = {"a": (1, 3, 64, 96), "train": (2, 3, 128, 128), "c": (1, 3, 192, 256)}


@functools.cache
def golden_weights(name: str) -> dict[str, np.ndarray]:
    """The stand-in weights of a network, in PyTorch's layout and order."""
    tensors: dict[str, np.ndarray] = rule.state_dict(str(GOLDEN / f"{name}.json"))
    return tensors


def golden_still(name: str) -> Any:
    """The network with its stand-in weights, in evaluation mode."""
    network = create(name, rngs=None)
    torch_weights.set_state_dict(network, golden_weights(name), name)
    return network


# The tests of one network follow one another, and no check changes the network that it is given.
_shared_still = functools.lru_cache(maxsize=1)(golden_still)


def golden_outputs(name: str, case: str) -> dict[str, np.ndarray]:
    """The named outputs of a case ("a", "c", "train"), channels last."""
    return _arrays(name, f"{case}/out/", channels_last=True)


def _arrays(name: str, prefix: str, channels_last: bool = False) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / f"{name}.npz") as arrays:
        found = {key.removeprefix(prefix): arrays[key] for key in arrays.files if key.startswith(prefix)}
    assert found, f"no {prefix}* in {name}.npz"
    return {key: np.moveaxis(array, 1, -1) if channels_last else array for key, array in found.items()}


def inputs(network: Any, case: str) -> tuple[Any, ...]:
    """The picture, and the mask or trimap where the network wants one, as the golden data have drawn them."""
    shape = SHAPES[case]
    batch, _, height, width = shape
    image = np.moveaxis(np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32), 1, -1)
    mask = np.random.default_rng(1).integers(0, 2, (batch, height, width, 1)).astype(np.float32)
    trimap = np.eye(3, dtype=np.float32)[np.random.default_rng(2).integers(0, 3, (batch, height, width))]
    return (image, *([{"mask": mask, "trimap": trimap}[network.inputs.guidance]] if network.inputs.guidance else []))


def evaluate(network: Any, *args: Any) -> Any:
    """The network's result, by one compiled program."""
    graphdef, params, batch_stats = functional.split(network)
    program = jax.jit(lambda params, stats, *args: functional.merge(graphdef, params, stats)(*args))
    return program.lower(params, batch_stats, *args).compile(QUICK_TO_COMPILE)(params, batch_stats, *args)


def assert_outputs(result: Any, golden: Any, atol: float) -> None:
    for key, expected in golden.items():
        np.testing.assert_allclose(getattr(result, key), expected, rtol=0, atol=atol, err_msg=key)


def check_evaluation(name: str, case: str = "a", network: Any = None) -> Any:
    """Outputs within 2e-5 of the original's; returns the result. `network` is another that should compute the same."""
    network = network or _shared_still(name)
    result = evaluate(network, *inputs(network, case))
    assert_outputs(result, golden_outputs(name, case), atol=2e-5)
    return result


def check_inference(name: str, kernels: Kernels) -> None:
    """The copy for inference, by these kernels: outputs, none of them constant, within 2e-5 of the original's."""
    copy, golden = for_inference(_shared_still(name), kernels=kernels), golden_outputs(name, "a")
    assert all(expected.std() > 0.03 for expected in golden.values())
    assert_outputs(evaluate(copy, *inputs(copy, "a")), golden, atol=2e-5)


def check_training(
    name: str,
    wider: str | None = None,
    dtype: str = "float32",
    share: float = 5e-3,
    atol: float = 5e-4,
    kernels: Kernels = CPU,
) -> None:
    """One pass in the view for training, and its gradients: outputs within `atol`, gradient norms within `share` of the
    largest, running statistics (and spectral norm's vectors) within 1e-5. The golden norms are of a float64 run.

    `wider` names a network that differs in more input channels only. Its program then serves both: with zeros for the
    weights, and the inputs, of the channels that `name` lacks, it computes the same.
    """
    golden, network = golden_outputs(name, "train"), _shared_still(name)
    _, *tensors = functional.split(network)
    with jax.enable_x64(dtype == "float64"):
        program, abstract = _training_program(wider or name, tuple(golden), dtype, kernels)
        args = jax.tree.map(np.asarray, (*tensors, *inputs(network, "train")))
        args = (*args, *(np.zeros(x.shape, x.dtype) for x in abstract[len(args) :]))
        own_shapes = {key: x.shape for key, x in (tensors[0] | tensors[1]).items()}
        (total, (result, batch_stats)), gradients = jax.device_get(program(*jax.tree.map(_widen, args, abstract)))
    crop = {key: tuple(map(slice, shape)) for key, shape in own_shapes.items()}
    gradients, batch_stats = ({key: x[crop[key]] for key, x in part.items()} for part in (gradients, batch_stats))

    train = _arrays(name, "train/")
    assert_outputs(result, golden, atol)
    np.testing.assert_allclose(total, train["loss"], rtol=1e-5)
    norms = dict(zip(train["grad_names"].tolist(), train["grad_norms"].tolist(), strict=True))
    assert set(norms) == set(gradients)
    largest = max(norms.values())
    for key, norm in norms.items():
        error = abs(np.linalg.norm(gradients[key].ravel().astype(np.float64)) - norm)
        assert error < share * largest, (key, error / largest)
    for key, (mean, deviation) in zip(train["buffer_names"].tolist(), train["buffer_mean_std"], strict=True):
        values = batch_stats[key].astype(np.float64)
        np.testing.assert_allclose([values.mean(), values.std()], [mean, deviation], rtol=0, atol=1e-5, err_msg=key)
    assert {int(count) for key, count in batch_stats.items() if key.endswith("num_batches_tracked")} <= {1}


@functools.cache
def _training_program(name: str, outputs: Any, dtype: str, kernels: Kernels) -> Any:
    """The compiled value and gradients of the golden loss, and the shapes of its arguments."""
    network = create(name, rngs=None, kernels=kernels)
    graphdef, *_ = functional.split(nnx.view(network, use_running_average=False))

    def loss(params: Any, batch_stats: Any, *args: Any) -> Any:
        view = functional.merge(graphdef, params, batch_stats)
        result = view(*args)
        total = sum(((getattr(result, key) - 0.5) ** 2).mean() for key in outputs)
        return total, (result, functional.batch_stats(view))

    _, *tensors = functional.split(network)
    abstract = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, dtype if x.dtype == np.float32 else x.dtype),
        (*tensors, *inputs(network, "train")),
    )
    options = QUICK_TO_RUN if kernels is XLA and dtype == "float64" else QUICK_TO_COMPILE
    return jax.jit(jax.value_and_grad(loss, has_aux=True)).lower(*abstract).compile(options), abstract


def _widen(x: Any, like: Any) -> Any:
    wide = np.zeros(like.shape, like.dtype)
    wide[tuple(map(slice, x.shape))] = x
    return wide
