"""The training loop: what it leaves in its work directory, what it logs, and how phases take turns."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
import tiny_network
from flax import nnx
from ml_collections import ConfigDict
from training_runs import (
    Evaluator,
    Interruption,
    Run,
    SomeBlack,
    Stream,
    Whole,
    assert_same_tree,
    batch,
    curves,
    interrupt,
    recipe,
)

import rvm_jax
from rvm_jax import UserError
from rvm_jax.media.pictures import read_picture
from rvm_jax.networks import functional


def test_the_work_directory(whole: Whole) -> None:
    workdir, state = whole
    assert int(state.step) == 4
    found = {str(path.relative_to(workdir)) for path in workdir.rglob("*")}
    assert {"config.json", "metrics.jsonl", "pictures/valid_clips_000004.jpg"} <= found
    assert {f"checkpoints/{step}/{item}" for step in (2, 4) for item in ("model", "train")} <= found
    assert list((workdir / "tensorboard").glob("events*"))
    assert json.loads((workdir / "config.json").read_text()) == json.loads(json.dumps(recipe().to_dict()))
    (start,) = json.loads((workdir / "starts.json").read_text())
    assert (start["step"], start["data_fingerprint"]) == (0, "cafe")
    assert {"jax", "flax", "numpy", "python"} <= set(start["versions"])
    assert start["devices"].startswith("2 ") or jax.device_count() != 2


def test_what_is_logged(whole: Whole) -> None:
    workdir, state = whole
    logged = curves(workdir)
    assert sorted(step for step, values in logged if "loss/total" in values) == [1, 2, 3, 4]
    for step, values in logged:
        if "loss/total" in values:
            parts = [values[f"loss/{name}"] for name in ("pha_l1", "pha_coherence")]
            assert values["loss/total"] == pytest.approx(sum(parts), rel=1e-6)
            assert values["gradient_norm"] > 0
            assert values["skipped"] == values["skipped_in_row"] == 0
            # one step of warm-up, then down a cosine of three
            factor = (0, 1, 0.75, 0.25)[step - 1]
            assert values["rate/backbone"] == pytest.approx(1e-2 * factor, abs=1e-8)
        else:
            assert step == 4
            assert values == {"valid/mean": pytest.approx(float(state.batch_stats["backbone.1.running_mean"][0]))}
    (first, *_) = (workdir / "metrics.jsonl").read_text().splitlines()
    assert json.loads(first)["frames_per_second"] > 0
    assert 0 <= json.loads(first)["data_wait"] <= 1


def test_its_latest_checkpoint_is_the_final_network(whole: Whole) -> None:
    workdir, state = whole
    _, params, batch_stats = functional.split(rvm_jax.load(workdir))
    assert_same_tree(jax.device_get((params, batch_stats)), (state.params, state.batch_stats))


def test_one_device_computes_what_two_do(whole: Whole, run: Run, tmp_path: Path) -> None:
    with pytest.raises(Interruption):
        run(tmp_path, Stream(3, interrupt), devices=1)
    expected = dict(curves(whole[0]))
    logged = curves(tmp_path)
    assert [step for step, _ in logged] == [1, 2]
    for step, values in logged:
        for key in ("loss/total", "gradient_norm"):
            assert values[key] == pytest.approx(expected[step][key], rel=1e-5), (step, key)


def test_the_best_network_is_kept(run: Run, tmp_path: Path) -> None:
    config = recipe(keep_best="valid/mean")
    config.eval.every = 1
    run(tmp_path, Stream(), config=config)
    means = {step: values["valid/mean"] for step, values in curves(tmp_path) if "valid/mean" in values}
    assert len(means) == 4
    (kept,) = (tmp_path / "best").iterdir()
    assert int(kept.name) == min(means, key=means.__getitem__)
    assert dict(Evaluator()(rvm_jax.load(tmp_path / "best")))["mean"] == min(means.values())
    config.train.keep_best = "valid/mse"
    with pytest.raises(UserError, match=r"train\.keep_best 'valid/mse' is no metric of the evaluation; use valid/mean"):
        run(tmp_path / "other", Stream(), config=config)
    assert not (tmp_path / "other").exists()  # said at the start


def test_pictures_of_the_training(run: Run, tmp_path: Path) -> None:
    config = recipe()
    config.log.pictures_every = 3
    run(tmp_path, Stream(), config=config)
    assert [path.name for path in (tmp_path / "pictures").glob("training*")] == ["training_000003.jpg"]
    sheet = read_picture(tmp_path / "pictures" / "training_000003.jpg")
    assert sheet.shape == (2 * 68 + 4, 4 * 68 + 4, 3)  # two frames: input, true and predicted alpha, error
    true = sheet[4:68, 72:136]
    assert np.abs(true - batch(2)["pha"][0, 0].astype(int)).mean() < 8  # JPEG
    assert 0 < sheet[4:68, 140:204].mean() < 255


def test_a_trace_of_some_steps(run: Run, tmp_path: Path) -> None:
    run(tmp_path, Stream(), profile_steps=1)
    assert list((tmp_path / "profile").rglob("*.xplane.pb"))


def with_an_extra_phase() -> ConfigDict:
    """A recipe whose even steps have a second phase, of cropped clips."""
    config = recipe()
    config.train.phases = {
        "second": {"loss": "tiny", "every": 2, "first": 2, "batch_size": 2, "crop_sizes": ((32, 48),)}
    }
    return config


def test_phases_in_turns(run: Run, tmp_path: Path) -> None:
    first, second = Stream(), Stream()
    whole = run(tmp_path / "whole", first, config=with_an_extra_phase(), phase_batches={"second": second})
    assert (first.taken, second.taken) == ([0, 1, 2, 3], [0, 1])
    assert int(whole.step) == 6  # updates
    assert int(whole.batch_stats["backbone.1.num_batches_tracked"]) == 6
    logged = dict(curves(tmp_path / "whole")[:4])
    assert ["second/loss/total" in logged[step] for step in (1, 2, 3, 4)] == [False, True, False, True]
    # The schedule counts updates: one of warm-up, then down to 0 at the sixth.
    assert logged[4]["rate/backbone"] == pytest.approx(1e-2 * (1 + np.cos(np.pi * 4 / 5)) / 2, rel=1e-4)

    with pytest.raises(Interruption):
        streams = {"second": Stream()}
        run(tmp_path / "cut", Stream(3, interrupt), config=with_an_extra_phase(), phase_batches=streams)
    second = Stream()
    again = run(tmp_path / "cut", Stream(), config=with_an_extra_phase(), phase_batches={"second": second})
    assert second.taken == [1]
    assert_same_tree(again, whole)


def test_metrics_are_fetched_when_they_are_logged_and_nothing_moves_unasked(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two steps of four are logged; skipped updates of the others are told then, too."""
    config = recipe()
    config.log.every = 2
    run(tmp_path / "warm", Stream())  # what is compiled in the loop's first steps may hold constants
    network = tiny_network.TinyNetwork(rngs=nnx.Rngs(0))
    with jax.transfer_guard("disallow"):
        run(tmp_path / "work", SomeBlack(0), config=config, network=network)
    assert [step for step, values in curves(tmp_path / "work") if "loss/total" in values] == [2, 4]
    assert "step 1: loss/total is nan" in capsys.readouterr().out
