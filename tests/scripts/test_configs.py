"""Every shipped recipe: it loads, its sections are those of all recipes, and its values fit together."""

from importlib import import_module
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from data_pipeline.pipeline import make_batches
from data_pipeline.sources.listing import SECTIONS
from rvm_jax import create
from rvm_jax.networks import functional
from rvm_jax.train.losses.objectives import make_objective
from rvm_jax.train.optimizer import make_optimizer
from rvm_jax.train.phases import MAIN, make_passes

FOLDER = Path(__file__).resolve().parents[2] / "configs"
STUDIES = {"technique_sweep"}  # of several trainings, not of scripts/train.py
NAMES = sorted({path.stem for path in FOLDER.glob("[!_]*.py")} - STUDIES)


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
    assert [one.name for one in make_passes(config.train)] == [MAIN, *config.train.passes]

    settings = config.network.to_dict()
    assert (settings.pop("start_from"), settings.pop("backbone")) == ("", "")
    network = create(**settings, rngs=None)
    assert network.config == settings
    assert getattr(network, "foreground", False) == (config.train.loss == "matting")
    _, params, _ = functional.split(network)
    assert make_optimizer(params, config.optimizer.rates.to_dict()).init(params)


@pytest.mark.parametrize("name", NAMES)
def test_tiny_is_small_and_needs_no_download(name):
    config = recipe(name).get_config("tiny")
    assert 0 < config.train.steps <= 4
    assert (config.data.resolution, config.data.seq_length, config.train.batch_size) == (64, 2, 2)
    assert (config.eval.num_clips, config.data.workers) == (2, 0)
    sections = [config.data, *(section.data for section in config.train.passes.values())]
    sources = [spec for data in sections for kind in SECTIONS for spec in data.get(kind, {}).values()]
    assert all("root" not in spec or "docs/samples" in spec.root for spec in sources)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("rvm")])
def test_rvms_passes(name):
    """The order within a step is that of the published training; the samples of the tiny variant serve all of them."""
    config = recipe(name).get_config("tiny")
    batch_sizes = {one.name: one.batch_size for one in make_passes(config.train)}
    high = ["high"] if name in ("rvm_stage3", "rvm_stage4") else []
    assert list(batch_sizes) == [MAIN, *high, "images", "video"]  # by name
    due = [[one.name for one in make_passes(config.train) if one.is_due(step)] for step in (1, 2)]
    assert due == [[MAIN, *high, "video"], [MAIN, *high, "images"]]
    full = recipe(name).get_config().train.passes
    assert full.images.batch_size == full.video.batch_size * recipe(name).get_config().data.seq_length
    for section in (ConfigDict(), *(section.data for section in config.train.passes.values())):
        data = {**config.data.to_dict(), **section.to_dict()}
        with make_batches(data, batch_size=2, num_clips=2) as stream:
            clip = next(stream)
        assert clip["src"].shape == (2, data["seq_length"], *[data["resolution"]] * 2, 3)
        assert ("seg" in clip) == ("segmentation" in data)
        assert ("fgr" in clip) == ("segmentation" not in data)


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


def test_the_best_recipe_mixes_techniques_that_fit_together():
    config = recipe("face_best").get_config("tiny")
    assert set(config.data.techniques) == {"natocc", "moving", "soft", "shapes"}
    with make_batches(config.data, batch_size=4, num_clips=12) as stream:
        assert [batch["pha"].shape for batch in stream] == [(4, 2, 64, 64, 1)] * 3
    with pytest.raises(ValueError, match="no variant 'as_published'"):
        recipe("face_best").get_config("as_published")
