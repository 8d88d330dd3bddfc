"""The sweep's course with a stand-in for training, its resumption, and what the matrix says."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from configs.technique_sweep import get_config
from eval.study import sweep
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import read_mask, write_picture

ROOT = Path(__file__).parents[2]
# How much too dark a contender's alphas are; every seed adds one.
DARKER = {"bare": 60, "mixture": 20}


@pytest.fixture
def trained(monkeypatch):
    """Replaces training and prediction; returns what was trained: (folder, techniques, seeds, start)."""
    runs = []

    def train(config, workdir, batches, evaluators):
        assert "sweep" not in config
        seeds = {config.data.seed, config.train.seed}
        runs.append(
            (f"{workdir.parent.name}/{workdir.name}", set(config.data.techniques), seeds, config.network.start_from)
        )
        next(iter(batches(0)))

    def predict(run, labels, predictions):
        darker = DARKER[run.parent.name] + int(run.name)
        for mask in labels.glob("*/mask/**/*.png"):
            category, _, *rest = mask.relative_to(labels).parts
            alpha = read_mask(mask, rescale=False)
            write_picture(
                predictions.joinpath(category, *rest), np.where(alpha > darker, alpha - darker, 0).astype(np.uint8)
            )

    monkeypatch.setattr(sweep, "train", train)
    monkeypatch.setattr(sweep, "_predict", predict)
    monkeypatch.setattr(sweep, "_keep_compilations", lambda workdir: None)
    return runs


def _config(**changes):
    config = get_config("tiny")
    config.sweep.seeds = 2
    config.sweep.benchmark.clips = 0
    config.sweep.update(changes)
    return config


def test_all_contenders_have_the_same_budget_and_start(trained, tmp_path):
    found = sweep.run(_config(), tmp_path)
    starts = [str(tmp_path / "start" / seed) for seed in ("2", "3")]
    everything = {"published", "natocc", "randocc", "faceocc", "matting"}
    bare = {"main"}
    assert trained == [
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


def test_a_sweep_goes_on_where_it_stopped(trained, tmp_path, monkeypatch):
    config = _config(start="", seeds=1)
    whole = sweep.run(config, tmp_path / "whole")
    predict = sweep._predict

    def stop(run, labels, predictions):
        if run.parent.name == "mixture":
            raise KeyboardInterrupt
        predict(run, labels, predictions)

    monkeypatch.setattr(sweep, "_predict", stop)
    with pytest.raises(KeyboardInterrupt):
        sweep.run(config, tmp_path / "halves")
    monkeypatch.setattr(sweep, "_predict", predict)
    written = (tmp_path / "halves" / "bare" / "0" / "eval.json").stat().st_mtime_ns
    assert sweep.as_json(sweep.run(config, tmp_path / "halves")) == sweep.as_json(whole)
    assert [name for name, *_ in trained] == ["bare/0", "mixture/0", "bare/0", "mixture/0", "mixture/0"]
    assert (tmp_path / "halves" / "bare" / "0" / "eval.json").stat().st_mtime_ns == written


def test_settings_that_do_not_fit(trained, tmp_path):
    with pytest.raises(UserError, match="'nothing' is none of the contenders"):
        sweep.run(_config(start="nothing"), tmp_path)
    with pytest.raises(UserError, match="no variant"):
        get_config("huge")
    assert get_config("full").sweep.start == ""


def test_the_star_takes_in_what_chance_may_explain():
    rng = np.random.default_rng(0)
    base = rng.exponential(10, 40)

    def contender(*offsets):
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


def test_script_says_what_recipe_it_needs(tmp_path):
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
