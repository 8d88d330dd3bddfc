"""Runs that were interrupted resume bit for bit, and with other settings only if told to."""

import json
import os
import resource
import signal
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict
from training_runs import Interruption, Run, Stream, Whole, assert_same_tree, curves, interrupt, recipe

from rvm_jax import UserError
from rvm_jax.train.preemption import Preempted
from rvm_jax.train.step import make_train_step


def test_an_interrupted_run_resumes_bit_for_bit(whole: Whole, run: Run, tmp_path: Path) -> None:
    first, second = Stream(3, interrupt), Stream()
    with pytest.raises(Interruption):
        run(tmp_path, first, fingerprint="cafe")
    assert first.closed
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["2"]
    with (tmp_path / "metrics.jsonl").open("a") as file:  # what it logged after its checkpoint, the last line cut short
        file.write('{"step": 3, "loss/total": 9.0}\n{"step": 4, "loss/to')
    (tmp_path / "checkpoints" / "3.orbax-checkpoint-tmp").mkdir()  # killed while it wrote

    state = run(tmp_path, second, fingerprint="cafe")
    assert second.taken == [2, 3]
    workdir, expected = whole
    assert_same_tree(state, expected)
    assert curves(tmp_path) == curves(workdir)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["2", "4"]
    assert [start["step"] for start in json.loads((tmp_path / "starts.json").read_text())] == [0, 2]


def test_sigterm_saves_first(whole: Whole, run: Run, tmp_path: Path) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    stream = Stream(2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Preempted, match="after step 3, which is saved"):
        run(tmp_path, stream)
    assert signal.getsignal(signal.SIGTERM) == handler
    assert stream.taken == [0, 1, 2]
    assert (tmp_path / "checkpoints" / "3").is_dir()
    state = run(tmp_path, Stream())
    workdir, expected = whole
    assert_same_tree(state, expected)
    assert curves(tmp_path) == curves(workdir)


def test_a_finished_run_takes_no_batch(whole: Whole, run: Run) -> None:
    workdir, expected = whole
    logged = curves(workdir)
    stream = Stream()
    assert_same_tree(run(workdir, stream, fingerprint="cafe"), expected)
    assert stream.taken == []
    assert curves(workdir) == logged


def test_a_full_disk_leaves_the_last_checkpoint(whole: Whole, run: Run, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))

    try:
        with pytest.raises(UserError, match=r"cannot be (read or )?written \(.+\)"):
            run(tmp_path, Stream(2, fill_the_disk))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert_same_tree(run(tmp_path, Stream()), whole[1])
    assert curves(tmp_path) == curves(whole[0])


def test_other_settings_are_refused_unless_told_to(whole: Whole, run: Run) -> None:
    workdir, _ = whole
    config = recipe(seed=7)
    config.data.faces.main.max_items = 5
    config.log.every = 3  # may change
    difference = "data.faces.main.max_items is 5, was 4000; train.seed is 7, was 0"
    with pytest.raises(UserError) as caught:
        run(workdir, Stream(), config=config)
    assert str(caught.value) == (
        f"{workdir}: was made with other settings ({difference}); use another --workdir, or resume with these by "
        "--allow_changes"
    )
    assert json.loads((workdir / "config.json").read_text())["train"]["seed"] == 0


def test_changes_that_were_allowed(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Interruption):
        run(tmp_path, Stream(3, interrupt), fingerprint="cafe")
    with pytest.raises(UserError, match=r"was made with other data \(fingerprint cafe, now beef\): the number"):
        run(tmp_path, Stream(), fingerprint="beef")
    config = recipe()
    config.optimizer.clip_norm = 0.5
    with pytest.raises(UserError, match=r"optimizer\.clip_norm is 0\.5, was 0\.0"):
        run(tmp_path, Stream(), config=config, fingerprint="cafe")
    config = recipe()
    config.data.seed = 5
    assert int(run(tmp_path, Stream(), config=config, fingerprint="beef", allow_changes=True).step) == 4
    assert "resuming with other settings: data.seed is 5, was 0" in capsys.readouterr().out
    assert json.loads((tmp_path / "config.json").read_text())["data"]["seed"] == 5


@pytest.mark.parametrize(("first", "then"), [(0.0, 0.9), (0.9, 0.0)])
def test_a_run_may_begin_or_end_to_keep_an_average(run: Run, tmp_path: Path, first: float, then: float) -> None:
    """The checkpoint of the one is read by the other: the trained weights and the optimizer's moments are kept."""
    with pytest.raises(Interruption):
        run(tmp_path, Stream(3, interrupt), config=recipe(average_decay=first))
    config = recipe(average_decay=then)
    with pytest.raises(UserError, match=r"train\.average_decay is"):
        run(tmp_path, Stream(), config=config)
    state = run(tmp_path, Stream(), config=config, allow_changes=True)
    whole = run(tmp_path / "whole", Stream(), config=recipe(average_decay=first))
    # Two programs, which may round apart.
    for own, expected in ((state.params, whole.params), (state.opt_state, whole.opt_state)):
        assert str(jax.tree.structure(own)) == str(jax.tree.structure(expected))
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-7), own, expected)
    assert bool(state.average) == bool(then)


def test_another_optimizer_takes_what_it_can(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Interruption):
        run(tmp_path, Stream(3, interrupt))
    config = recipe()
    config.optimizer.update({"clip_norm": 1e9, "weight_decay": 1e-9})
    state = run(tmp_path, Stream(), config=config, allow_changes=True, make_step=make_train_step)
    assert int(state.opt_state[1][0].count) == 4
    assert "restart" not in capsys.readouterr().out

    with pytest.raises(Interruption):
        run(tmp_path / "other", Stream(3, interrupt))
    config.optimizer.name, config.optimizer.kwargs = "sgd", ConfigDict({"momentum": 0.9})
    run(tmp_path / "other", Stream(), config=config, allow_changes=True, make_step=make_train_step)
    assert "the optimizer's trace of the checkpoint cannot be used and restart" in capsys.readouterr().out
