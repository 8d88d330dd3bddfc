"""The sweep's course with a stand-in for training, its resumption, and what the matrix says."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict

from configs.technique_sweep import get_config
from eval.study import sweep
from rvm_jax.errors import UserError
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import write_picture

ROOT = Path(__file__).parents[2]
# How much too dark a contender's alphas are; every seed adds one.
DARKER = {"bare": 60, "mixture": 20}


class Stand:
    """Stands in for training and prediction; `runs` are what was trained: (folder, techniques, seeds, start)."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, set[str], set[int], str]] = []

    def train(self, config: ConfigDict, workdir: Path, batches: Callable[[int], Any], evaluators: Any) -> None:
        assert "sweep" not in config
        seeds = {config.data.seed, config.train.seed}
        name = f"{workdir.parent.name}/{workdir.name}"
        self.runs.append((name, set(config.data.techniques), seeds, config.network.start_from))
        with batches(0) as stream:
            next(stream)

    def predict(self, run: Path, labels: Path, predictions: Path) -> None:
        darker = DARKER[run.parent.name] + int(run.name)
        for mask in labels.glob("*/mask/**/*.png"):
            category, _, *rest = mask.relative_to(labels).parts
            alpha = read_mask(mask, rescale=False)
            write_picture(
                predictions.joinpath(category, *rest), np.where(alpha > darker, alpha - darker, 0).astype(np.uint8)
            )

    def sweep(self, config: ConfigDict, workdir: Path, predict: sweep.Predict | None = None) -> sweep.Errors:
        return sweep.run(config, workdir, train=self.train, predict=predict or self.predict)


def _config(**changes: Any) -> ConfigDict:
    config = get_config("tiny")
    config.sweep.seeds = 2
    config.sweep.benchmark.clips = 0
    config.sweep.update(changes)
    return config


def test_all_contenders_have_the_same_budget_and_start(tmp_path: Path) -> None:
    stand = Stand()
    found = stand.sweep(_config(), tmp_path)
    starts = [str(tmp_path / "start" / seed) for seed in ("2", "3")]
    everything = {"published", "natocc", "randocc", "faceocc", "matting"}
    bare = {"main"}
    assert stand.runs == [
        ("start/2", bare, {2}, ""), ("bare/0", bare, {0}, starts[0]), ("mixture/0", everything, {0}, starts[0]),
        ("start/3", bare, {3}, ""), ("bare/1", bare, {1}, starts[1]), ("mixture/1", everything, {1}, starts[1]),
    ]  # fmt: skip
    assert set(found["bare"]) == {"hands", "objects", "soft", "shapes", "hair_and_nets"}
    head, *lines, mean = sweep.matrix(found)
    assert head == ["category", "units", "bare", "mixture"]
    assert (mean[0], mean[1]) == ("mean", "10")
    assert mean[3].endswith(" *") and not mean[2].endswith("*")  # paired, the darker one is worse beyond chance
    assert len(lines) == 5
    seeds = [float(line[1]) for line in sweep.seeds_table(found)[1:]]
    assert 0 < seeds[1] - seeds[0] < 5
    assert np.mean(seeds) == pytest.approx(float(mean[2].split(" ")[0]), rel=1e-3)


def test_a_sweep_is_resumed_where_it_stopped(tmp_path: Path) -> None:
    stand, config = Stand(), _config(start="", seeds=1)
    whole = stand.sweep(config, tmp_path / "whole")

    def stop(run: Path, labels: Path, predictions: Path) -> None:
        if run.parent.name == "mixture":
            raise KeyboardInterrupt
        stand.predict(run, labels, predictions)

    with pytest.raises(KeyboardInterrupt):
        stand.sweep(config, tmp_path / "halves", stop)
    written = (tmp_path / "halves" / "bare" / "0" / "eval.json").stat().st_mtime_ns
    assert sweep.as_json(stand.sweep(config, tmp_path / "halves")) == sweep.as_json(whole)
    assert [name for name, *_ in stand.runs] == ["bare/0", "mixture/0", "bare/0", "mixture/0", "mixture/0"]
    assert (tmp_path / "halves" / "bare" / "0" / "eval.json").stat().st_mtime_ns == written


def test_settings_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'nothing' is none of the contenders"):
        Stand().sweep(_config(start="nothing"), tmp_path)
    with pytest.raises(UserError, match="no variant"):
        get_config("huge")
    assert get_config("full").sweep.start == ""


def test_the_star_takes_in_what_chance_may_explain() -> None:
    rng = np.random.default_rng(0)
    base = rng.exponential(10, 40)

    def contender(*offsets: float) -> dict[str, dict[str, np.ndarray]]:
        """Errors of 40 pictures by two seeds; an offset for each."""
        noisy = [base + offset + rng.normal(0, 1, 40) for offset in offsets]
        return {"c": {f"c/{i}": np.array(each) for i, each in enumerate(zip(*noisy, strict=True))}}

    # Worse on average by 1 in both seeds, or by 2 in one of them: two trainings may differ as much by chance.
    errors = {
        "best": contender(0, 0),
        "equal": contender(0, 0),
        "worse": contender(1, 1),
        "unsure": contender(2.5, -0.5),
    }
    line = sweep.matrix(errors)[1]
    assert [cell.endswith("*") for cell in line[2:]] == [True, True, False, True]


def test_script_says_what_recipe_it_needs(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(ROOT / "scripts" / "sweep.py"),
        "--config=configs/quickstart.py",
        f"--workdir={tmp_path}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.startswith("error: --config: the recipe has no section `sweep`")
    assert not list(tmp_path.iterdir())
