"""PyTorch's arithmetic in JAX: layers against PyTorch, and their slopes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from rvm_jax.networks import functional
from rvm_jax.networks.layers import basic as layers
from rvm_jax.networks.layers import convolution, depthwise, resampling, resizing


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def nchw(array):
    return np.moveaxis(np.asarray(array), -1, 1)


@pytest.mark.parametrize(
    ("size", "stride", "dilation", "height", "width"),
    [(3, 1, 1, 7, 6), (3, 2, 1, 7, 6), (5, 2, 1, 8, 9), (5, 1, 2, 7, 10), (3, 2, 1, 1, 2)],
)
def test_depthwise_shifts_are_the_grouped_convolution(size, stride, dilation, height, width, monkeypatch):
    monkeypatch.setattr(convolution, "STRIP_BYTES", 1)  # strips of a row each
    x, weight = draw(2, height, width, 4), draw(size, size, 1, 4, seed=1)
    dy = draw(2, -(-height // stride), -(-width // stride), 4, seed=2)

    @jax.jit
    def run(x, weight, dy):
        grouped, grouped_slopes = jax.vjp(lambda x, w: convolution.conv(x, w, stride, dilation, groups=4), x, weight)
        shifted, shifted_slopes = jax.vjp(lambda x, w: depthwise.depthwise_shifts(x, w, stride, dilation), x, weight)
        return (grouped, *grouped_slopes(dy)), (shifted, *shifted_slopes(dy))

    for expected, actual in zip(*run(x, weight, dy), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("size", "inputs", "outputs", "height", "width"),
    # Pointwise, to fewer, more and one; in strips of two rows and of one: each has gradients of its own.
    [(1, 7, 5, 6, 7), (1, 4, 5, 6, 7), (1, 4, 1, 6, 7), (3, 4, 7, 6, 64), (3, 4, 7, 5, 64)],
)
def test_slopes_of_convolutions(size, inputs, outputs, height, width, monkeypatch):
    monkeypatch.setattr(convolution, "STRIP_BYTES", 2 * 2 * width * 9 * outputs * 4)
    x, weight = draw(2, height, width, inputs), draw(size, size, inputs, outputs, seed=1)
    dy = draw(2, height, width, outputs, seed=2)

    def plain(x, weight):
        pad = size // 2
        return jax.lax.conv_general_dilated(
            x, weight, (1, 1), ((pad, pad), (pad, pad)), dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    @jax.jit
    def run(x, weight, dy):
        results = [jax.vjp(function, x, weight) for function in (plain, convolution.conv)]
        return [(y, *slopes(dy)) for y, slopes in results]

    for expected, actual in zip(*run(x, weight, dy), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-4)


@pytest.mark.parametrize("groups", [1, 4])
def test_slopes_in_strips_over_two_devices(groups, monkeypatch):
    """The same as on one, and the devices exchange sums once, not for every strip."""
    monkeypatch.setattr(convolution, "STRIP_BYTES", 1)
    x, weight, dy = draw(2, 5, 64, 4), draw(3, 3, 4 // groups, 4, seed=1), draw(2, 5, 64, 4, seed=2)
    convolve = depthwise.depthwise_conv if groups > 1 else convolution.conv

    @jax.jit
    def slopes(x, weight, dy):
        return jax.vjp(convolve, x, weight)[1](dy)

    mesh = jax.sharding.Mesh(jax.devices()[:2], "data")
    split, whole = (jax.NamedSharding(mesh, jax.P(*axes)) for axes in (("data",), ()))
    given = jax.device_put(x, split), jax.device_put(weight, whole), jax.device_put(dy, split)
    compiled = slopes.lower(*given).compile()
    for expected, actual in zip(slopes(x, weight, dy), compiled(*given), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-5)
    loops, after = compiled.as_text().split("ENTRY")
    assert "all-reduce(" not in loops
    assert after.count(" all-reduce(") == 1
    assert "all-gather(" not in loops + after


def test_maps_are_joined_by_channel():
    maps, weight = (draw(1, 4, 5, 2), draw(1, 4, 5, 3, seed=1)), draw(3, 3, 5, 2, seed=2)
    expected = convolution.conv(jnp.concatenate(maps, -1), jnp.asarray(weight))
    np.testing.assert_allclose(convolution.conv(*convolution.joined(maps, weight)), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 2), (2, 1)])
def test_conv2d(groups, stride, dilation):
    torch = pytest.importorskip("torch")
    x = draw(2, 9, 6, 4)
    ours = layers.Conv2d(4, 4, 3, stride=stride, dilation=dilation, groups=groups, rngs=nnx.Rngs(0))
    theirs = torch.nn.Conv2d(4, 4, 3, stride, padding=dilation, dilation=dilation, groups=groups)
    weight = np.transpose(ours.weight[...], (3, 2, 0, 1))
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(weight))
        theirs.bias.copy_(torch.tensor(np.asarray(ours.bias[...])))
        expected = theirs(torch.from_numpy(nchw(x)))
    np.testing.assert_allclose(nchw(ours(x)), expected, rtol=0, atol=5e-6)


def test_starting_values_are_pytorchs():
    conv = layers.Conv2d(64, 32, 3, rngs=nnx.Rngs(0))
    bound = 1 / np.sqrt(64 * 9)
    for tensor in (conv.weight, conv.bias):
        assert bound * 0.85 < np.abs(tensor[...]).max() <= bound
    assert np.std(conv.weight[...]) == pytest.approx(bound / np.sqrt(3), rel=0.02)
    encoder = layers.Conv2d(64, 32, 3, init=layers.kaiming_fan_out, rngs=nnx.Rngs(0))
    assert np.std(encoder.weight[...]) == pytest.approx(np.sqrt(2 / (32 * 9)), rel=0.02)
    assert not np.array_equal(*(layers.Conv2d(4, 4, 1, rngs=nnx.Rngs(seed)).weight[...] for seed in (0, 1)))


def test_batch_norm_trains_and_evaluates():
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


def test_slopes_of_batch_norm():
    torch = pytest.importorskip("torch")
    ours, theirs = layers.BatchNorm2d(5), torch.nn.BatchNorm2d(5).train()
    x, dy = 2 + 3 * draw(2, 3, 4, 5), draw(2, 3, 4, 5, seed=1)
    ours.weight.set_value(jnp.asarray(draw(5, seed=2)))
    theirs.load_state_dict({"weight": torch.from_numpy(draw(5, seed=2))}, strict=False)
    given = torch.tensor(nchw(x), requires_grad=True)
    theirs(given).backward(torch.from_numpy(nchw(dy)))

    graphdef, weights, statistics = functional.split(nnx.view(ours, use_running_average=False))
    _, slopes = jax.vjp(lambda x, weights: functional.merge(graphdef, weights, statistics)(x), x, weights)
    dx, dweights = slopes(dy)
    np.testing.assert_allclose(nchw(dx), given.grad, rtol=0, atol=1e-6)
    for name in ("weight", "bias"):
        np.testing.assert_allclose(dweights[name], getattr(theirs, name).grad, rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(("height", "width"), [(3, 5), (1, 2)])
def test_upsample2(height, width):
    torch = pytest.importorskip("torch")
    x, dy = draw(2, height, width, 3), draw(2, 2 * height, 2 * width, 3)
    given = torch.tensor(nchw(x), requires_grad=True)
    expected = torch.nn.functional.interpolate(given, scale_factor=2, mode="bilinear")
    expected.backward(torch.from_numpy(nchw(dy)))
    actual, slopes = jax.vjp(resampling.upsample2, x)
    np.testing.assert_allclose(nchw(actual), expected.detach(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(nchw(slopes(dy)[0]), given.grad, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(9, 16), (4, 3), (11, 7)])
def test_resize(size):
    torch = pytest.importorskip("torch")
    x = draw(2, 5, 7, 3)
    expected = torch.nn.functional.interpolate(torch.from_numpy(nchw(x)), size, mode="bilinear")
    np.testing.assert_allclose(nchw(resizing.resize(x, size)), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("ratio", [0.5, 0.375, 0.3, 1.25])
def test_rescale_takes_its_coordinates_from_the_ratio(ratio):
    torch = pytest.importorskip("torch")
    x = draw(1, 13, 22, 3)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(nchw(x)), scale_factor=ratio, mode="bilinear", recompute_scale_factor=False
    )
    ours = nchw(resizing.rescale(x, ratio))
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=0, atol=5e-6)


@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 3)])
def test_avg_pool2_averages_fewer_pixels_at_an_odd_edge(height, width):
    torch = pytest.importorskip("torch")
    x = draw(2, height, width, 3)
    expected = torch.nn.functional.avg_pool2d(torch.from_numpy(nchw(x)), 2, 2, ceil_mode=True, count_include_pad=False)
    np.testing.assert_allclose(nchw(resampling.avg_pool2(x)), expected, rtol=0, atol=1e-6)


def test_channel_mean():
    x = draw(2, 3, 4, 3)
    mean = layers.channel_mean(x)
    assert mean.shape == (2, 3, 4, 1)
    np.testing.assert_allclose(mean, x.mean(-1, keepdims=True), rtol=0, atol=1e-6)


def test_clamp_has_slope_one_at_its_bounds():
    x = jnp.array([-0.5, 0.0, 0.25, 1.0, 1.5])
    np.testing.assert_array_equal(layers.clamp(x, 0.0, 1.0), [0, 0, 0.25, 1, 1])
    np.testing.assert_array_equal(jax.grad(lambda x: layers.clamp(x, 0.0, 1.0).sum())(x), [0, 1, 1, 1, 0])
