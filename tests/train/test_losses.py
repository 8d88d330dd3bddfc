"""The losses against the original ones' numbers, and what they do at their edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden_data import golden_arrays, unit

from rvm_jax import UserError
from rvm_jax.train.losses import rvm as losses
from rvm_jax.train.losses import terms


def golden_inputs() -> dict[str, np.ndarray]:
    arrays = golden_arrays("losses")
    return {name: arrays[name] for name in ("pred_pha", "true_pha", "pred_fgr", "true_fgr", "trimap")}


@pytest.mark.parametrize("name", ["alpha", "matting", "trimap"])
def test_golden_losses(name: str) -> None:
    inputs, expected = golden_inputs(), golden_arrays("losses", f"{name}/")
    if name == "trimap":  # the original does not crop the mask, so its sides had to divide by 32
        inputs = {key: array[:, :, :96, :128] for key, array in inputs.items()}
    pred, true = unit(inputs["pred_pha"]), unit(inputs["true_pha"])
    others = {
        "alpha": (),
        "matting": (unit(inputs["pred_fgr"]), unit(inputs["true_fgr"])),
        "trimap": (inputs["trimap"],),
    }[name]
    components = jax.jit(getattr(losses, f"{name}_loss"))(pred, true, *others)
    assert set(components) == set(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(components[key], value, rtol=0, atol=1e-6, err_msg=key)


def test_segmentation_loss_is_binary_cross_entropy() -> None:
    logits, target = np.array([[-30.0, -1.0, 0.0, 2.0, 100.0]], np.float32), np.array([[0, 1, 1, 0, 1]], np.float32)
    probability = 1 / (1 + np.exp(-logits.astype(np.float64)))
    entropy = -np.log(np.where(target, probability, 1 - probability))
    np.testing.assert_allclose(losses.segmentation_loss(logits, target)["total"], entropy.mean(), rtol=1e-6)


def test_a_single_frame_has_no_coherence_and_any_size_a_trimap_loss() -> None:
    inputs = {key: array[:, :1] for key, array in golden_inputs().items()}
    pred, true = unit(inputs["pred_pha"]), unit(inputs["true_pha"])
    components = jax.jit(losses.trimap_loss)(pred, true, inputs["trimap"])  # 99 × 130
    assert components["pha_coherence"] == 0
    assert 0 < components["total"] < np.inf
    assert terms.coherence(pred, true) == 0


def test_where_nothing_differs_nothing_pulls() -> None:
    """PyTorch's L1 has the gradient 0 at 0; the exact alphas 0 and 1 of matted pixels make it matter."""
    alpha = jnp.asarray(np.random.default_rng(0).integers(0, 2, (1, 2, 64, 64, 1)), jnp.float32)
    gradients = jax.jit(jax.grad(lambda pred: losses.alpha_loss(pred, alpha)["total"]))(alpha)
    np.testing.assert_array_equal(gradients, np.zeros_like(alpha))
    np.testing.assert_allclose(jax.grad(terms.l1)(jnp.array([0.0, 2.0, -2.0]), jnp.zeros(3)), [0, 1 / 3, -1 / 3])


def test_known_pixels_do_not_count_in_the_trimap_loss() -> None:
    rng = np.random.default_rng(0)
    true, pred = (rng.random((1, 2, 64, 64, 1)).astype(np.float32) for _ in range(2))
    known = np.where(true > 0.5, 255, 0).astype(np.uint8)
    assert jax.jit(losses.trimap_loss)(pred, true, known)["total"] == 0
    unknown = jax.jit(losses.trimap_loss)(pred, true, np.full_like(known, 128))
    whole = jax.jit(losses.alpha_loss)(pred, true)
    np.testing.assert_allclose(unknown["pha_l1"], whole["pha_l1"], rtol=1e-6)


def test_the_pyramid_needs_sides_of_64() -> None:
    small = np.zeros((1, 2, 64, 63, 1), np.float32)
    with pytest.raises(UserError, match="sides of 64 or more, not 64×63"):
        losses.alpha_loss(small, small)
