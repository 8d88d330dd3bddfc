"""Adam with a rate for each part of the network."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rvm_jax import UserError
from rvm_jax.train.optimizer import frozen_keys, make_optimizer, make_schedule

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


def rates_of(schedule, count):
    """What each of the first steps moved by, at a rate of 1 and gradients of 1."""
    optimizer = make_optimizer(params("aspp.weight"), {"aspp": 1.0}, schedule)
    moved = steps(optimizer, [np.ones(3)] * count, params("aspp.weight"))
    return -np.diff([0.0, *(float(after["aspp.weight"][0]) for after in moved)])


def test_rates_rise_and_fall():
    cosine = [0, 0.5, 1, *(0.5 + 0.5 * np.cos(np.pi * np.arange(1, 4) / 4)), 0]
    np.testing.assert_allclose(rates_of(make_schedule("cosine", warmup=2, total=6), 7), cosine, atol=1e-5)
    linear = [0, 0.5, 1, 0.75, 0.5, 0.25, 0]
    np.testing.assert_allclose(rates_of(make_schedule("linear", warmup=2, total=6), 7), linear, atol=1e-5)
    fall = [1, 0.75, 0.5, 0.25, 0]
    np.testing.assert_allclose(rates_of(make_schedule("linear", warmup=0, total=4), 5), fall, atol=1e-5)
    np.testing.assert_allclose(rates_of(make_schedule("constant", warmup=2, total=0), 4), [0, 0.5, 1, 1], atol=1e-5)


def test_parts_and_rates_must_match():
    with pytest.raises(UserError, match=r"missing: decoder; unknown: decodr"):
        make_optimizer(params(), {"backbone": 1.0, "aspp": 1.0, "decodr": 1.0, "refiner": 0.0})
    fast = params(*(key for key in KEYS if not key.startswith("refiner")))  # the fast guided filter owns no tensors
    assert make_optimizer(fast, RATES).init(fast)


def test_the_decay_must_outlast_the_warm_up():
    with pytest.raises(UserError, match=r"optimizer\.warmup_steps=50 must be below the 4 steps of the cosine decay"):
        make_schedule("cosine", warmup=50, total=4)
    with pytest.raises(UserError, match=r"optimizer\.schedule 'step' is unknown; use one of constant, cosine, linear"):
        make_schedule("step", warmup=0, total=4)


def test_clipping_and_decay_are_pytorchs():
    torch = pytest.importorskip("torch")
    keys = ("aspp.conv.weight", "aspp.conv.bias")
    start = {keys[0]: np.full((2, 3), 0.5, np.float32), keys[1]: np.full(3, 0.5, np.float32)}
    rng = np.random.default_rng(0)
    gradients = [{key: rng.normal(size=x.shape).astype(np.float32) for key, x in start.items()} for _ in range(3)]
    ours = {key: jnp.asarray(x) for key, x in start.items()}
    optimizer = make_optimizer(ours, {"aspp": 0.1}, clip_norm=0.5, weight_decay=0.2)
    state = optimizer.init(ours)
    theirs = {key: torch.nn.Parameter(torch.tensor(x)) for key, x in start.items()}
    groups = [{"params": [theirs[keys[0]]], "weight_decay": 0.2}, {"params": [theirs[keys[1]]], "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=0.1)
    for gradient in gradients:
        updates, state = optimizer.update(jax.tree.map(jnp.asarray, gradient), state, ours)
        ours = optax.apply_updates(ours, updates)
        for key, tensor in theirs.items():
            tensor.grad = torch.from_numpy(gradient[key].copy())
        torch.nn.utils.clip_grad_norm_(list(theirs.values()), 0.5)
        adam.step()
    for key in keys:
        np.testing.assert_allclose(ours[key], theirs[key].detach(), rtol=1e-4, atol=1e-6, err_msg=key)


def test_frozen_parts_stay():
    frozen = frozen_keys(params(), ("backbone", "project_*"))
    assert frozen == {"backbone.a.weight", "project_mat.bias", "project_seg.bias"}
    (after,) = steps(make_optimizer(params(), RATES, frozen=frozen), [np.ones(3)], params())
    assert {key for key, x in after.items() if not x.any()} == frozen | {"refiner.weight"}
    with pytest.raises(UserError, match=r"optimizer\.freeze: no parameter is called 'encoder'; they are as backbone"):
        frozen_keys(params(), ("encoder",))
    with pytest.raises(UserError, match=r"optimizer\.clip_norm=-1 must be 0 or more"):
        make_optimizer(params(), RATES, clip_norm=-1)
