"""No product of a program is below the promised precision: read from what JAX lowers for a TPU; nothing is compiled."""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx
from lowered_products import products

import rvm_jax
from rvm_jax.guidance.values import CHANNELS
from rvm_jax.networks import functional, names
from rvm_jax.networks.api import Network
from rvm_jax.networks.inference import for_inference
from rvm_jax.networks.layers.kernels import CPU, XLA, Kernels, kernels_of, use_kernels
from rvm_jax.networks.precision import Precision
from rvm_jax.train.losses.objectives import OBJECTIVES
from rvm_jax.train.optimizer import make_optimizer
from rvm_jax.train.rates import resolve_rates
from rvm_jax.train.state import new_state
from rvm_jax.train.step import StepSettings, make_train_step

SIDE = 64  # the least of the Laplacian loss
BOTH = pytest.mark.parametrize("kernels", [CPU, XLA], ids=lambda kernels: kernels.name)


def create(name: str, kernels: Kernels) -> Network:
    settings = {"foreground": True} if name == "rvm" else {}
    network: Network = rvm_jax.create(name, rngs=None, kernels=kernels, **settings)
    return network


def lower(function: Any, *args: Any, **kwargs: Any) -> jax.stages.Lowered:
    return jax.jit(function).trace(*args, **kwargs).lower(lowering_platforms=("tpu",))


def forward(network: Network, precision: Precision | None, ratio: float = 1.0) -> jax.stages.Lowered:
    """The program of a matting pass; RVM's goes through the refiner at another ratio than 1."""
    graphdef, weights = nnx.split(for_inference(network, precision=precision))
    inputs = [jax.ShapeDtypeStruct((1, SIDE, SIDE, 3), np.float32)]
    if network.inputs.guidance:
        inputs.append(jax.ShapeDtypeStruct((1, SIDE, SIDE, CHANNELS[network.inputs.guidance]), np.float32))
    given: dict[str, Any] = {"downsample_ratio": ratio} if network.inputs.state else {}
    return lower(lambda weights, *inputs: nnx.merge(graphdef, weights)(*inputs, **given), weights, *inputs)


def training_step(network: Network, precision: Precision) -> jax.stages.Lowered:
    """The program of a step: losses, gradients and optimizer."""
    _, params, batch_stats = functional.split(network)
    optimizer = make_optimizer(params, resolve_rates(params, ((".*", 1e-3),)), clip_norm=1.0)
    objective = OBJECTIVES["matting" if network.inputs.state else network.default_loss]
    if network.inputs.state:
        objective = partial(objective, downsample_ratio=0.5)
    step: Any = make_train_step(network, objective, optimizer, 0, StepSettings(precision=precision))
    side = 2 * SIDE if network.inputs.state else SIDE
    shapes = {"src": 3, "pha": 1, "fgr": 3} if network.inputs.state else {"src": 3, "pha": 1}
    batch = {name: jax.ShapeDtypeStruct((1, 2, side, side, c), np.uint8) for name, c in shapes.items()}
    state = jax.eval_shape(lambda: new_state(params, batch_stats, optimizer))
    lowered: jax.stages.Lowered = step.trace(state, batch).lower(lowering_platforms=("tpu",))
    return lowered


@BOTH
@pytest.mark.parametrize("name", names())
def test_every_product_of_matting_is_float32_by_default(name: str, kernels: Kernels) -> None:
    found = products(forward(create(name, kernels), None, ratio=0.5))
    assert set(found) == {("f32", "HIGHEST")}
    assert found.total() > 20


@BOTH
@pytest.mark.parametrize("name", names())
def test_every_product_of_a_training_step_is_float32_by_default(name: str, kernels: Kernels) -> None:
    found = products(training_step(create(name, kernels), "float32"))
    assert set(found) == {("f32", "HIGHEST")}
    assert found.total() > 60


@pytest.mark.parametrize(
    ("precision", "element", "word"), [("tensorfloat32", "f32", "HIGH"), ("bfloat16", "bf16", "DEFAULT")]
)
def test_a_lower_precision_leaves_the_guided_filter_as_it_is(precision: Precision, element: str, word: str) -> None:
    network = create("rvm", XLA)
    for program in (forward(network, precision, ratio=0.5), training_step(network, precision)):
        found = products(program)
        assert set(found) == {(element, word), ("f32", "HIGHEST")}
        # Three 1×1 convolutions, and resizing, in the columns' direction.
        assert 3 <= found["f32", "HIGHEST"] < found[element, word] / 4


def test_attention_computes_in_the_precision_that_is_asked_for() -> None:
    found = products(forward(create("aematter", XLA), "tensorfloat32"))
    assert set(found) == {("f32", "HIGH")}


def test_the_norm_that_divides_a_weight_stays_float32() -> None:
    found = products(training_step(create("mgmatting", XLA), "tensorfloat32"))
    assert found["f32", "HIGHEST"] > 50 and found["f32", "HIGH"] > 50
    assert ("f32", "DEFAULT") not in found


def test_kernels_carry_the_precision_but_not_into_what_keeps_float32() -> None:
    network: Any = create("rvm", XLA)
    use_kernels(network, replace(XLA, precision="bfloat16"))
    assert network.backbone.features[0][0].kernels.precision == "bfloat16"
    assert network.refiner.box_filter.kernels is not None
    assert network.refiner.box_filter.kernels.precision == "float32"
    assert kernels_of(network).precision == "bfloat16"
    assert kernels_of(for_inference(network, precision="float32")).precision == "float32"


def test_a_network_is_not_changed_by_its_training_step() -> None:
    network = create("resnet18_unet", XLA)
    training_step(network, "bfloat16")
    assert kernels_of(network) is XLA
