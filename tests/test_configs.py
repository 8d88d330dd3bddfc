"""Every shipped recipe: it loads, its sections are those of all recipes, and its values fit together."""

from importlib import import_module
from pathlib import Path

import pytest

from rvm_jax import MattingNetwork
from rvm_jax.networks import functional
from rvm_jax.objectives import make_objective
from rvm_jax.optimizer import make_optimizer

FOLDER = Path(__file__).resolve().parents[1] / "configs"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def recipe(name):
    return import_module(f"configs.{name}")


@pytest.mark.parametrize("variant", ["", "tiny"])
@pytest.mark.parametrize("name", NAMES)
def test_sections_fit_together(name, variant):
    config = recipe(name).get_config(variant)
    assert set(config) == {"network", "data", "train", "optimizer", "eval", "log"}
    assert config.data.resolution >= 64  # the Laplacian pyramid needs it
    assert set(config.data) >= {"techniques", "resolution", "seq_length", "trimap", "seed", "workers"}
    assert config.train.steps or config.train.epochs
    assert config.eval.num_clips % config.eval.batch_size == 0
    assert callable(make_objective(config.train))
    assert config.data.trimap == (config.train.loss == "trimap")

    settings = config.network.to_dict()
    assert (settings.pop("start_from"), settings.pop("backbone")) == ("", "")
    network = MattingNetwork(**settings, rngs=None)
    assert network.foreground == (config.train.loss == "matting")
    _, params, _ = functional.split(network)
    assert make_optimizer(params, config.optimizer.rates.to_dict()).init(params)


@pytest.mark.parametrize("name", NAMES)
def test_tiny_is_small_and_needs_no_download(name):
    config = recipe(name).get_config("tiny")
    assert 0 < config.train.steps <= 4
    assert (config.data.resolution, config.data.seq_length, config.train.batch_size) == (64, 2, 2)
    assert (config.eval.num_clips, config.data.workers) == (2, 0)
    assert all("root" not in source for kind in ("faces", "occluders") for source in config.data[kind].values())


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_tells_the_command(name):
    assert f"python scripts/train.py --config=configs/{name}.py --workdir=" in recipe(name).__doc__


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_variant(name):
    with pytest.raises(ValueError, match=r"variant .huge."):
        recipe(name).get_config("huge")


def test_the_face_recipes_differ_as_published():
    stage1, stage2 = recipe("face_stage1").get_config(), recipe("face_stage2").get_config()
    as_published = recipe("face_stage2").get_config("as_published")
    assert [config.train.loss for config in (stage1, stage2, as_published)] == ["alpha", "trimap", "alpha_composed"]
    assert [config.train.batch_size for config in (stage1, stage2)] == [16, 8]
    for config in (stage1, stage2):
        assert config.optimizer.rates.to_dict() == {"backbone": 1e-4, "aspp": 2e-4, "decoder": 2e-4, "refiner": 0.0}
        assert (config.data.resolution, config.data.seq_length) == (512, 4)
