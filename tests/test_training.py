"""The training loop with a shipped recipe and made-up clips: devices, resuming, logs, and what it refuses.

Compiling a step takes most of a minute, so all runs here have one shape and share one step function.
"""

import itertools
import json
from contextlib import contextmanager

import cv2
import jax
import numpy as np
import pytest
from flax import nnx
from jax.sharding import AxisType

import rvm_jax
from configs import quickstart
from rvm_jax import MattingNetwork, UserError, training
from rvm_jax.networks import functional
from rvm_jax.torch_weights import state_dict

FACE = {"variant": "mobilenetv3", "refiner": "deep_guided_filter", "foreground": False}


def recipe(**network):
    config = quickstart.get_config("tiny")
    config.network.update(network)
    return config


def batch(step):
    """Two clips of two frames: a grey disc, the face, jumps about over noise."""
    rng = np.random.default_rng(step)
    noise = rng.integers(0, 256, (2, 2, 64, 64, 3), dtype=np.uint8)
    pha = np.zeros((2, 2, 64, 64, 1), np.uint8)
    for b, t in itertools.product(range(2), range(2)):
        cv2.circle(pha[b, t], tuple(rng.integers(20, 44, 2).tolist()), 16, 255, -1)
    return {"src": np.where(pha > 0, np.uint8(128), noise), "pha": pha}


class Interruption(Exception):
    pass


class Stream:
    """What `train` takes as `batches`; it notes the batches taken, and breaks off before the one numbered `until`."""

    def __init__(self, until=None):
        self.until, self.taken, self.closed = until, [], False

    @contextmanager
    def __call__(self, start):
        try:
            yield self.batches(start)
        finally:
            self.closed = True

    def batches(self, start):
        for step in itertools.count(start):
            if step == self.until:
                raise Interruption
            self.taken.append(step)
            yield batch(step)


def evaluator(network):
    yield "mean", float(network.aspp.aspp1[1].running_mean[0])
    yield "clips", np.full((8, 8, 3), 200, np.uint8)


@pytest.fixture(scope="module")
def step_function():
    """Lets all runs share the first one's step function."""
    make, made = training.make_train_step, []

    def make_once(*args):
        made.extend([make(*args)] if not made else [])
        return made[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "make_train_step", make_once)
        yield


@pytest.fixture(scope="module")
def run(step_function):
    """Trains on the first few of the fake devices."""

    def run(workdir, stream, devices=2, config=None):
        mesh = jax.make_mesh((devices,), ("data",), axis_types=(AxisType.Auto,), devices=jax.devices()[:devices])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(training, "make_mesh", lambda batch_size: mesh)
            return jax.device_get(training.train(config or recipe(), workdir, stream, {"valid": evaluator}))

    return run


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    """The work directory of a run of four steps without interruption, and its final state."""
    workdir, stream = tmp_path_factory.mktemp("whole"), Stream()
    state = run(workdir, stream)
    assert stream.taken == [0, 1, 2, 3]
    assert stream.closed
    return workdir, state


def curves(workdir):
    """What was logged, as [(step, values)], but for the speed."""
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [(line.pop("step"), line) for line in lines if line.pop("frames_per_second", 1) > 0]


def assert_same_tree(actual, expected):
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    for one, other in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_work_directory(whole):
    workdir, state = whole
    assert int(state.step) == 4
    found = {str(path.relative_to(workdir)) for path in workdir.rglob("*")}
    assert {"config.json", "metrics.jsonl", "pictures/valid_clips_000004.jpg"} <= found
    assert {f"checkpoints/{step}/{item}" for step in (2, 4) for item in ("model", "train")} <= found
    assert list((workdir / "tensorboard").glob("events*"))
    assert json.loads((workdir / "config.json").read_text()) == recipe().to_dict()

    logged = curves(workdir)
    assert sorted(step for step, values in logged if "loss/total" in values) == [1, 2, 3, 4]
    for step, values in logged:
        if "loss/total" in values:
            parts = [values[f"loss/{name}"] for name in ("pha_l1", "pha_laplacian", "pha_coherence")]
            assert values["loss/total"] == pytest.approx(sum(parts), rel=1e-6)
            assert values["gradient_norm"] > 0
        else:
            assert step == 4
            assert values == {"valid/mean": pytest.approx(float(state.batch_stats["aspp.aspp1.1.running_mean"][0]))}


def test_its_latest_checkpoint_is_the_final_network(whole):
    workdir, state = whole
    _, params, batch_stats = functional.split(rvm_jax.load(workdir))
    assert_same_tree(jax.device_get((params, batch_stats)), (state.params, state.batch_stats))


def test_all_parts_learned_but_the_refiner(whole):
    _, state = whole
    _, start, _ = functional.split(MattingNetwork(**FACE, rngs=nnx.Rngs(recipe().train.seed)))
    moved = {key for key in start if not np.array_equal(start[key], state.params[key])}
    still = {key for key in start if key not in moved}
    assert {key.split(".")[0] for key in moved} == {"backbone", "aspp", "decoder", "project_mat"}
    assert still == {key for key in start if key.startswith(("refiner.", "project_seg."))}
    assert {int(n) for key, n in state.batch_stats.items() if key.endswith("tracked") and "refiner" not in key} == {4}


def test_an_interrupted_run_goes_on_bit_for_bit(whole, run, tmp_path):
    first, second = Stream(until=3), Stream()
    with pytest.raises(Interruption):
        run(tmp_path, first)
    assert first.closed
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["2"]
    with (tmp_path / "metrics.jsonl").open("a") as file:  # what it logged after its checkpoint, the last line cut short
        file.write('{"step": 3, "loss/total": 9.0}\n{"step": 4, "loss/to')

    state = run(tmp_path, second)
    assert second.taken == [2, 3]
    workdir, expected = whole
    assert_same_tree(state, expected)
    assert curves(tmp_path) == curves(workdir)


def test_a_finished_run_takes_no_batch(whole, run):
    workdir, expected = whole
    logged = curves(workdir)
    stream = Stream()
    assert_same_tree(run(workdir, stream), expected)
    assert stream.taken == []
    assert curves(workdir) == logged


def test_one_device_computes_what_two_do(whole, run, tmp_path):
    with pytest.raises(Interruption):
        run(tmp_path, Stream(until=3), devices=1)
    expected = dict(curves(whole[0]))
    logged = curves(tmp_path)
    assert [step for step, _ in logged] == [1, 2]
    for step, values in logged:
        for key in ("loss/total", "gradient_norm"):
            assert values[key] == pytest.approx(expected[step][key], rel=1e-4), (step, key)


def test_a_run_that_goes_on_keeps_its_settings(whole, run):
    workdir, _ = whole
    config = recipe()
    config.train.seed = 7
    config.data.faces.main.max_items = 5
    config.log.every = 3  # may change
    with pytest.raises(UserError) as caught:
        run(workdir, Stream(), config=config)
    assert str(caught.value) == (
        f"{workdir}: was made with other settings (data.faces.main.max_items is 5, was 4000; train.seed is 7, was 0); "
        "use another --workdir"
    )
    assert json.loads((workdir / "config.json").read_text()) == recipe().to_dict()


def test_the_devices_must_divide_the_batch(tmp_path):
    config, count = recipe(), jax.device_count()
    config.train.batch_size = count + 1
    said = f"train.batch_size={count + 1} cannot be dealt to {count} devices; use a multiple of {count}"
    with pytest.raises(UserError, match=said):
        training.train(config, tmp_path / "work", Stream(), {})
    assert not (tmp_path / "work").exists()


def test_an_unknown_loss(run, tmp_path):
    config = recipe()
    config.train.loss = "alfa"
    with pytest.raises(UserError, match=r"train\.loss 'alfa' is unknown; use one of alpha, "):
        run(tmp_path / "work", Stream(), config=config)
    assert not (tmp_path / "work").exists()


def test_starting_weights(tmp_path):
    network = MattingNetwork(**FACE, rngs=nnx.Rngs(1))
    rvm_jax.save(network, tmp_path / "checkpoint")
    rvm_jax.save_torch(network, tmp_path / "weights.safetensors")
    rvm_jax.save_torch(network.backbone, tmp_path / "imagenet.safetensors")
    expected = state_dict(network)
    for name in ("checkpoint", "weights.safetensors"):
        made = training.make_network(recipe(start_from=str(tmp_path / name)).network, seed=0)
        assert_same_tree(state_dict(made), expected)
    made = state_dict(training.make_network(recipe(backbone=str(tmp_path / "imagenet.safetensors")).network, seed=0))
    drawn = state_dict(training.make_network(recipe().network, seed=0))
    assert_same_tree(made, {key: (expected if key.startswith("backbone.") else drawn)[key] for key in made})


def test_starting_from_another_variant(tmp_path):
    rvm_jax.save(MattingNetwork("mobilenetv3", rngs=None), tmp_path / "rvm")
    with pytest.raises(UserError, match=r"network\.start_from=.*/rvm holds .*True.*, but the config asks for .*False"):
        training.make_network(recipe(start_from=str(tmp_path / "rvm")).network, seed=0)
