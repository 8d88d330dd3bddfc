"""What a training may start from: checkpoints, work directories, PyTorch's weights, an encoder; whole or in part."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flax import nnx

import rvm_jax
from configs import quickstart
from rvm_jax import MattingNetwork, UserError
from rvm_jax.networks import StateDict
from rvm_jax.train.initial_network import initial_network
from rvm_jax.weights.torch_weights import state_dict

FACE: dict[str, Any] = {"variant": "mobilenetv3", "refiner": "deep_guided_filter", "foreground": False}
Weights = tuple[Path, StateDict, StateDict]


def made(seed: int = 0, **settings: object) -> Any:
    config = quickstart.get_config().network
    config.update(settings)
    return initial_network(config, seed)


def assert_same(actual: StateDict, expected: StateDict) -> None:
    assert list(actual) == list(expected)
    for key, tensor in expected.items():
        np.testing.assert_array_equal(actual[key], tensor, err_msg=key)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """A face network as checkpoint and as PyTorch's file, its encoder, and RVM's network, whose head is larger."""
    folder = tmp_path_factory.mktemp("weights")
    face, rvm = MattingNetwork(**FACE, rngs=nnx.Rngs(1)), MattingNetwork("mobilenetv3", rngs=nnx.Rngs(2))
    rvm_jax.save(face, folder / "checkpoint")
    rvm_jax.save_torch(face, folder / "face.safetensors")
    rvm_jax.save_torch(face.backbone, folder / "imagenet.safetensors")
    rvm_jax.save_torch(rvm, folder / "rvm.safetensors")
    return folder, state_dict(face), state_dict(rvm)


def test_all_weights(weights: Weights) -> None:
    folder, face, rvm = weights
    for name in ("checkpoint", "face.safetensors"):
        assert_same(state_dict(made(start_from=str(folder / name))), face)
    assert_same(state_dict(made(start_from=str(folder / "rvm.safetensors"), foreground=True)), rvm)


def test_the_encoder_alone(weights: Weights) -> None:
    folder, face, _ = weights
    ours, drawn = state_dict(made(backbone=str(folder / "imagenet.safetensors"))), state_dict(made())
    assert_same(ours, {key: (face if key.startswith("backbone.") else drawn)[key] for key in ours})


def test_rvms_head_is_cut_to_its_alpha(weights: Weights) -> None:
    folder, _, rvm = weights
    ours = state_dict(made(start_from=str(folder / "rvm.safetensors"), refiner="fast_guided_filter"))
    expected = {key: tensor for key, tensor in rvm.items() if not key.startswith("refiner.")}
    for key in ("project_mat.conv.weight", "project_mat.conv.bias"):
        expected[key] = rvm[key][3:]  # after the three of the foreground's residual
        assert ours[key].shape[0] == 1
    assert_same(ours, expected)


def test_what_cannot_be_started_from(weights: Weights) -> None:
    folder, *_ = weights
    with pytest.raises(UserError, match=r"start_from=.*checkpoint holds a network with foreground=False, but .* True"):
        made(start_from=str(folder / "checkpoint"), foreground=True)
    with pytest.raises(UserError, match=r"a network with variant='mobilenetv3', but the config asks for 'resnet50'"):
        made(start_from=str(folder / "checkpoint"), variant="resnet50")
    with pytest.raises(UserError, match=r"absent: no such"):
        made(start_from=str(folder / "absent"))


def test_a_training_starts_from_the_packages_network() -> None:
    assert_same(state_dict(made(start_from="face")), state_dict(rvm_jax.load("face")))
