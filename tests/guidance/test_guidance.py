"""One band for training, validation and test, and the same trimaps by NumPy and by JAX."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from data_pipeline.trimap import make_trimap
from rvm_jax import guidance
from rvm_jax.guidance import jax_ops, numpy_ops
from rvm_jax.guidance.values import BAND, REFERENCE_SIDE, WIDEST_KERNEL, band_kernel, widest_kernel


def half_plane(side: int, middle: int) -> np.ndarray:
    """An alpha (side, side) uint8: 0 to the left of the middle, 255 from there on."""
    alpha = np.zeros((side, side), np.uint8)
    alpha[:, middle:] = 255
    return alpha


def soft_disc(side: int) -> np.ndarray:
    alpha = np.zeros((side, side), np.uint8)
    cv2.circle(alpha, (side // 2, side // 2), side // 4, 255, -1)
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), 2))


@pytest.mark.parametrize("side", [320, 640, 1280])
def test_the_band_of_validation_and_test_is_in_the_middle_of_what_training_draws(side: int) -> None:
    """It was twice as wide in tests: 15 pixels of 640 to either side, beyond the widest that training draws."""
    alpha = half_plane(side, side // 2)
    derived = guidance.derive("trimap", alpha)
    on_device = np.asarray(jax.jit(jax_ops.derived_trimap)(alpha[None, None, ..., None]))[0, 0, ..., 0]
    np.testing.assert_array_equal(on_device, derived)
    reach = int((derived[0] == guidance.UNKNOWN).sum()) // 2
    assert reach == round(BAND * side / REFERENCE_SIDE)
    drawn = [make_trimap(alpha[None, ..., None], np.random.default_rng(seed)) for seed in range(60)]
    widths = [int((trimap[0, 0, :, 0] == guidance.UNKNOWN).sum()) for trimap in drawn]
    assert min(widths) < 2 * reach < max(widths) <= 2 * (WIDEST_KERNEL * side // REFERENCE_SIDE // 2)
    assert np.mean(widths) == pytest.approx(2 * reach, rel=0.15)


def test_the_device_draws_kernels_as_the_pipeline_does() -> None:
    alpha = jnp.asarray(half_plane(128, 64))[None, None, ..., None]
    draw = jax.jit(lambda seed: (jax_ops.derived_trimap(alpha, jax.random.key(seed))[0, 0, 0, :, 0] == 128).sum())
    drawn = {int(draw(seed)) for seed in range(40)}
    largest = widest_kernel(128, 128)
    assert largest == 6
    # A kernel of 1 to 6 pixels takes 0 to 3 of the background, and of the foreground one less where it is even.
    assert min(drawn) == 0 and max(drawn) == 5


@pytest.mark.parametrize("kernels", [(1, 1), (4, 9), (23, 6)])
def test_both_forms_make_the_same_trimap(kernels: tuple[int, int]) -> None:
    alpha = soft_disc(128)
    expected = numpy_ops.trimap(alpha == 255, alpha == 0, kernels)
    frames = jnp.asarray(alpha)[None, ..., None]
    foreground = ~np.asarray(jax_ops.dilate(frames < 255, kernels[0]))
    background = ~np.asarray(jax_ops.dilate(frames > 0, kernels[1]))
    np.testing.assert_array_equal(np.where(background, 0, np.where(foreground, 255, 128))[0, ..., 0], expected)
    assert len(np.unique(expected)) == 3
    np.testing.assert_array_equal(
        jax_ops.one_hot(jnp.asarray(expected)[..., None]), numpy_ops.encode(expected, "trimap")
    )


def test_dilation_is_opencvs_for_every_kernel() -> None:
    region = np.random.default_rng(0).random((2, 40, 57, 1)) < 0.02
    dilate = jax.jit(lambda region, kernel: jax_ops.dilate(region, kernel, 30))
    for kernel in range(1, 31):
        ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (kernel, kernel))
        expected = np.stack([cv2.dilate(one[..., 0].astype(np.uint8), ellipse) for one in region])
        np.testing.assert_array_equal(dilate(region, kernel)[..., 0], expected)


def test_small_pictures_have_a_band_too() -> None:
    assert (widest_kernel(8, 8), band_kernel(8, 8), band_kernel(640, 10)) == (1, 3, 15)
