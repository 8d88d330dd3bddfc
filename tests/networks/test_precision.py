"""No product of a program is below the promised precision: read from what JAX lowers for a TPU; nothing is compiled."""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from lowered_products import products
from tiny_network import TinyNetwork, loss

import rvm_jax
from rvm_jax.guidance.values import CHANNELS
from rvm_jax.networks import functional, names
from rvm_jax.networks.api import Network
from rvm_jax.networks.inference import for_inference
from rvm_jax.networks.layers.kernels import CPU, TPU, XLA, Kernels, kernels_of, use_kernels
from rvm_jax.networks.layers.shown import only_shown, shown_mean
from rvm_jax.networks.mgmatting.blocks import DecoderBlock
from rvm_jax.networks.precision import Precision
from rvm_jax.train.losses.objectives import OBJECTIVES
from rvm_jax.train.optimizer import make_optimizer
from rvm_jax.train.rates import resolve_rates
from rvm_jax.train.state import new_state
from rvm_jax.train.step import StepSettings, make_train_step

SIDE = 64  # the least of the Laplacian loss
GRADIENTS = ("resnet18_unet", "modnet", "mgmatting", "aematter")  # without those that only take more inputs


def identify(value: object) -> str:
    return value.name if isinstance(value, Kernels) else str(value)


def create(name: str, kernels: Kernels) -> Network:
    settings = {"foreground": True} if name == "rvm" else {}
    network: Network = rvm_jax.create(name, rngs=None, kernels=kernels, **settings)
    return network


def lower(function: Any, *args: Any, **kwargs: Any) -> jax.stages.Lowered:
    lowered: jax.stages.Lowered = jax.jit(function).trace(*args, **kwargs).lower(lowering_platforms=("tpu",))
    return lowered


def forward(network: Network, precision: Precision | None, ratio: float = 1.0) -> jax.stages.Lowered:
    """The program of a matting pass; RVM's goes through the refiner at another ratio than 1."""
    graphdef, weights = nnx.split(for_inference(network, precision=precision))
    inputs = [jax.ShapeDtypeStruct((1, SIDE, SIDE, 3), np.float32)]
    if network.inputs.guidance:
        inputs.append(jax.ShapeDtypeStruct((1, SIDE, SIDE, CHANNELS[network.inputs.guidance]), np.float32))
    given: dict[str, Any] = {"downsample_ratio": ratio} if network.inputs.state else {}
    return lower(lambda weights, *inputs: nnx.merge(graphdef, weights)(*inputs, **given), weights, *inputs)


def gradient(network: Network) -> jax.stages.Lowered:
    """The program of the gradient of all that a network for pictures gives, in its view for training."""
    graphdef, params, batch_stats = functional.split(nnx.view(network, use_running_average=False))

    def loss(params: Any, *inputs: jax.Array) -> jax.Array:
        result = functional.merge(graphdef, params, batch_stats)(*inputs, key=jax.random.key(0))
        return sum((map_.sum() for map_ in jax.tree.leaves(result)), start=jnp.zeros(()))

    return lower(jax.grad(loss), params, jax.ShapeDtypeStruct((1, SIDE, SIDE, 3), np.float32))


def training_step(network: Network, precision: Precision) -> jax.stages.Lowered:
    """The program of a step of RVM: losses, gradients and optimizer."""
    _, params, batch_stats = functional.split(network)
    optimizer = make_optimizer(params, resolve_rates(params, ((".*", 1e-3),)), clip_norm=1.0)
    objective = partial(OBJECTIVES["matting"], downsample_ratio=0.5)
    step: Any = make_train_step(network, objective, optimizer, 0, StepSettings(precision=precision))
    shapes = {"src": 3, "pha": 1, "fgr": 3}
    batch = {name: jax.ShapeDtypeStruct((1, 2, 2 * SIDE, 2 * SIDE, c), np.uint8) for name, c in shapes.items()}
    state = jax.eval_shape(lambda: new_state(params, batch_stats, optimizer))
    lowered: jax.stages.Lowered = step.trace(state, batch).lower(lowering_platforms=("tpu",))
    return lowered


@pytest.mark.parametrize(
    ("name", "kernels"), [*((name, XLA) for name in names()), ("rvm", CPU), ("rvm", TPU)], ids=identify
)
def test_every_product_of_matting_is_float32_by_default(name: str, kernels: Kernels) -> None:
    found = products(forward(create(name, kernels), None, ratio=0.5))
    assert set(found) == {("f32", "HIGHEST")}
    assert found.total() > 20


@pytest.mark.parametrize(("name", "kernels"), [*((name, XLA) for name in GRADIENTS), ("mgmatting", CPU)], ids=identify)
def test_every_product_of_a_gradient_is_float32_by_default(name: str, kernels: Kernels) -> None:
    found = products(gradient(create(name, kernels)))
    assert set(found) == {("f32", "HIGHEST")}
    assert found.total() > 60


@pytest.mark.parametrize("kernels", [CPU, TPU, XLA], ids=identify)
def test_every_product_of_a_training_step_is_float32_by_default(kernels: Kernels) -> None:
    """Losses and optimizer included, and RVM's refiner."""
    found = products(training_step(create("rvm", kernels), "float32"))
    assert set(found) == {("f32", "HIGHEST")}
    assert found.total() > 60


def test_a_lower_precision_leaves_the_guided_filter_as_it_is() -> None:
    network = create("rvm", XLA)
    for program, own in (
        (forward(network, "tensorfloat32", ratio=0.5), ("f32", "HIGH")),
        (training_step(network, "bfloat16"), ("bf16", "DEFAULT")),
    ):
        found = products(program)
        assert set(found) == {own, ("f32", "HIGHEST")}
        # The filter's box, its three 1×1 convolutions, and resizing along columns.
        assert 3 <= found["f32", "HIGHEST"] < found[own] / 4


def test_the_mean_of_the_part_that_is_shown_stays_float32() -> None:
    def mean(part: jax.Array, x: jax.Array) -> jax.Array | None:
        with only_shown(part):
            return shown_mean(x)

    found = products(lower(mean, jnp.array([0, 0.5, 0, 1]), jnp.zeros((1, 4, 4, 8))))
    assert set(found) == {("f32", "HIGHEST")}


def test_attention_computes_in_the_precision_that_is_asked_for() -> None:
    found = products(forward(create("aematter", XLA), "tensorfloat32"))
    assert set(found) == {("f32", "HIGH")}


def test_the_norm_that_divides_a_weight_stays_float32() -> None:
    block = DecoderBlock(8, 4, doubles=True, rngs=None)
    use_kernels(block, replace(XLA, precision="bfloat16"))
    graphdef, state = nnx.split(block)
    found = products(lower(lambda state, x: nnx.merge(graphdef, state)(x), state, jnp.zeros((1, 4, 4, 8))))
    # Two products for each of three norms.
    assert found == {("f32", "HIGHEST"): 6, ("f32", "DEFAULT"): 3}


def test_kernels_carry_the_precision_but_not_into_what_keeps_float32() -> None:
    network: Any = create("rvm", XLA)
    use_kernels(network, replace(XLA, precision="bfloat16"))
    assert network.backbone.features[0][0].kernels.precision == "bfloat16"
    assert network.refiner.box_filter.kernels is not None
    assert network.refiner.box_filter.kernels.precision == "float32"
    assert kernels_of(network).precision == "bfloat16"
    assert kernels_of(for_inference(network, precision="float32")).precision == "float32"


def test_a_network_is_not_changed_by_its_training_step() -> None:
    network = TinyNetwork(rngs=None)
    use_kernels(network, XLA)
    optimizer = make_optimizer(functional.split(network)[1], {})
    make_train_step(network, loss, optimizer, 0, StepSettings(precision="bfloat16"))
    assert kernels_of(network) is XLA
