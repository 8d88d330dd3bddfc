"""Every shipped recipe: it loads, its sections are those of all recipes, and its values fit together."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from ml_collections import ConfigDict

from data_pipeline.pipeline import make_batches
from data_pipeline.sources.listing import SECTIONS
from rvm_jax import create
from rvm_jax.networks import functional
from rvm_jax.train.losses.objectives import make_objective
from rvm_jax.train.optimizer import make_optimizer
from rvm_jax.train.phases import MAIN, make_phases
from rvm_jax.train.rates import resolve_rates

FOLDER = Path(__file__).resolve().parents[2] / "configs"
STUDIES = {"technique_sweep", "people_or_drawn", "study"}  # of several trainings, not of scripts/train.py
BENCHMARKS = {"real_faces"}  # of scripts/make_benchmark.py
NAMES = sorted({path.stem for path in FOLDER.glob("[!_]*.py")} - STUDIES - BENCHMARKS)


def recipe(name: str) -> ModuleType:
    return import_module(f"configs.{name}")


@pytest.mark.parametrize("variant", ["", "tiny"])
@pytest.mark.parametrize("name", NAMES)
def test_sections_fit_together(name: str, variant: str) -> None:
    config = recipe(name).get_config(variant)
    assert set(config) == {"network", "data", "train", "optimizer", "eval", "log"}
    assert config.data.resolution >= 64  # the Laplacian pyramid needs it
    assert set(config.data) >= {"techniques", "resolution", "seq_length", "trimap", "seed", "workers"}
    assert config.train.steps or config.train.epochs
    assert config.eval.num_clips % config.eval.batch_size == 0
    assert callable(make_objective(config.train))
    assert config.data.trimap == (config.train.loss == "trimap")
    phases = make_phases(config.train)
    assert [phase.name for phase in phases] == [MAIN, *config.train.phases]

    settings = config.network.to_dict()
    assert (settings.pop("start_from"), settings.pop("backbone")) == ("", "")
    network = create(**settings, rngs=None)
    assert network.config == settings
    assert getattr(network, "foreground", False) == (config.train.loss == "matting")
    _, params, _ = functional.split(network)
    rates = resolve_rates(params, config.optimizer.rates, config.optimizer.freeze)
    kwargs = config.optimizer.kwargs.to_dict()
    assert make_optimizer(params, rates, name=config.optimizer.name, kwargs=kwargs).init(params)


@pytest.mark.parametrize("name", NAMES)
def test_tiny_is_small_and_needs_no_download(name: str) -> None:
    config = recipe(name).get_config("tiny")
    assert 0 < config.train.steps <= 4
    assert (config.data.resolution, config.data.seq_length, config.train.batch_size) == (64, 2, 2)
    assert (config.eval.num_clips, config.data.workers) == (2, 0)
    sections = [config.data, *(section.data for section in config.train.phases.values())]
    sources = [spec for data in sections for kind in SECTIONS for spec in data.get(kind, {}).values()]
    assert all("root" not in spec or "docs/samples" in spec.root for spec in sources)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("rvm")])
def test_rvms_phases(name: str) -> None:
    """The order within a step is that of the published training; the samples of the tiny variant serve all of them."""
    config = recipe(name).get_config("tiny")
    batch_sizes = {phase.name: phase.batch_size for phase in make_phases(config.train)}
    high = ["high"] if name in ("rvm_stage3", "rvm_stage4") else []
    assert list(batch_sizes) == [MAIN, *high, "images", "video"]  # by name
    due = [[phase.name for phase in make_phases(config.train) if phase.is_due(step)] for step in (1, 2)]
    assert due == [[MAIN, *high, "video"], [MAIN, *high, "images"]]
    full = recipe(name).get_config().train.phases
    assert full.images.batch_size == full.video.batch_size * recipe(name).get_config().data.seq_length
    for section in (ConfigDict(), *(section.data for section in config.train.phases.values())):
        data = {**config.data.to_dict(), **section.to_dict()}
        with make_batches(data, batch_size=2, num_clips=2) as stream:
            clip = next(stream)
        assert clip["src"].shape == (2, data["seq_length"], *[data["resolution"]] * 2, 3)
        assert ("seg" in clip) == ("segmentation" in data)
        assert ("fgr" in clip) == ("segmentation" not in data)


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_tells_the_command(name: str) -> None:
    assert f"python scripts/train.py --config=configs/{name}.py --workdir=" in (recipe(name).__doc__ or "")


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_variant(name: str) -> None:
    with pytest.raises(ValueError, match=r"variant .huge."):
        recipe(name).get_config("huge")


def rates_of(config: ConfigDict) -> dict[str, float]:
    """The learning rate of each part of the recipe's network."""
    settings = {key: value for key, value in config.network.items() if key not in ("start_from", "backbone")}
    _, params, _ = functional.split(create(**settings, rngs=None))
    return {key.split(".")[0]: rate for key, rate in resolve_rates(params, config.optimizer.rates).items()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rvm_stage1", (1e-4, 2e-4, 2e-4, 2e-4, 2e-4, 0.0)),
        ("rvm_stage2", (5e-5, 1e-4, 1e-4, 1e-4, 1e-4, 0.0)),
        ("rvm_stage3", (1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 2e-4)),
        ("rvm_stage4", (1e-5, 1e-5, 5e-5, 5e-5, 5e-5, 2e-4)),
    ],
)
def test_rvms_rates(name: str, expected: tuple[float, ...]) -> None:
    parts = ("backbone", "aspp", "decoder", "project_mat", "project_seg", "refiner")
    assert rates_of(recipe(name).get_config()) == dict(zip(parts, expected, strict=True))


@pytest.mark.parametrize(("name", "rate"), [("modnet", 1e-3), ("mgmatting", 1e-3), ("aematter", 1e-4)])
def test_the_comparisons_adam(name: str, rate: float) -> None:
    config = recipe(name).get_config()
    assert set(rates_of(config).values()) == {rate}
    assert config.optimizer.kwargs.to_dict() == {"b1": 0.5, "b2": 0.999}


def test_the_face_recipes_differ_as_published() -> None:
    stage1, stage2 = recipe("face_stage1").get_config(), recipe("face_stage2").get_config()
    as_published = recipe("face_stage2").get_config("as_published")
    assert [config.train.loss for config in (stage1, stage2, as_published)] == ["alpha", "trimap", "alpha_composed"]
    assert [config.train.batch_size for config in (stage1, stage2)] == [16, 8]
    for config in (stage1, stage2):
        rates = rates_of(config)
        assert {name: rates[name] for name in ("backbone", "aspp", "decoder", "refiner")} == {
            "backbone": 1e-4, "aspp": 2e-4, "decoder": 2e-4, "refiner": 0.0
        }  # fmt: skip
        assert rates["project_mat"] == rates["project_seg"] == rates["decoder"]
        assert (config.data.resolution, config.data.seq_length) == (512, 4)


def test_the_best_recipe_mixes_techniques_that_fit_together() -> None:
    config = recipe("face_best").get_config("tiny")
    assert set(config.data.techniques) == {"natocc", "moving", "soft", "shapes"}
    with make_batches(config.data, batch_size=4, num_clips=12) as stream:
        assert [batch["pha"].shape for batch in stream] == [(4, 2, 64, 64, 1)] * 3
    with pytest.raises(ValueError, match="no variant 'as_published'"):
        recipe("face_best").get_config("as_published")
