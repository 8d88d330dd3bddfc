"""Optax's optimizers with learning rates by patterns, beside PyTorch's."""

from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rvm_jax import UserError
from rvm_jax.train.optimizer import OPTIMIZERS, make_optimizer
from rvm_jax.train.rates import frozen_keys, rate_names, resolve_rates
from rvm_jax.train.schedules import Schedule, constant, make_schedule

KEYS = ("backbone.a.weight", "aspp.weight", "decoder.weight", "project_mat.bias", "project_seg.bias", "refiner.weight")
RATES = (("backbone.*", 1e-4), ("aspp", 2e-4), ("refiner.*", None), (".*", 3e-4))
Tensors = dict[str, jax.Array]


def params(*keys: str) -> Tensors:
    return {key: jnp.zeros(3) for key in keys or KEYS}


def steps(optimizer: optax.GradientTransformation, gradients: Iterable[Any], tensors: Tensors) -> list[Tensors]:
    """The tensors after each of the steps."""
    state, history = optimizer.init(tensors), []
    for gradient in gradients:
        updates, state = optimizer.update({key: jnp.asarray(gradient) for key in tensors}, state, tensors)
        tensors = optax.apply_updates(tensors, updates)
        history.append(tensors)
    return history


def test_the_first_pattern_that_matches_tells_the_rate() -> None:
    rates = resolve_rates(KEYS, RATES)
    expected = {"backbone.a.weight": 1e-4, "aspp.weight": 2e-4, "refiner.weight": 0.0}
    expected |= dict.fromkeys(("decoder.weight", "project_mat.bias", "project_seg.bias"), 3e-4)
    assert rates == expected
    # Adam's first step is the rate itself, against the gradient's sign.
    (after,) = steps(make_optimizer(params(), rates), [np.array([1.0, -2.0, 1e-3], np.float32)], params())
    for key, rate in expected.items():
        np.testing.assert_allclose(after[key], rate * np.array([-1, 1, -1]), rtol=1e-4, err_msg=key)


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        (
            (("backbone.*", 1.0), ("decodr", 1.0), (".*", 1.0)),
            "no parameter is left for 'decodr'; .* as backbone.a.weight",
        ),
        (((".*", 1.0), ("aspp", 2.0)), "no parameter is left for 'aspp'; patterns before it take all that it matches"),
        (
            (("backbone|aspp", 1.0),),
            r"no pattern takes decoder\.weight \(4 such parameters\); end with \('\.\*', rate\)",
        ),
        ((("*.weight", 1.0),), r"optimizer\.rates: '\*\.weight' is no regular expression"),
    ],
)
def test_patterns_and_parameters_must_match(rates: Sequence[tuple[str, float]], said: str) -> None:
    with pytest.raises(UserError, match=said):
        resolve_rates(KEYS, rates)


def test_the_last_pattern_may_have_nothing_left() -> None:
    """The fast guided filter owns no tensors."""
    keys = [key for key in KEYS if not key.startswith("refiner")]
    assert set(resolve_rates(keys, (("(backbone|aspp|decoder|project_.*)", 1e-4), (".*", None))).values()) == {1e-4}


def test_names_of_rates() -> None:
    assert rate_names(RATES) == {"backbone": 1e-4, "aspp": 2e-4, "others": 3e-4}
    assert rate_names((("backbone.*", 0.0), (".*", 2e-3))) == {"all": 2e-3}


def test_several_steps_are_pytorchs_adam() -> None:
    torch = pytest.importorskip("torch")
    gradients = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    tensors = params("aspp.weight")
    for kwargs, betas in (({}, (0.9, 0.999)), ({"b1": 0.5, "b2": 0.99}, (0.5, 0.99))):
        ours = steps(make_optimizer(tensors, {"aspp.weight": 2e-4}, kwargs=kwargs), gradients, tensors)
        theirs = torch.nn.Parameter(torch.zeros(3))
        adam = torch.optim.Adam([theirs], lr=2e-4, betas=betas)
        for gradient, after in zip(gradients, ours, strict=True):
            theirs.grad = torch.from_numpy(gradient)
            adam.step()
            np.testing.assert_allclose(after["aspp.weight"], theirs.detach(), rtol=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_follows_rates_and_schedule(name: str) -> None:
    """At a rate that the schedule halves, a step is half of what optax itself makes; it leaves what is frozen."""
    tensors = {key: jnp.full(3, 0.5) for key in ("a.weight", "b.weight")}
    gradient = np.array([1.0, -2.0, 0.5], np.float32)
    optimizer = make_optimizer(tensors, {"a.weight": 0.1, "b.weight": 0.0}, lambda updates: 0.5, name=name)
    (ours,) = steps(optimizer, [gradient], tensors)
    own = {"weight_decay": 0.0} if name in ("adamw", "adamaxw", "nadamw", "lion", "adan", "lamb", "novograd") else {}
    (theirs,) = steps(getattr(optax, name)(learning_rate=0.05, **own), [gradient], {"a.weight": tensors["a.weight"]})
    np.testing.assert_allclose(ours["a.weight"], theirs["a.weight"], rtol=1e-5)
    np.testing.assert_array_equal(ours["b.weight"], tensors["b.weight"])


def test_arguments_that_an_optimizer_does_not_have() -> None:
    def make(**settings: Any) -> None:
        make_optimizer(params(), resolve_rates(KEYS, RATES), **settings)

    with pytest.raises(UserError, match=r"optimizer\.name 'adamm' is unknown; use one of adabelief, "):
        make(name="adamm")
    with pytest.raises(UserError, match=r"optimizer\.kwargs: optax\.sgd takes no 'b1'; it takes momentum, nesterov"):
        make(name="sgd", kwargs={"b1": 0.5})
    with pytest.raises(UserError, match=r"give learning rates as optimizer\.rates"):
        make(kwargs={"learning_rate": 0.5})
    with pytest.raises(UserError, match=r"give optax's weight_decay as optimizer\.weight_decay"):
        make(name="adamw", kwargs={"weight_decay": 0.5})
    with pytest.raises(UserError, match=r"optimizer\.clip_norm=-1 must be 0 or more"):
        make(clip_norm=-1)


def rates_of(schedule: Schedule, count: int) -> np.ndarray:
    """What each of the first steps moved by, at a rate of 1 and gradients of 1."""
    optimizer = make_optimizer(params("aspp.weight"), {"aspp.weight": 1.0}, schedule)
    moved = steps(optimizer, [np.ones(3)] * count, params("aspp.weight"))
    return -np.diff([0.0, *(float(after["aspp.weight"][0]) for after in moved)])


def test_rates_rise_and_fall() -> None:
    cosine = [0, 0.5, 1, *(0.5 + 0.5 * np.cos(np.pi * np.arange(1, 4) / 4)), 0]
    np.testing.assert_allclose(rates_of(make_schedule("cosine", warmup=2, total=6), 7), cosine, atol=1e-5)
    linear = [0, 0.5, 1, 0.75, 0.5, 0.25, 0]
    np.testing.assert_allclose(rates_of(make_schedule("linear", warmup=2, total=6), 7), linear, atol=1e-5)
    fall = [1, 0.75, 0.5, 0.25, 0]
    np.testing.assert_allclose(rates_of(make_schedule("linear", warmup=0, total=4), 5), fall, atol=1e-5)
    np.testing.assert_allclose(rates_of(make_schedule("constant", warmup=2, total=0), 4), [0, 0.5, 1, 1], atol=1e-5)
    np.testing.assert_allclose(rates_of(constant, 3), 1, atol=1e-5)


def test_the_decay_must_outlast_the_warm_up() -> None:
    with pytest.raises(UserError, match=r"optimizer\.warmup_steps=50 must be below the 4 steps of the cosine decay"):
        make_schedule("cosine", warmup=50, total=4)
    with pytest.raises(UserError, match=r"optimizer\.schedule 'step' is unknown; use one of constant, cosine, linear"):
        make_schedule("step", warmup=0, total=4)


def test_clipping_and_decay_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    keys = ("aspp.conv.weight", "aspp.conv.bias")
    start = {keys[0]: np.full((2, 3), 0.5, np.float32), keys[1]: np.full(3, 0.5, np.float32)}
    rng = np.random.default_rng(0)
    gradients = [{key: rng.normal(size=x.shape).astype(np.float32) for key, x in start.items()} for _ in range(3)]
    ours = {key: jnp.asarray(x) for key, x in start.items()}
    optimizer = make_optimizer(ours, dict.fromkeys(keys, 0.1), clip_norm=0.5, weight_decay=0.2)
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


def test_frozen_parts_stay() -> None:
    rates = resolve_rates(KEYS, RATES, freeze=("backbone", "project_.*"))
    frozen = {"backbone.a.weight", "project_mat.bias", "project_seg.bias", "refiner.weight"}
    assert frozen_keys(rates) == frozen
    (after,) = steps(make_optimizer(params(), rates), [np.ones(3)], params())
    assert {key for key, x in after.items() if not x.any()} == frozen
    with pytest.raises(UserError, match=r"optimizer\.freeze: no parameter matches 'encoder'; they are as backbone"):
        resolve_rates(KEYS, RATES, freeze=("encoder",))


@pytest.mark.parametrize("rates", [0.001, "backbone", (".*", 1e-4), (), None, ((".*",),)])
def test_rates_that_are_no_pairs(rates: Any) -> None:
    with pytest.raises(UserError, match=r"optimizer\.rates=.*: give pairs of a pattern and a learning rate, .*'\.\*'"):
        resolve_rates(["a.weight"], rates)
    with pytest.raises(UserError, match=r"the learning rate of '\.\*' is 'fast'"):
        resolve_rates(["a.weight"], [(".*", "fast")])  # type: ignore[list-item]
