"""What the settings of a step do, on a tiny network."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_network
from flax import nnx

from rvm_jax import MattingNetwork, UserError
from rvm_jax.networks import functional
from rvm_jax.networks.functional import Tensors
from rvm_jax.networks.precision import castable_convolutions
from rvm_jax.train.crops import crop_batch
from rvm_jax.train.losses.terms import Components, l1, unit
from rvm_jax.train.optimizer import make_optimizer
from rvm_jax.train.state import TrainState, from_items, new_state, to_items
from rvm_jax.train.step import StepSettings, make_train_step

RNG = np.random.default_rng(0)
BATCH = {
    "src": RNG.integers(0, 256, (4, 2, 16, 16, 3), dtype=np.uint8),
    "pha": RNG.integers(0, 256, (4, 2, 16, 16, 1), dtype=np.uint8),
}


# A network, its parameters and its statistics; a state and the last metrics.
Start = tuple[tiny_network.TinyNetwork, Tensors, Tensors]
Ran = tuple[TrainState, dict[str, Any]]


def squares(network: Any, batch: Any, key: jax.Array) -> Components:
    """A smooth loss, of which a mean over parts of a batch is the mean over all."""
    return {"total": jnp.square(network(unit(batch["src"])).pha - unit(batch["pha"])).mean()}


@pytest.fixture(scope="module")
def start() -> Start:
    network = tiny_network.TinyNetwork(rngs=nnx.Rngs(0))
    _, params, batch_stats = functional.split(network)
    return network, params, batch_stats


def run(
    start: Start,
    *,
    steps: int = 1,
    batch: Any = BATCH,
    objective: Any = squares,
    crop: tuple[int, int] | None = None,
    **chosen: Any,
) -> Ran:
    """The state after some steps, and the last metrics."""
    network, params, batch_stats = jax.tree.map(lambda x: jnp.array(x) if isinstance(x, jax.Array) else x, start)
    settings = StepSettings(**chosen)
    optimizer = make_optimizer(params, {key: 0.0 if key in settings.frozen else 1e-2 for key in params})
    step = make_train_step(network, objective, optimizer, 0, settings)
    state = new_state(params, batch_stats, optimizer, average=settings.average_decay > 0)
    for _ in range(steps):
        state, metrics = step(state, batch, crop)
    ran: Ran = jax.device_get((state, metrics))
    return ran


@pytest.fixture(scope="module")
def plain(start: Start) -> Ran:
    return run(start)


def assert_close(actual: Any, expected: Any, rtol: float, atol: float = 0.0) -> None:
    for key, value in expected.items():
        np.testing.assert_allclose(actual[key], value, rtol=rtol, atol=atol, err_msg=key)


def test_rematerialisation_changes_nothing(start: Start, plain: Ran) -> None:
    state, metrics = run(start, remat=True)
    assert_close(metrics, plain[1], rtol=1e-5)
    assert_close(state.batch_stats, plain[0].batch_stats, rtol=1e-5)


def test_bfloat16_keeps_the_state_in_float32(start: Start, plain: Ran) -> None:
    state, metrics = run(start, precision="bfloat16")
    assert {str(x.dtype) for x in jax.tree.leaves((state.params, state.opt_state))} == {"float32", "int32"}
    assert metrics["loss/total"] != plain[1]["loss/total"]
    assert metrics["loss/total"] == pytest.approx(plain[1]["loss/total"], rel=1e-2)
    assert metrics["gradient_norm"] == pytest.approx(plain[1]["gradient_norm"], rel=5e-2)


def test_what_computes_in_bfloat16() -> None:
    layers = {path for path, _ in castable_convolutions(MattingNetwork("mobilenetv3", rngs=None))}
    assert {path.split(".")[0] for path in layers} == {"backbone", "aspp", "decoder", "project_mat", "project_seg"}
    assert "backbone.features.0.0" in layers
    assert "backbone.features.0.1" not in layers  # batch norm


def test_accumulation_averages_the_parts(start: Start) -> None:
    """Halves of one and the same clips: batch norm then sees in each half what it sees in the whole."""
    twice = {name: np.repeat(x[:2], 2, axis=0) for name, x in BATCH.items()}
    (whole, metrics), (parts, of_parts) = run(start, batch=twice), run(start, batch=twice, accumulate=2)
    assert_close(of_parts, metrics, rtol=1e-5)
    assert_close(parts.params, whole.params, rtol=1e-4, atol=1e-5)
    assert int(parts.batch_stats["backbone.1.num_batches_tracked"]) == 2


def test_the_average_and_what_is_frozen(start: Start) -> None:
    frozen = frozenset(key for key in start[1] if key.startswith("backbone."))
    states = [run(start, steps=steps, average_decay=0.9, frozen=frozen)[0] for steps in (1, 2)]
    for key in ("backbone.0.weight", "backbone.1.running_mean", "backbone.1.num_batches_tracked"):
        before = (start[1] | start[2])[key]
        np.testing.assert_array_equal((states[1].params | states[1].batch_stats)[key], before)
        np.testing.assert_array_equal(states[1].average[key], before)
    key = "project_mat.weight"
    average = np.asarray(start[1][key])
    for step, state in enumerate(states):
        keep = (1 + step) / (10 + step)
        average = keep * average + (1 - keep) * state.params[key]
        np.testing.assert_allclose(state.average[key], average, rtol=1e-5)
    params, _ = states[1].weights_for_eval()
    np.testing.assert_array_equal(params[key], states[1].average[key])
    model, train = to_items(states[1])
    np.testing.assert_array_equal(model[key], states[1].average[key])  # what is used
    again = from_items(states[0], model, train)
    for one, other in zip(jax.tree.leaves(again), jax.tree.leaves(states[1]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_settings_that_do_not_exist() -> None:
    with pytest.raises(UserError, match=r"train\.precision 'float16' is unknown; use one of float32, tens"):
        StepSettings(precision="float16")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"train\.average_decay=1\.0 must lie in \[0, 1\)"):
        StepSettings(average_decay=1.0)
    with pytest.raises(UserError, match=r"train\.accumulate=0"):
        StepSettings(accumulate=0)


def test_a_crop_is_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    size = (9, 14)
    ours = {name: x / 255 for name, x in crop_batch({k: jnp.asarray(x) for k, x in BATCH.items()}, size).items()}
    for name, values in BATCH.items():
        frames = torch.from_numpy(values.reshape(-1, *values.shape[2:])).permute(0, 3, 1, 2).float() / 255
        resized = torch.nn.functional.interpolate(frames, (14, 14), mode="bilinear", align_corners=False)
        expected = resized[:, :, 2:11].permute(0, 2, 3, 1).reshape(4, 2, 9, 14, -1)
        np.testing.assert_allclose(ours[name], expected, atol=1e-5)


def test_layers_are_composed_after_the_crop() -> None:
    clip = {name: jnp.asarray(RNG.integers(0, 256, (1, 2, 8, 8, c), dtype=np.uint8)) for name, c in
            (("fgr", 3), ("bgr", 3), ("pha", 1), ("src", 3))}  # fmt: skip
    crop = crop_batch(clip, (6, 4))
    assert {name: x.shape[2:4] for name, x in crop.items()} == dict.fromkeys(clip, (6, 4))
    fgr, bgr, pha, src = (crop[name] / 255 for name in ("fgr", "bgr", "pha", "src"))
    np.testing.assert_allclose(src, fgr * pha + bgr * (1 - pha), atol=1e-6)
    with pytest.raises(UserError, match=r"train\.crop_sizes cannot resize a trimap"):
        crop_batch(clip | {"trimap": clip["pha"]}, (6, 4))


def test_a_cropped_step(start: Start) -> None:
    shapes = []

    def noting(network: Any, batch: Any, key: jax.Array) -> Components:
        shapes.append(batch["src"].shape)
        src = unit(batch["src"])
        return {"total": l1(src[..., :1], unit(batch["pha"])), "mean": src.mean()}

    _, metrics = run(start, objective=noting, crop=(8, 12))
    assert shapes == [(4, 2, 8, 12, 3)]
    assert 0.4 < metrics["loss/mean"] < 0.6  # cropped or not, a loss sees [0, 1]
