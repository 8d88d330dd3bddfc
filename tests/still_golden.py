"""The golden data of the still-picture networks: networks with the stand-in weights, and the checks they share."""

import functools
from pathlib import Path

import jax
import numpy as np
from flax import nnx
from golden.image import rule
from quick_compilation import QUICK_TO_COMPILE

from rvm_jax.networks import functional
from rvm_jax.networks.registry import create
from rvm_jax.weights import torch_weights

GOLDEN = Path(__file__).resolve().parent / "golden" / "image"
SHAPES = {"a": (1, 3, 64, 96), "train": (2, 3, 128, 128), "c": (1, 3, 192, 256)}


@functools.cache
def golden_weights(name):
    """The stand-in weights of a network, in PyTorch's layout and order."""
    return rule.state_dict(str(GOLDEN / f"{name}.json"))


def golden_still(name):
    """The network with its stand-in weights, in evaluation mode."""
    network = create(name, rngs=None)
    torch_weights.set_state_dict(network, golden_weights(name), name)
    return network


def golden_outputs(name, case):
    """The named outputs of a case ("a", "c", "train"), channels last."""
    return _arrays(name, f"{case}/out/", channels_last=True)


def _arrays(name, prefix, channels_last=False):
    with np.load(GOLDEN / f"{name}.npz") as arrays:
        found = {key.removeprefix(prefix): arrays[key] for key in arrays.files if key.startswith(prefix)}
    assert found, f"no {prefix}* in {name}.npz"
    return {key: np.moveaxis(array, 1, -1) if channels_last else array for key, array in found.items()}


def inputs(network, case):
    """The picture, and the mask or trimap where the network wants one, as the golden data have drawn them."""
    shape = SHAPES[case]
    batch, _, height, width = shape
    image = np.moveaxis(np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32), 1, -1)
    mask = np.random.default_rng(1).integers(0, 2, (batch, height, width, 1)).astype(np.float32)
    trimap = np.eye(3, dtype=np.float32)[np.random.default_rng(2).integers(0, 3, (batch, height, width))]
    return (image, *([{"mask": mask, "trimap": trimap}[network.wants.guidance]] if network.wants.guidance else []))


def evaluate(network, *args):
    """The network's result, by one compiled program."""
    graphdef, params, batch_stats = functional.split(network)
    program = jax.jit(lambda params, stats, *args: functional.merge(graphdef, params, stats)(*args))
    return program.lower(params, batch_stats, *args).compile(QUICK_TO_COMPILE)(params, batch_stats, *args)


def assert_outputs(result, golden, atol):
    for key, expected in golden.items():
        np.testing.assert_allclose(getattr(result, key), expected, rtol=0, atol=atol, err_msg=key)


def check_evaluation(name, case="a", network=None):
    """Outputs within 2e-5 of the original's; returns the result. `network` is another that should compute the same."""
    network = network or golden_still(name)
    result = evaluate(network, *inputs(network, case))
    assert_outputs(result, golden_outputs(name, case), atol=2e-5)
    return result


def check_training(name, wider=None, dtype="float32", share=5e-3, atol=5e-4):
    """One pass in the view for training, and its gradients: outputs within `atol`, gradient norms within `share` of the
    largest, running statistics (and spectral norm's vectors) within 1e-5. The golden norms are of a float64 run.

    `wider` names a network that differs in more input channels only. Its program then serves both: with zeros for the
    weights, and the inputs, of the channels that `name` lacks, it computes the same.
    """
    golden, network = golden_outputs(name, "train"), golden_still(name)
    _, *tensors = functional.split(network)
    with jax.enable_x64(dtype == "float64"):
        program, abstract = _training_program(wider or name, tuple(golden), dtype)
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
def _training_program(name, outputs, dtype):
    """The compiled value and gradients of the golden loss, and the shapes of its arguments."""
    network = create(name, rngs=None)
    graphdef, *_ = functional.split(nnx.view(network, use_running_average=False))

    def loss(params, batch_stats, *args):
        view = functional.merge(graphdef, params, batch_stats)
        result = view(*args)
        total = sum(((getattr(result, key) - 0.5) ** 2).mean() for key in outputs)
        return total, (result, functional.batch_stats(view))

    _, *tensors = functional.split(network)
    abstract = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, dtype if x.dtype == np.float32 else x.dtype),
        (*tensors, *inputs(network, "train")),
    )
    return jax.jit(jax.value_and_grad(loss, has_aux=True)).lower(*abstract).compile(QUICK_TO_COMPILE), abstract


def _widen(x, like):
    wide = np.zeros(like.shape, like.dtype)
    wide[tuple(map(slice, x.shape))] = x
    return wide
