"""Settings of earlier versions: in a recipe, in a work directory, and as flags."""

import json
from pathlib import Path

import pytest
from etils import epath
from ml_collections import ConfigDict

from configs import face_stage1, rvm_stage3
from rvm_jax import UserError, create
from rvm_jax.networks import functional
from rvm_jax.train.rates import resolve_rates
from rvm_jax.train.renamed import apply_renamed_flags, current_settings, take_renamed_flags
from rvm_jax.train.workdir import check_config

OLD_RATES = {"backbone": 1e-4, "aspp": 2e-4, "decoder": 2e-4, "refiner": 0.0}


def old(config: ConfigDict, rates: dict[str, float]) -> ConfigDict:
    """The config as the version before had it."""
    settings = config.to_dict()
    settings["train"]["passes"] = settings["train"].pop("phases")
    settings["optimizer"] = {key: x for key, x in settings["optimizer"].items() if key not in ("name", "kwargs")}
    settings["optimizer"]["rates"] = rates
    return ConfigDict(settings)


def test_rates_by_part_and_passes() -> None:
    before = old(rvm_stage3.get_config("tiny"), {"backbone": 1e-5, "aspp": 1e-5, "decoder": 1e-5, "refiner": 2e-4})
    settings, said = current_settings(before.to_dict())
    assert settings["train"]["phases"] == rvm_stage3.get_config("tiny").train.phases.to_dict()
    assert settings["optimizer"]["name"] == "adam"
    assert said[0] == "train.passes is now called train.phases"
    assert said[1].startswith("optimizer.rates is now a list of patterns and rates, here (('aspp', 1e-05)")
    assert "rates" in before.optimizer and "passes" in before.train  # it stays as it is
    for refiner in ("deep_guided_filter", "fast_guided_filter"):  # the fast one has no tensors
        _, params, _ = functional.split(create(refiner=refiner, rngs=None))
        expected = resolve_rates(params, rvm_stage3.RATES)
        assert resolve_rates(params, settings["optimizer"]["rates"]) == expected


def test_shell_patterns_of_what_is_frozen() -> None:
    settings, said = current_settings(
        {"optimizer": {"rates": OLD_RATES, "freeze": ("backbone", "*.gru.*", "project_*")}}
    )
    _, params, _ = functional.split(create(rngs=None))
    rates = resolve_rates(params, ((".*", 1.0),), settings["optimizer"]["freeze"])
    frozen = {key for key, rate in rates.items() if rate == 0}
    assert frozen == {key for key in params if key.startswith(("backbone.", "project_")) or ".gru." in key}
    assert "optimizer.freeze now takes regular expressions" in said[-1]
    assert current_settings({"optimizer": {"freeze": (".*gru.*",)}})[0]["optimizer"]["freeze"] == (".*gru.*",)


def test_a_work_directory_of_the_version_before_is_resumed(tmp_path: Path) -> None:
    config, workdir = face_stage1.get_config(), epath.Path(tmp_path)
    before = old(config, OLD_RATES)
    (tmp_path / "config.json").write_text(json.dumps(before.to_dict()))
    assert check_config(config, workdir, write=False) == ""
    (tmp_path / "config.json").write_text(json.dumps(old(config, OLD_RATES | {"decoder": 1e-4}).to_dict()))
    with pytest.raises(UserError, match=r"optimizer\.rates is .*backbone.*, was .*decoder"):
        check_config(config, workdir, write=False)


def test_flags() -> None:
    argv = ["train.py", "--config=x.py", "--config.optimizer.rates.decoder=1e-3", "--config.train.steps=4",
            "--config.train.passes.high.batch_size=6"]  # fmt: skip
    overrides = take_renamed_flags(argv)
    assert argv == ["train.py", "--config=x.py", "--config.train.steps=4"]
    assert overrides == [("optimizer.rates.decoder", "1e-3"), ("train.passes.high.batch_size", "6")]
    config = rvm_stage3.get_config().lock()
    said = apply_renamed_flags(config, overrides)
    assert config.train.phases.high.batch_size == 6
    assert config.optimizer.rates == (("decoder|project_mat|project_seg", 1e-3), *rvm_stage3.RATES)
    assert said[1] == "--config.train.passes.high.batch_size is now --config.train.phases.high.batch_size"
    assert said[0].startswith('--config.optimizer.rates.decoder is now --config.optimizer.rates="((')

    before = old(rvm_stage3.get_config(), OLD_RATES)
    assert apply_renamed_flags(before, overrides) == []
    assert (before.optimizer.rates.decoder, before.train.passes.high.batch_size) == (1e-3, 6)


@pytest.mark.parametrize("override", [("train.passes.high.batch", "6"), ("optimizer.rates.decoder", "fast")])
def test_flags_that_name_nothing(override: tuple[str, str]) -> None:
    with pytest.raises(UserError, match=rf"--config\.{override[0]}"):
        apply_renamed_flags(rvm_stage3.get_config(), [override])


def test_a_pattern_is_a_text() -> None:
    with pytest.raises(UserError, match=r"optimizer\.freeze: 3 is no pattern of names; give such as"):
        current_settings({"optimizer": {"freeze": (3,)}})
