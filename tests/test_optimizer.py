"""Adam with a rate for each part of the network."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rvm_jax import UserError
from rvm_jax.optimizer import make_optimizer

KEYS = ("backbone.a.weight", "aspp.weight", "decoder.weight", "project_mat.bias", "project_seg.bias", "refiner.weight")
RATES = {"backbone": 1e-4, "aspp": 2e-4, "decoder": 3e-4, "refiner": 0.0}


def params(*keys):
    return {key: jnp.zeros(3) for key in keys or KEYS}


def steps(optimizer, gradients, tensors):
    """The tensors after each of the steps."""
    state, history = optimizer.init(tensors), []
    for gradient in gradients:
        updates, state = optimizer.update({key: jnp.asarray(gradient) for key in tensors}, state, tensors)
        tensors = optax.apply_updates(tensors, updates)
        history.append(tensors)
    return history


def test_each_part_moves_at_its_own_rate():
    # Adam's first step is the rate itself, against the gradient's sign.
    (after,) = steps(make_optimizer(params(), RATES), [np.array([1.0, -2.0, 1e-3], np.float32)], params())
    sign = np.array([-1, 1, -1])
    expected = {"backbone.a.weight": 1e-4, "aspp.weight": 2e-4, "refiner.weight": 0.0}
    expected |= dict.fromkeys(("decoder.weight", "project_mat.bias", "project_seg.bias"), 3e-4)
    for key, rate in expected.items():
        np.testing.assert_allclose(after[key], rate * sign, rtol=1e-4, err_msg=key)


def test_several_steps_are_pytorchs_adam():
    torch = pytest.importorskip("torch")
    gradients = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    ours = steps(make_optimizer(params("aspp.weight"), {"aspp": 2e-4}), gradients, params("aspp.weight"))
    theirs = torch.nn.Parameter(torch.zeros(3))
    adam = torch.optim.Adam([theirs], lr=2e-4)
    for gradient, after in zip(gradients, ours, strict=True):
        theirs.grad = torch.from_numpy(gradient)
        adam.step()
        np.testing.assert_allclose(after["aspp.weight"], theirs.detach(), rtol=1e-5)


def test_rates_rise_and_fall():
    optimizer = make_optimizer(params("aspp.weight"), {"aspp": 1.0}, warmup_steps=2, decay_steps=6)
    history = [
        0.0,
        *(float(after["aspp.weight"][0]) for after in steps(optimizer, [np.ones(3)] * 7, params("aspp.weight"))),
    ]
    rates = -np.diff(history)
    np.testing.assert_allclose(rates, [0, 0.5, 1, *(0.5 + 0.5 * np.cos(np.pi * np.arange(1, 4) / 4)), 0], atol=1e-5)
    warm = make_optimizer(params("aspp.weight"), {"aspp": 1.0}, warmup_steps=2)
    history = [0.0, *(float(after["aspp.weight"][0]) for after in steps(warm, [np.ones(3)] * 4, params("aspp.weight")))]
    np.testing.assert_allclose(-np.diff(history), [0, 0.5, 1, 1], atol=1e-5)


def test_parts_and_rates_must_match():
    with pytest.raises(UserError, match=r"missing: decoder; unknown: decodr"):
        make_optimizer(params(), {"backbone": 1.0, "aspp": 1.0, "decodr": 1.0, "refiner": 0.0})
    fast = params(*(key for key in KEYS if not key.startswith("refiner")))  # the fast guided filter owns no tensors
    assert make_optimizer(fast, RATES).init(fast)


def test_the_decay_must_outlast_the_warm_up():
    with pytest.raises(UserError, match=r"optimizer\.warmup_steps=50 must be below the 4 steps"):
        make_optimizer(params(), RATES, warmup_steps=50, decay_steps=4)
