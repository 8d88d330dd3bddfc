"""The network that comes with the package, and how one is written into it."""

from pathlib import Path

import jax
import numpy as np
import pytest
from flax import nnx

import rvm_jax
from rvm_jax.errors import UserError
from rvm_jax.matting.command_options import CommandOptions
from rvm_jax.matting.weights import auto_side_of, load_network
from rvm_jax.weights import shipped
from rvm_jax.weights.files import read_state_dict
from rvm_jax.weights.torch_weights import state_dict


def test_the_packages_network_is_small_free_and_says_what_it_is() -> None:
    path = shipped.default_path()
    about = shipped.metadata(path)
    assert path.stat().st_size <= 8_000_000
    assert about["licence"] == "Apache-2.0"
    assert set(about) >= {"name", "recipe", "revision", "data", "network"}
    assert shipped.shipped_names() == ("face",)


def test_it_is_loaded_by_name_in_float32_and_is_the_default() -> None:
    network = rvm_jax.load("face")
    assert network.config == {"variant": "mobilenetv3", "refiner": "deep_guided_filter", "foreground": False}
    leaves = jax.tree.leaves(nnx.to_pure_dict(nnx.state(network, nnx.Param)))
    assert {leaf.dtype.name for leaf in leaves} == {"float32"}
    side = shipped.auto_side(shipped.default_path())
    assert side is not None and side == network.auto_side == auto_side_of("face")
    assert rvm_jax.Matter().ratio(2 * side, side) == 0.5
    assert CommandOptions().checkpoint == ("face",)
    other = load_network("face")
    assert isinstance(other, nnx.Module)
    np.testing.assert_equal(state_dict(other), state_dict(network))


def test_what_is_written_is_read_but_for_halves(tmp_path: Path) -> None:
    network = rvm_jax.create(foreground=False, rngs=3)
    path = tmp_path / "mine.safetensors"
    shipped.write_shipped(network, path, {"licence": "mine"}, auto_side=96)
    assert shipped.metadata(path) == {"licence": "mine", "auto_side": "96"}
    own, read = state_dict(network), read_state_dict(path)
    assert own.keys() == read.keys()
    for key, tensor in own.items():
        np.testing.assert_allclose(read[key], tensor, rtol=1e-3, atol=1e-6)


def test_a_name_is_no_path_and_a_path_no_name(tmp_path: Path) -> None:
    assert shipped.shipped_path("./face") is None
    assert shipped.shipped_path(tmp_path / "face") is None
    with pytest.raises(UserError, match="no such checkpoint directory"):
        rvm_jax.load(tmp_path / "face")
    with pytest.raises(UserError, match="or a network of the package \\(face\\)"):
        load_network(tmp_path / "face")
