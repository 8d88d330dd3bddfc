"""Checkpoint directories: what is written is read, and what is no checkpoint is said to be none."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import rvm_jax
from rvm_jax import MattingNetwork, UserError
from rvm_jax.networks import functional
from rvm_jax.train.checkpoints import Checkpoints
from rvm_jax.weights.torch_weights import state_dict

FACE = {"variant": "mobilenetv3", "refiner": "deep_guided_filter", "foreground": False}


@pytest.fixture(scope="module")
def network():
    return MattingNetwork(**FACE, rngs=nnx.Rngs(0))


@pytest.fixture
def saved(network, tmp_path):
    rvm_jax.save(network, tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture(scope="module")
def workdir(network, tmp_path_factory):
    """A work directory of steps 5, 20 and 100, whose running means are the step's number."""
    workdir = tmp_path_factory.mktemp("work")
    _, params, batch_stats = functional.split(network)
    with Checkpoints(workdir / "checkpoints", keep=3) as store:
        for step in (5, 20, 100):
            store.save(step, params | numbered(batch_stats, step), {"step": jnp.asarray(step)}, network.config)
    return workdir


def numbered(batch_stats, step):
    return {key: jnp.full_like(x, step) if key.endswith("mean") else x for key, x in batch_stats.items()}


def running_mean(network):
    return float(network.aspp.aspp1[1].running_mean[0])


@pytest.mark.parametrize("foreground", [True, False])
def test_round_trip(tmp_path, foreground):
    network = MattingNetwork("mobilenetv3", refiner="fast_guided_filter", foreground=foreground, rngs=nnx.Rngs(1))
    rvm_jax.save(nnx.view(network, use_running_average=False), tmp_path / "not" / "yet" / "there")
    again = rvm_jax.load(tmp_path / "not" / "yet" / "there")
    assert again.config == network.config
    assert again.aspp.aspp1[1].use_running_average  # in evaluation mode, whatever was saved
    ours, theirs = state_dict(again), state_dict(network)
    assert list(ours) == list(theirs)
    assert all(np.array_equal(ours[key], theirs[key]) for key in theirs)


def test_a_work_directory_is_its_latest_step(workdir):
    assert running_mean(rvm_jax.load(workdir)) == 100  # by number: the last by name is 5
    assert running_mean(rvm_jax.load(str(workdir / "checkpoints"))) == 100
    assert running_mean(rvm_jax.load(workdir / "checkpoints" / "20")) == 20


def test_restoring_a_step(network, workdir):
    _, params, batch_stats = functional.split(network)
    with Checkpoints(workdir / "checkpoints") as store:
        assert store.latest_step() == 100
        model, train = store.restore(20, params | batch_stats, {"step": jnp.zeros((), jnp.int32)}, network.config)
    assert int(train["step"]) == 20
    for key, expected in (params | numbered(batch_stats, 20)).items():
        np.testing.assert_array_equal(model[key], expected, err_msg=key)


def test_a_checkpoint_of_another_variant(workdir):
    with (
        Checkpoints(workdir / "checkpoints") as store,
        pytest.raises(UserError, match=r"holds the network .* but the config asks for"),
    ):
        store.restore(20, {}, {}, FACE | {"variant": "resnet50"})


def test_only_the_newest_are_kept(tmp_path):
    with Checkpoints(tmp_path / "checkpoints", keep=2) as store:
        assert store.latest_step() is None
        for step in (1, 2, 3):
            store.save(step, {"a": jnp.zeros(2)}, {"step": jnp.asarray(step)}, FACE)
        store.save(3, {"a": jnp.ones(2)}, {"step": jnp.asarray(3)}, FACE)  # is there, and stays as it is
        model, _ = store.restore(3, {"a": jnp.zeros(2)}, {"step": jnp.asarray(0)}, FACE)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["2", "3"]
    np.testing.assert_array_equal(model["a"], np.zeros(2))


def test_what_exists_is_not_overwritten(network, saved):
    with pytest.raises(UserError, match=r"saved: exists already; remove it or choose another name"):
        rvm_jax.save(network, saved)
    rvm_jax.load(saved)


def test_a_path_that_cannot_be_written(network, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot be read or written"):
        rvm_jax.save(network, tmp_path / "file" / "checkpoint")


def test_no_checkpoint(tmp_path):
    with pytest.raises(UserError, match=r"absent: no such checkpoint directory"):
        rvm_jax.load(tmp_path / "absent")
    with pytest.raises(UserError, match=r"holds no checkpoint; give a work directory that has trained"):
        rvm_jax.load(tmp_path)
    (tmp_path / "checkpoints").mkdir()  # a work directory before its first checkpoint
    with pytest.raises(UserError, match=r"holds no checkpoint"):
        rvm_jax.load(tmp_path)


def test_a_file_in_place_of_a_directory(tmp_path):
    (tmp_path / "rvm.pth").touch()
    with pytest.raises(UserError, match=r"rvm\.pth: .*rvm_jax\.load_torch"):
        rvm_jax.load(tmp_path / "rvm.pth")


def test_a_damaged_checkpoint(saved):
    for path in (saved / "model").rglob("*"):
        if path.is_file() and path.parent.name == "d":  # where the tensors are
            path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match=r"saved: the checkpoint is damaged or of another network"):
        rvm_jax.load(saved)


@pytest.mark.parametrize("metadata", ["", "{}", '{"custom_metadata": null}', None])
def test_a_checkpoint_that_does_not_name_its_network(saved, metadata):
    path = saved / "_CHECKPOINT_METADATA"
    path.unlink() if metadata is None else path.write_text(metadata)
    with pytest.raises(UserError, match=r"does not say which network it holds"):
        rvm_jax.load(saved)


def test_a_checkpoint_of_a_network_that_this_version_lacks(saved):
    path = saved / "_CHECKPOINT_METADATA"
    path.write_text(path.read_text().replace('"foreground"', '"trimap"'))
    with pytest.raises(UserError, match=r"saved: holds the network .*, which this version does not know"):
        rvm_jax.load(saved)
