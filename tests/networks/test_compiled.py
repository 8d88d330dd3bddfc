"""A network's call outside of `jit`: compiled once a shape, in the form for inference, of the weights as they are."""

import gc
import itertools
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.networks import compiled
from rvm_jax.networks.api import InputSpec, Preprocessing
from rvm_jax.networks.image_network import ImageNetwork
from rvm_jax.networks.layers.basic import BatchNorm2d, Conv2d, Sequential

IMAGE = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)


class Alpha(NamedTuple):
    pha: jax.Array


class Small(ImageNetwork):
    PREPROCESSING: ClassVar = {"published": Preprocessing()}

    def __init__(self) -> None:
        super().__init__("small", InputSpec(), "published")
        self.layers = Sequential([Conv2d(3, 1, 3, bias=False, rngs=nnx.Rngs(0)), BatchNorm2d(1)])
        self.number = 0

    def forward(self, inputs: jax.Array, key: jax.Array | None) -> Any:
        del key
        traces.append((isinstance(inputs, jax.core.Tracer), isinstance(self.layers[1], BatchNorm2d)))
        return Alpha(self.layers(inputs))


traces: list[tuple[bool, bool]] = []
numbers = itertools.count(1)


@pytest.fixture
def network() -> Small:
    traces.clear()
    network = Small()
    network.number = next(numbers)  # of a structure of its own: others' programs are not its
    network.layers[1].running_mean.set_value(jnp.full(1, 0.25))
    return network


def plain(network: Small) -> np.ndarray:
    graphdef, weights = nnx.split(network)
    return np.asarray(jax.jit(lambda w, x: nnx.merge(graphdef, w)(x).pha)(weights, IMAGE))


def test_it_compiles_once_a_shape_with_batch_norm_folded(network: Small) -> None:
    first, second = network(IMAGE).pha, network(IMAGE).pha
    assert traces == [(True, False)]
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, plain(network), atol=1e-5)
    network(IMAGE[:, :4])
    assert len(traces) == 3  # and the plain one's


def test_networks_of_one_structure_share_what_is_compiled(network: Small) -> None:
    other = nnx.clone(network)
    other.layers[1].bias.set_value(jnp.ones(1))
    difference = other(IMAGE).pha - network(IMAGE).pha
    np.testing.assert_allclose(difference, 1, atol=1e-5)
    assert len(traces) == 1


def test_new_weights_are_seen_without_compiling_again(network: Small) -> None:
    before = np.asarray(network(IMAGE).pha)
    network.layers[1].bias.set_value(jnp.ones(1))
    np.testing.assert_allclose(network(IMAGE).pha, before + 1, atol=1e-5)
    assert len(traces) == 1


def test_what_is_changed_beside_the_weights_is_seen(network: Small) -> None:
    before = np.asarray(network(IMAGE).pha)
    network.layers[1] = Sequential([BatchNorm2d(1)])
    assert np.abs(network(IMAGE).pha - before).max() > 0.1


def test_under_jit_and_grad_the_call_is_the_class_s_own(network: Small) -> None:
    plain(network)
    jax.grad(lambda x: network(x).pha.sum())(IMAGE)
    assert traces == [(True, True), (True, True)]


def test_the_view_for_training_moves_its_statistics(network: Small) -> None:
    nnx.view(network, use_running_average=False)(IMAGE)
    assert traces == [(False, True)]
    assert network.layers[1].num_batches_tracked[...] == 1


def test_float64_keeps_its_digits(network: Small) -> None:
    with jax.enable_x64(True):
        network.layers[0].weight.set_value(network.layers[0].weight[...].astype(jnp.float64))
        assert network(IMAGE.astype(np.float64)).pha.dtype == jnp.float64


def test_mistakes_are_told_as_before(network: Small) -> None:
    with pytest.raises(UserError, match="small: the image is uint8"):
        network(np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(TypeError, match="unexpected"):
        network(IMAGE, nothing=1)  # type: ignore[call-arg]


def test_a_network_that_is_given_up_is_not_kept(network: Small) -> None:
    other = Small()
    other(IMAGE)
    count = len(compiled._forms)
    del other
    gc.collect()
    assert len(compiled._forms) < count
