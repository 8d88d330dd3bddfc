"""MGMatting, image only and guided, against the numbers of the originals, and the parts of its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from quick_compilation import QUICK_TO_COMPILE
from still_golden import GOLDEN, check_evaluation

from rvm_jax.networks.layers.resampling import upsample
from rvm_jax.networks.layers.spectral_norm import SpectralConv2d, SpectralConvTranspose2d, SpectralWeight
from rvm_jax.networks.mgmatting import refinement as progressive


def test_evaluation() -> None:
    result = check_evaluation("mgmatting")
    np.testing.assert_array_equal(result.pha, result.alpha_os8)  # all that the published comparison looked at


def test_guided_evaluation() -> None:
    result = check_evaluation("mgmatting_guided")
    merged = progressive.merge_scales(result.alpha_os1, result.alpha_os4, result.alpha_os8)
    np.testing.assert_array_equal(result.pha, merged)


def test_merge_of_the_scales() -> None:
    with np.load(GOLDEN / "refine.npz") as golden:
        os1, os4, os8, refined, weight = (
            np.moveaxis(golden[key], 1, -1) for key in ("os1", "os4", "os8", "refined", "weight_os4")
        )
    merge = jax.jit(progressive.merge_scales).lower(os1, os4, os8).compile(QUICK_TO_COMPILE)
    np.testing.assert_array_equal(merge(os1, os4, os8), refined)
    np.testing.assert_array_equal(progressive.unknown_region(os8, progressive.WIDTHS["os4"]), weight == 1)
    assert 0.05 < weight.mean() < 0.95


@pytest.mark.parametrize("factor", [4, 8])
def test_upsample(factor: int) -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).random((2, 3, 5, 2), np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(np.moveaxis(x, -1, 1)), scale_factor=factor, mode="bilinear"
    )
    np.testing.assert_allclose(
        np.moveaxis(np.asarray(upsample(jnp.asarray(x), factor)), -1, 1), expected, rtol=0, atol=1e-6
    )


def test_transposed_convolution() -> None:
    torch = pytest.importorskip("torch")
    layer = SpectralConvTranspose2d(3, rngs=nnx.Rngs(0))
    x = np.random.default_rng(0).random((2, 5, 4, 3), np.float32)
    weight = np.transpose(layer.module(), (3, 2, 0, 1))
    expected = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(np.moveaxis(x, -1, 1)), torch.tensor(weight), stride=2, padding=1
    )
    np.testing.assert_allclose(np.moveaxis(np.asarray(layer(jnp.asarray(x))), -1, 1), expected, rtol=0, atol=1e-6)


def test_power_iterations_find_the_largest_singular_value_in_training_only() -> None:
    layer = SpectralConv2d(4, 6, 3, rngs=nnx.Rngs(0))
    kernel = np.asarray(layer.module.weight_bar[...])
    largest = np.linalg.svd(kernel.reshape(-1, 6), compute_uv=False)[0]
    before = np.asarray(layer.module.weight_u[...])
    layer.module()
    np.testing.assert_array_equal(layer.module.weight_u[...], before)
    training = nnx.view(layer, use_running_average=False)
    for _ in range(60):
        weight = training.module()
    np.testing.assert_allclose(weight, kernel / largest, rtol=1e-4)
    assert isinstance(layer.module, SpectralWeight)
    np.testing.assert_allclose(layer.module(), weight, rtol=1e-6)  # the network keeps what its view found
    np.testing.assert_allclose(layer.module.divided(), weight, rtol=1e-6)
