"""PyTorch's arithmetic in JAX: layers against PyTorch, and their gradients."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from rvm_jax.networks import functional
from rvm_jax.networks.layers import arithmetic, initializers, resampling, resizing
from rvm_jax.networks.layers import basic as layers
from rvm_jax.networks.layers.kernels import CPU, XLA, Kernels, plain


def draw(*shape: int, seed: int = 0) -> Any:  # NumPy's, where layers are typed for JAX's arrays
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def nchw(array: Any) -> np.ndarray:
    return np.moveaxis(np.asarray(array), -1, 1)


@pytest.mark.parametrize(
    ("size", "stride", "dilation", "height", "width"),
    [(3, 1, 1, 7, 6), (3, 2, 1, 7, 6), (5, 2, 1, 8, 9), (5, 1, 2, 7, 10), (3, 2, 1, 1, 2)],
)
def test_depthwise_shifts_are_the_grouped_convolution(
    size: Any, stride: int, dilation: int, height: int, width: int
) -> None:
    kernels = replace(CPU, strip_bytes=1)  # strips of a row each
    x, weight = draw(2, height, width, 4), draw(size, size, 1, 4, seed=1)
    dy = draw(2, -(-height // stride), -(-width // stride), 4, seed=2)

    @jax.jit
    def run(x: Any, weight: Any, dy: Any) -> Any:
        grouped, grouped_gradients = jax.vjp(lambda x, w: XLA.depthwise(x, w, stride, dilation), x, weight)
        shifted, shifted_gradients = jax.vjp(lambda x, w: kernels.depthwise(x, w, stride, dilation), x, weight)
        return (grouped, *grouped_gradients(dy)), (shifted, *shifted_gradients(dy))

    for expected, actual in zip(*run(x, weight, dy), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("size", "inputs", "outputs", "height", "width"),
    # Pointwise, to fewer, more and one; in strips of two rows and of one: each has gradients of its own.
    [(1, 7, 5, 6, 7), (1, 4, 5, 6, 7), (1, 4, 1, 6, 7), (3, 4, 7, 6, 64), (3, 4, 7, 5, 64)],
)
def test_gradients_of_convolutions(size: Any, inputs: int, outputs: int, height: int, width: int) -> None:
    kernels = replace(CPU, strip_bytes=2 * 2 * width * 9 * outputs * 4)
    x, weight = draw(2, height, width, inputs), draw(size, size, inputs, outputs, seed=1)
    dy = draw(2, height, width, outputs, seed=2)

    @jax.jit
    def run(x: Any, weight: Any, dy: Any) -> Any:
        results = [jax.vjp(function, x, weight) for function in (plain.conv, kernels.conv)]
        return [(y, *gradients(dy)) for y, gradients in results]

    for expected, actual in zip(*run(x, weight, dy), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-4)


@pytest.mark.parametrize("groups", [1, 4])
def test_gradients_in_strips_over_two_devices(groups: int) -> None:
    """The same as on one, and the devices exchange sums once, not for every strip."""
    kernels = replace(CPU, strip_bytes=1)
    x, weight, dy = draw(2, 5, 64, 4), draw(3, 3, 4 // groups, 4, seed=1), draw(2, 5, 64, 4, seed=2)
    convolve = kernels.depthwise if groups > 1 else kernels.conv

    @jax.jit
    def gradients(x: Any, weight: Any, dy: Any) -> Any:
        return jax.vjp(convolve, x, weight)[1](dy)

    mesh = jax.sharding.Mesh(jax.devices()[:2], "data")
    split, whole = (jax.NamedSharding(mesh, jax.P(*axes)) for axes in (("data",), ()))
    given = jax.device_put(x, split), jax.device_put(weight, whole), jax.device_put(dy, split)
    compiled = gradients.lower(*given).compile()
    for expected, actual in zip(gradients(x, weight, dy), compiled(*given), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-5)
    loops, after = str(compiled.as_text()).split("ENTRY")
    assert "all-reduce(" not in loops
    assert after.count(" all-reduce(") == 1
    assert "all-gather(" not in loops + after


@pytest.mark.parametrize("kernels", [CPU, XLA], ids=lambda kernels: kernels.name)
def test_maps_are_joined_by_channel(kernels: Kernels) -> None:
    maps, weight = (draw(1, 4, 5, 2), draw(1, 4, 5, 3, seed=1)), draw(3, 3, 5, 2, seed=2)
    expected = plain.conv(jnp.concatenate(maps, -1), jnp.asarray(weight))
    np.testing.assert_allclose(kernels.conv(*kernels.joined(maps, weight)), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 2), (2, 1)])
def test_conv2d(groups: int, stride: int, dilation: int) -> None:
    torch = pytest.importorskip("torch")
    x = draw(2, 9, 6, 4)
    ours = layers.Conv2d(4, 4, 3, stride=stride, dilation=dilation, groups=groups, rngs=nnx.Rngs(0))
    theirs = torch.nn.Conv2d(4, 4, 3, stride, padding=dilation, dilation=dilation, groups=groups)
    weight = np.transpose(ours.weight[...], (3, 2, 0, 1))
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(weight))
        assert ours.bias is not None
        theirs.bias.copy_(torch.tensor(np.asarray(ours.bias[...])))
        expected = theirs(torch.from_numpy(nchw(x)))
    np.testing.assert_allclose(nchw(ours(x)), expected, rtol=0, atol=5e-6)


def test_starting_values_are_pytorchs() -> None:
    conv = layers.Conv2d(64, 32, 3, rngs=nnx.Rngs(0))
    bound = 1 / np.sqrt(64 * 9)
    for tensor in (conv.weight, conv.bias):
        assert tensor is not None
        assert bound * 0.85 < np.abs(tensor[...]).max() <= bound
    assert np.std(conv.weight[...]) == pytest.approx(bound / np.sqrt(3), rel=0.02)
    encoder = layers.Conv2d(64, 32, 3, init=initializers.kaiming_fan_out, rngs=nnx.Rngs(0))
    assert np.std(encoder.weight[...]) == pytest.approx(np.sqrt(2 / (32 * 9)), rel=0.02)
    one, other = (layers.Conv2d(4, 4, 1, rngs=nnx.Rngs(seed)).weight[...] for seed in (0, 1))
    assert not np.array_equal(one, other)


def test_batch_norm_trains_and_evaluates() -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = layers.BatchNorm2d(5, eps=1e-3, momentum=0.01), torch.nn.BatchNorm2d(5, eps=1e-3, momentum=0.01)
    tensors = {"weight": draw(5), "bias": draw(5, seed=1), "running_mean": draw(5, seed=2)}
    for name, tensor in tensors.items():
        getattr(ours, name).set_value(jnp.asarray(tensor))
    theirs.load_state_dict({key: torch.from_numpy(tensor) for key, tensor in tensors.items()}, strict=False)

    training = nnx.view(ours, use_running_average=False)
    for seed in (3, 4):
        x = 2 + 3 * draw(2, 3, 4, 5, seed=seed)
        expected = theirs.train()(torch.from_numpy(nchw(x))).detach()
        np.testing.assert_allclose(nchw(training(x)), expected, rtol=0, atol=5e-6)
    # The view shares its statistics with the network, which is still in evaluation mode.
    for name in ("running_mean", "running_var"):
        np.testing.assert_allclose(getattr(ours, name)[...], getattr(theirs, name), rtol=1e-6, err_msg=name)
    assert int(ours.num_batches_tracked[...]) == int(theirs.num_batches_tracked) == 2
    expected = theirs.eval()(torch.from_numpy(nchw(x))).detach()
    np.testing.assert_allclose(nchw(ours(x)), expected, rtol=0, atol=5e-6)
    assert int(ours.num_batches_tracked[...]) == 2


def test_gradients_of_batch_norm() -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = layers.BatchNorm2d(5), torch.nn.BatchNorm2d(5).train()
    x, dy = 2 + 3 * draw(2, 3, 4, 5), draw(2, 3, 4, 5, seed=1)
    ours.weight.set_value(jnp.asarray(draw(5, seed=2)))
    theirs.load_state_dict({"weight": torch.from_numpy(draw(5, seed=2))}, strict=False)
    given = torch.tensor(nchw(x), requires_grad=True)
    theirs(given).backward(torch.from_numpy(nchw(dy)))

    graphdef, weights, statistics = functional.split(nnx.view(ours, use_running_average=False))
    _, gradients = jax.vjp(lambda x, weights: functional.merge(graphdef, weights, statistics)(x), x, weights)
    dx, dweights = gradients(dy)
    np.testing.assert_allclose(nchw(dx), given.grad, rtol=0, atol=1e-6)
    for name in ("weight", "bias"):
        np.testing.assert_allclose(dweights[name], getattr(theirs, name).grad, rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("kernels", [CPU, XLA], ids=lambda kernels: kernels.name)
@pytest.mark.parametrize(("height", "width"), [(3, 5), (1, 2)])
def test_upsample2(height: int, width: int, kernels: Kernels) -> None:
    torch = pytest.importorskip("torch")
    x, dy = draw(2, height, width, 3), draw(2, 2 * height, 2 * width, 3)
    given = torch.tensor(nchw(x), requires_grad=True)
    expected = torch.nn.functional.interpolate(given, scale_factor=2, mode="bilinear")
    expected.backward(torch.from_numpy(nchw(dy)))
    actual, gradients = jax.vjp(lambda x: resampling.upsample2(x, kernels), x)
    np.testing.assert_allclose(nchw(actual), expected.detach(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(nchw(gradients(dy)[0]), given.grad, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(9, 16), (4, 3), (11, 7)])
def test_resize(size: Any) -> None:
    torch = pytest.importorskip("torch")
    x = draw(2, 5, 7, 3)
    expected = torch.nn.functional.interpolate(torch.from_numpy(nchw(x)), size, mode="bilinear")
    np.testing.assert_allclose(nchw(resizing.resize(x, size)), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("ratio", [0.5, 0.375, 0.3, 1.25])
def test_rescale_takes_its_coordinates_from_the_ratio(ratio: float) -> None:
    torch = pytest.importorskip("torch")
    x = draw(1, 13, 22, 3)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(nchw(x)), scale_factor=ratio, mode="bilinear", recompute_scale_factor=False
    )
    ours = nchw(resizing.rescale(x, ratio))
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=0, atol=5e-6)


@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 3)])
def test_avg_pool2_averages_fewer_pixels_at_an_odd_edge(height: int, width: int) -> None:
    torch = pytest.importorskip("torch")
    x = draw(2, height, width, 3)
    expected = torch.nn.functional.avg_pool2d(torch.from_numpy(nchw(x)), 2, 2, ceil_mode=True, count_include_pad=False)
    np.testing.assert_allclose(nchw(resampling.avg_pool2(x)), expected, rtol=0, atol=1e-6)


def test_avg_pool2_sums_nothing_but_the_picture() -> None:
    """A sum of ones, for the counts, would take XLA seconds to fold at full HD, with a warning."""
    program = str(jax.make_jaxpr(resampling.avg_pool2)(np.broadcast_to(np.float32(0), (1, 1081, 1920, 3))))
    assert program.count("reduce_window") == 1


@pytest.mark.parametrize("odd", [np.inf, np.nan])
def test_what_is_not_finite_stays_in_its_channel(odd: float) -> None:
    """Also where the CPU's kernels keep a gradient in memory."""
    dy = draw(1, 8, 6, 3)
    dy[0, 2, 3, 1] = odd
    for kernels in (CPU, XLA):
        _, gradients = jax.vjp(lambda x, kernels=kernels: resampling.upsample2(x, kernels), draw(1, 4, 3, 3))
        dx = np.asarray(jax.jit(gradients)(dy)[0])
        assert not np.isfinite(dx[..., 1]).all()
        assert np.isfinite(dx[..., [0, 2]]).all()


def test_channel_mean() -> None:
    x = draw(2, 3, 4, 3)
    mean = arithmetic.channel_mean(x)
    assert mean.shape == (2, 3, 4, 1)
    np.testing.assert_allclose(mean, x.mean(-1, keepdims=True), rtol=0, atol=1e-6)


def test_clamp_has_gradient_one_at_its_bounds() -> None:
    x = jnp.array([-0.5, 0.0, 0.25, 1.0, 1.5])
    np.testing.assert_array_equal(arithmetic.clamp(x, 0.0, 1.0), [0, 0, 0.25, 1, 1])
    np.testing.assert_array_equal(jax.grad(lambda x: arithmetic.clamp(x, 0.0, 1.0).sum())(x), [0, 1, 1, 1, 0])
