"""Checkpoint directories: what is written is read, and what is no checkpoint is said to be none."""

import base64
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import rvm_jax
from rvm_jax import MattingNetwork, UserError
from rvm_jax.networks import functional
from rvm_jax.networks.functional import Tensors
from rvm_jax.train.checkpoint_store import Checkpoints
from rvm_jax.train.optimizer import make_optimizer
from rvm_jax.train.schedules import make_schedule
from rvm_jax.weights.torch_weights import state_dict

FACE: dict[str, Any] = {"variant": "mobilenetv3", "refiner": "deep_guided_filter", "foreground": False}


ELSEWHERE = {"sharding_type": "SingleDeviceSharding", "device_str": "cuda:3"}


@pytest.fixture(scope="module")
def network() -> MattingNetwork:
    return MattingNetwork(**FACE, rngs=nnx.Rngs(0))


@pytest.fixture
def saved(network: MattingNetwork, tmp_path: Path) -> Path:
    rvm_jax.save(network, tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture(scope="module")
def workdir(network: MattingNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work directory of steps 5, 20 and 100, whose running means are the step's number."""
    workdir: Path = tmp_path_factory.mktemp("work")
    _, params, batch_stats = functional.split(network)
    with Checkpoints(workdir / "checkpoints", keep=3) as store:
        for step in (5, 20, 100):
            store.save(step, params | numbered(batch_stats, step), {"step": jnp.asarray(step)}, network.config)
    return workdir


def numbered(batch_stats: Tensors, step: int) -> Tensors:
    return {key: jnp.full_like(x, step) if key.endswith("mean") else x for key, x in batch_stats.items()}


def running_mean(network: Any) -> float:
    return float(network.aspp.aspp1[1].running_mean[0])


@pytest.mark.parametrize("foreground", [True, False])
def test_round_trip(tmp_path: Path, foreground: bool) -> None:
    network = MattingNetwork("mobilenetv3", refiner="fast_guided_filter", foreground=foreground, rngs=nnx.Rngs(1))
    rvm_jax.save(nnx.view(network, use_running_average=False), tmp_path / "not" / "yet" / "there")
    again = rvm_jax.load(tmp_path / "not" / "yet" / "there")
    assert again.config == network.config
    assert again.aspp.aspp1[1].use_running_average  # in evaluation mode, whatever was saved
    ours, theirs = state_dict(again), state_dict(network)
    assert list(ours) == list(theirs)
    assert all(np.array_equal(ours[key], theirs[key]) for key in theirs)


def test_a_work_directory_is_its_latest_step(workdir: Path) -> None:
    assert running_mean(rvm_jax.load(workdir)) == 100  # by number: the last by name is 5
    assert running_mean(rvm_jax.load(str(workdir / "checkpoints"))) == 100
    assert running_mean(rvm_jax.load(workdir / "checkpoints" / "20")) == 20


def test_restoring_a_step(network: MattingNetwork, workdir: Path) -> None:
    _, params, batch_stats = functional.split(network)
    with Checkpoints(workdir / "checkpoints") as store:
        assert store.latest_step() == 100
        restored = store.restore(20, params | batch_stats, {"step": jnp.zeros((), jnp.int32)}, network.config)
    assert int(restored.train["step"]) == 20
    assert restored.absent == ()
    for key, expected in (params | numbered(batch_stats, 20)).items():
        np.testing.assert_array_equal(restored.model[key], expected, err_msg=key)


def test_the_optimizer_of_the_version_before(tmp_path: Path) -> None:
    """It had one schedule for each part, and its moments lay elsewhere; all are found by their names."""
    params = {"backbone.weight": jnp.ones((2, 3)), "decoder.weight": jnp.ones(3)}
    schedule = make_schedule("cosine", warmup=1, total=9)
    scales = {part: optax.scale_by_learning_rate(lambda count: 1e-3 * schedule(count)) for part in ("backbone", "rest")}
    before = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.scale_by_adam(),
        optax.partition(scales, {"backbone.weight": "backbone", "decoder.weight": "rest"}),
    )
    now = make_optimizer(params, dict.fromkeys(params, 1e-3), schedule, clip_norm=1.0)
    states = [before.init(params), now.init(params)]
    gradients = [{key: jnp.asarray(np.random.default_rng(i).normal(size=x.shape)) for key, x in params.items()} for i in
                 range(3)]  # fmt: skip
    for gradient in gradients[:2]:
        _, states[0] = before.update(gradient, states[0], params)
    with Checkpoints(tmp_path) as store:
        store.save(2, params, {"step": jnp.asarray(2), "opt_state": states[0]}, FACE)
        train = {"step": jnp.asarray(0), "opt_state": states[1]}
        restored = store.restore(2, params, train, FACE, optional={"network": params})
    assert restored.absent == ()
    assert set(restored.train) == {"step", "opt_state"}
    updates = [
        optimizer.update(gradients[2], state, params)[0]
        for optimizer, state in ((before, states[0]), (now, restored.train["opt_state"]))
    ]
    for one, other in zip(*map(jax.tree.leaves, updates), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_checkpoint_of_another_variant(workdir: Path) -> None:
    with (
        Checkpoints(workdir / "checkpoints") as store,
        pytest.raises(UserError, match=r"holds the network .* but the config asks for"),
    ):
        store.restore(20, {}, {}, FACE | {"variant": "resnet50"})


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    with Checkpoints(tmp_path / "checkpoints", keep=2) as store:
        assert store.latest_step() is None
        for step in (1, 2, 3):
            store.save(step, {"a": jnp.zeros(2)}, {"step": jnp.asarray(step)}, FACE)
        store.save(3, {"a": jnp.ones(2)}, {"step": jnp.asarray(3)}, FACE)  # is there, and stays as it is
        model = store.restore(3, {"a": jnp.zeros(2)}, {"step": jnp.asarray(0)}, FACE).model
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["2", "3"]
    np.testing.assert_array_equal(model["a"], np.zeros(2))


def test_what_exists_is_not_overwritten(network: MattingNetwork, saved: Path) -> None:
    with pytest.raises(UserError, match=r"saved: exists already; remove it or choose another name"):
        rvm_jax.save(network, saved)
    rvm_jax.load(saved)


def test_a_path_that_cannot_be_written(network: MattingNetwork, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot be read or written"):
        rvm_jax.save(network, tmp_path / "file" / "checkpoint")


def test_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent: no such checkpoint directory"):
        rvm_jax.load(tmp_path / "absent")
    with pytest.raises(UserError, match=r"holds no checkpoint; give a work directory that has trained"):
        rvm_jax.load(tmp_path)
    (tmp_path / "checkpoints").mkdir()  # a work directory before its first checkpoint
    with pytest.raises(UserError, match=r"holds no checkpoint"):
        rvm_jax.load(tmp_path)


def test_a_file_in_place_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "rvm.pth").touch()
    with pytest.raises(UserError, match=r"rvm\.pth: .*rvm_jax\.load_torch"):
        rvm_jax.load(tmp_path / "rvm.pth")


def test_a_damaged_checkpoint(saved: Path) -> None:
    for path in (saved / "model").rglob("*"):
        if path.is_file() and path.parent.name == "d":  # where the tensors are
            path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match=r"saved: the checkpoint is damaged or of another network"):
        rvm_jax.load(saved)


@pytest.mark.parametrize("metadata", ["", "{}", '{"custom_metadata": null}', None])
def test_a_checkpoint_that_does_not_name_its_network(saved: Path, metadata: str | None) -> None:
    path = saved / "_CHECKPOINT_METADATA"
    if metadata is None:
        path.unlink()
    else:
        path.write_text(metadata)
    with pytest.raises(UserError, match=r"does not say which network it holds"):
        rvm_jax.load(saved)


def test_a_checkpoint_of_a_network_that_this_version_lacks(saved: Path) -> None:
    path = saved / "_CHECKPOINT_METADATA"
    path.write_text(path.read_text().replace('"foreground"', '"trimap"'))
    with pytest.raises(UserError, match=r"saved: holds the network .*, which this version does not know"):
        rvm_jax.load(saved)


def test_a_checkpoint_names_no_device(saved: Path, workdir: Path) -> None:
    """So that what a GPU or TPU has trained is read where there is none."""
    for folder in (saved, workdir / "checkpoints" / "100"):
        for file in folder.rglob("*"):
            if file.is_file():
                assert b"device_str" not in file.read_bytes(), file


def test_a_checkpoint_that_names_another_device_is_read(network: MattingNetwork, saved: Path) -> None:
    """Earlier versions noted the device of each tensor."""
    shardings = {base64.b64encode(key.encode()).decode(): json.dumps(ELSEWHERE) for key in state_dict(network)}
    (saved / "model/_sharding").write_text(json.dumps(shardings))
    again = rvm_jax.load(saved)
    assert {device.platform for leaf in jax.tree.leaves(nnx.state(again)) for device in leaf.devices()} == {"cpu"}
    ours, theirs = state_dict(again), state_dict(network)
    assert all(np.array_equal(ours[key], theirs[key]) for key in theirs)
