"""Four training steps of each of the original's losses: components, gradients and running statistics."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from golden_data import golden_arrays, golden_network
from quick_compilation import QUICK_TO_COMPILE

from rvm_jax.networks import functional
from rvm_jax.networks.layers.initializers import on_device
from rvm_jax.train.losses import rvm as losses
from rvm_jax.train.losses.rvm import matting
from rvm_jax.train.losses.terms import Components, unit
from rvm_jax.train.optimizer import make_optimizer
from rvm_jax.train.rates import resolve_rates
from rvm_jax.train.state import TrainState
from rvm_jax.train.step import make_train_step

RATES = (("backbone.*", 1e-4), ("refiner.*", 0.0), (".*", 2e-4))
BATCHES = golden_arrays("training")
Golden = dict[str, np.ndarray]
Run = Callable[[str, str], Any]


def keeping_gradients(optimizer: optax.GradientTransformation) -> optax.GradientTransformation:
    """The optimizer, with the last gradients beside its state: (state, gradients)."""

    def init(params: Any) -> Any:
        return optimizer.init(params), jax.tree.map(jnp.zeros_like, params)

    def update(gradients: Any, state: Any, params: Any = None) -> Any:
        updates, inner = optimizer.update(gradients, state[0], params)
        return updates, (inner, gradients)

    return optax.GradientTransformation(init, update)


# Compiling a step takes most of a minute. Two losses of one network therefore share a program: `first` in the batch
# says which of them the gradients are of.


def face_losses(network: Any, batch: Any, key: jax.Array) -> Components:
    pha, true = network(unit(batch["src"])).pha, unit(batch["pha"])
    return either(
        batch,
        face_alpha=losses.alpha_loss(pha, true),
        face_trimap=losses.trimap_loss(pha, true, batch["trimap"]),
    )


def rvm_losses(network: Any, batch: Any, key: jax.Array) -> Components:
    # The segmentation pass in a view of its own: in one view, the running statistics would move twice.
    segmentation_view = nnx.clone(network)
    target = (unit(batch["pha"]) > 0.5).astype(jnp.float32)
    logits = segmentation_view(unit(batch["src"]), segmentation_pass=True).seg
    return either(
        batch,
        rvm_matting=matting(network, batch, key),
        rvm_segmentation=losses.segmentation_loss(logits, target),
    )


def either(batch: Any, **parts: Components) -> Components:
    components = {f"{name}/{key}": value for name, part in parts.items() for key, value in part.items()}
    first, second = (part["total"] for part in parts.values())
    return components | {"total": jnp.where(batch["first"], first, second)}


@pytest.fixture(scope="module")
def run() -> Run:
    """Four steps in one precision: `run(name, dtype)` gives the components, and step 1's gradients and statistics."""
    made: dict[tuple[str, str], Any] = {}

    def make(kind: str, dtype: str) -> Any:
        network = golden_network("face" if kind == "face" else "mobilenetv3")
        _, params, batch_stats = jax.tree.map(
            lambda x: x.astype(dtype) if x.dtype == np.float32 else x, jax.device_get(functional.split(network))
        )
        optimizer = keeping_gradients(make_optimizer(params, resolve_rates(params, RATES)))
        step: Any = make_train_step(network, face_losses if kind == "face" else rvm_losses, optimizer)

        def fresh_state() -> TrainState:  # new arrays, as a step takes the memory of the state that it is given
            own_params, own_stats = jax.tree.map(on_device, (params, batch_stats))
            return TrainState(jnp.zeros((), jnp.int32), own_params, own_stats, jax.jit(optimizer.init)(own_params))

        return step.lower(fresh_state(), batch_of(0, True)).compile(QUICK_TO_COMPILE), fresh_state

    def run(name: str, dtype: str) -> Any:
        kind = name.split("_")[0]
        with jax.enable_x64(dtype == "float64"):
            if (kind, dtype) not in made:
                made[kind, dtype] = make(kind, dtype)
            step, fresh_state = made[kind, dtype]
            state, history = fresh_state(), []
            for i in range(4):
                state, metrics = step(state, batch_of(i, name in ("face_alpha", "rvm_matting")))
                history.append({key.removeprefix(f"loss/{name}/"): float(value) for key, value in metrics.items()})
                if i == 0:
                    (_, gradients), batch_stats = jax.device_get((state.opt_state, state.batch_stats))
        return history, gradients, batch_stats

    return run


def batch_of(i: int, first: bool) -> dict[str, np.ndarray]:
    return {key: BATCHES[key][i] for key in ("src", "pha", "fgr", "trimap")} | {"first": np.array(first)}


@pytest.mark.parametrize("name", ["face_alpha", "face_trimap", "rvm_matting", "rvm_segmentation"])
def test_four_steps(run: Run, name: str) -> None:
    """In float64, as float32's own rounding decides on which side of a kink (of an activation or of an L1 loss) a value
    lies: weights that differ in their last bit move gradients by up to 4e-4 of the largest, in PyTorch too, and the
    losses of the fourth step by 1e-4. The golden float32 runs happen to lie within 2e-6 of float64 throughout."""
    golden = golden_arrays("training", f"{name}/")
    history, gradients, batch_stats = run(name, "float64")
    check_losses(golden, history, rtol=1e-5)
    check_gradients(golden, gradients, share=1e-4)
    check_statistics(golden, batch_stats)


def test_four_steps_in_float32(run: Run) -> None:
    """What training computes in: the first step to rounding, the others to what rounding can move."""
    golden = golden_arrays("training", "rvm_matting/")
    history, gradients, batch_stats = run("rvm_matting", "float32")
    check_losses(golden, history[:1], rtol=1e-6)
    check_losses(golden, history, rtol=3e-4)
    check_gradients(golden, gradients, share=1e-3)
    check_statistics(golden, batch_stats)


def check_losses(golden: Golden, history: list[dict[str, float]], rtol: float) -> None:
    components = [key for key in golden if "/" not in key]
    assert "total" in components
    for key in components:
        values = [metrics[key] for metrics in history]
        np.testing.assert_allclose(values, golden[key][: len(history)], rtol=rtol, err_msg=key)


def check_gradients(golden: Golden, gradients: Any, share: float) -> None:
    norms = {key.removeprefix("grad/"): values.tolist() for key, values in golden.items() if key.startswith("grad/")}
    assert set(norms) == set(gradients)
    allowed = share * max(norm for norm, _ in norms.values())
    for key, (norm, peak) in norms.items():
        assert float(np.linalg.norm(gradients[key].ravel())) == pytest.approx(norm, abs=allowed), key
        assert float(np.abs(gradients[key]).max()) == pytest.approx(peak, abs=allowed), key


def check_statistics(golden: Golden, batch_stats: Any) -> None:
    statistics = {key.removeprefix("after_step_1/"): x for key, x in golden.items() if key.startswith("after_step_1/")}
    assert len(statistics) == 6
    for key, expected in statistics.items():
        np.testing.assert_allclose(batch_stats[key], expected, rtol=0, atol=1e-5, err_msg=key)
    assert {
        int(count) for key, count in batch_stats.items() if key.startswith("decoder") and key.endswith("tracked")
    } == {1}
