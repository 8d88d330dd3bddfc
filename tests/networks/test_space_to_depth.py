"""Maps held as squares of pixels, as TPUs take them, give the numbers of the maps themselves."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from quick_compilation import QUICK_TO_COMPILE

from rvm_jax.networks import functional
from rvm_jax.networks.inference import for_inference
from rvm_jax.networks.layers.basic import Conv2d
from rvm_jax.networks.layers.kernels import TPU, XLA, Kernels, use_kernels
from rvm_jax.networks.layers.kernels.space_to_depth import Squares, depth_to_space, pixels, space_to_depth
from rvm_jax.networks.layers.resampling import avg_pool2, upsample2, upsample2_to_squares
from rvm_jax.networks.rvm.decoder import OutputBlock
from rvm_jax.networks.rvm.model import Projection

EVEN, ODD = (12, 20), (11, 19)


class LastBlock(nnx.Module):
    """The decoder's last block and a head, as RVM has them."""

    def __init__(self) -> None:
        self.block = OutputBlock(5, 4, rngs=nnx.Rngs(0))
        self.head = Projection(4, 2, rngs=nnx.Rngs(1))

    def __call__(self, x: jax.Array, src: jax.Array) -> tuple[jax.Array, jax.Array]:
        hidden = self.block(x, src)
        return pixels(hidden), self.head(hidden)


def maps(height: int, width: int, channels: int) -> np.ndarray:
    return np.random.default_rng(channels).normal(size=(2, height, width, channels)).astype(np.float32)


def inputs(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    height, width = size
    return maps(-(-height // 2), -(-width // 2), 5), maps(height, width, 3)


def run(program: Any, *args: Any) -> Any:
    return jax.device_get(jax.jit(program).lower(*args).compile(QUICK_TO_COMPILE)(*args))


def test_squares_hold_pixels_by_row_column_and_channel() -> None:
    x = maps(*EVEN, 3)
    squares = run(space_to_depth, x)
    np.testing.assert_array_equal(squares[:, 2, 3, 3:9], np.concatenate([x[:, 4, 7], x[:, 5, 6]], -1))
    np.testing.assert_array_equal(run(depth_to_space, squares), x)
    np.testing.assert_array_equal(run(space_to_depth, x.astype(jnp.bfloat16)), squares.astype(jnp.bfloat16))


def test_doubling_gives_squares() -> None:
    x = maps(5, 7, 3)
    np.testing.assert_array_equal(run(lambda x: depth_to_space(upsample2_to_squares(x)), x), run(upsample2, x))


@pytest.mark.parametrize("size", [EVEN, ODD])
def test_halving_is_that_of_the_pixels(size: tuple[int, int]) -> None:
    """By a convolution of stride 2, and by means."""
    network = Conv2d(3, 6, 3, stride=2, rngs=nnx.Rngs(0))
    found = {}
    for kernels in (XLA, TPU):
        use_kernels(network, kernels)
        found[kernels.name] = run(lambda x, kernels=kernels: (network(x), avg_pool2(x, kernels)), maps(*size, 3))
    for own, plain in zip(found["TPU"], found["XLA"], strict=True):
        np.testing.assert_allclose(own, plain, atol=1e-6)


@pytest.mark.parametrize("size", [EVEN, (8, 22), ODD])
def test_the_last_block_for_inference(size: tuple[int, int]) -> None:
    network = LastBlock()
    own = for_inference(network, kernels=TPU)
    assert isinstance(own.block(*map(jnp.asarray, inputs(size))), Squares) is (size is not ODD)
    for actual, expected in zip(run(own, *inputs(size)), run(network, *inputs(size)), strict=True):
        np.testing.assert_allclose(actual, expected, atol=2e-6)


def test_the_last_block_in_training() -> None:
    """The result, its gradients and the running statistics, in float64."""
    plain, own = (_trained(kernels) for kernels in (XLA, TPU))
    assert jax.tree.leaves(plain)[0].std() > 0.1
    for (path, expected), actual in zip(jax.tree.leaves_with_path(plain), jax.tree.leaves(own), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-9 * max(1, abs(expected).max()), err_msg=path)


def _trained(kernels: Kernels) -> Any:
    network = LastBlock()
    use_kernels(network, kernels)
    graphdef, params, stats = functional.split(nnx.view(network, use_running_average=False))

    def loss(params: Any, stats: Any, x: jax.Array, src: jax.Array) -> Any:
        view: Any = functional.merge(graphdef, params, stats)
        outputs = view(x, src)
        return sum(jnp.square(output).sum() for output in outputs), (outputs, functional.batch_stats(view))

    with jax.enable_x64(True):
        wide, clip = jax.tree.map(_wide, ((params, stats), inputs(EVEN)))
        return run(jax.grad(loss, argnums=(0, 2), has_aux=True), *wide, *clip)


def _wide(x: Any) -> np.ndarray:
    return np.asarray(x, np.float64 if x.dtype == np.float32 else x.dtype)
