"""Updates that are not finite, and runs that cannot begin or resume."""

from pathlib import Path

import jax
import numpy as np
import pytest
from training_runs import Interruption, Run, SomeBlack, Stream, assert_same_tree, black, curves, interrupt, recipe

from rvm_jax import UserError


def test_updates_that_are_not_finite_are_skipped(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = run(tmp_path, SomeBlack(1, 3))
    assert (int(state.step), int(state.skipped), int(state.skipped_in_row)) == (4, 2, 1)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(state))
    assert int(state.batch_stats["backbone.1.num_batches_tracked"]) == 2
    assert [int(values["skipped"]) for _, values in curves(tmp_path) if "skipped" in values] == [0, 1, 1, 2]
    assert "step 2: loss/total is nan, the gradient's norm nan; the update is skipped" in capsys.readouterr().out


def test_too_many_in_a_row_stop_the_run(run: Run, tmp_path: Path) -> None:
    config = recipe(max_skipped_in_row=2)
    with pytest.raises(
        UserError, match=r"step 4: loss/total is nan.* 2 times in a row .*max_skipped_in_row.*\.npz"
    ) as caught:
        run(tmp_path, SomeBlack(2, 3), config=config)
    path = next(tmp_path.glob("failed_batch_*.npz"))
    assert path.name == "failed_batch_000004_host0.npz"
    assert str(path) in str(caught.value)
    with np.load(path) as kept:
        assert_same_tree(dict(kept), black(3))
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["2"]


def test_a_batch_that_is_gone_is_not_kept(run: Run, tmp_path: Path) -> None:
    config = recipe(max_skipped_in_row=2, checkpoint_every=4)
    config.log.every = 3
    with pytest.raises(
        UserError, match=r"step 2: .* 2 times in a row .*; its batch is gone by now, log\.every=1 keeps"
    ):
        run(tmp_path, SomeBlack(0, 1), config=config)
    assert not list(tmp_path.glob("failed_batch_*"))


@pytest.mark.parametrize("name", ["", "config.json", "checkpoints", "metrics.jsonl", "tensorboard"])
def test_a_work_directory_that_cannot_be_written(run: Run, tmp_path: Path, name: str) -> None:
    path = tmp_path / "work" / name
    path.parent.mkdir(exist_ok=True)
    if name in ("config.json", "metrics.jsonl"):
        path.mkdir()  # where a file should go
    else:
        path.touch()
    with pytest.raises(UserError, match=r"cannot be (read or )?written \(.+\)"):
        run(tmp_path / "work", Stream())


def test_a_damaged_checkpoint(run: Run, tmp_path: Path) -> None:
    with pytest.raises(Interruption):
        run(tmp_path, Stream(3, interrupt))
    for path in (tmp_path / "checkpoints" / "2" / "train").rglob("*"):
        if path.is_file() and path.parent.name == "d":
            path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(
        UserError, match=r"checkpoints/2: the checkpoint is damaged .* remove it to resume from the one"
    ):
        run(tmp_path, Stream())


def test_the_devices_must_divide_the_batch(run: Run, tmp_path: Path) -> None:
    config, count = recipe(batch_size=jax.device_count() + 1), jax.device_count()
    with pytest.raises(UserError, match=rf"{count + 1} clips at a time .* cannot be split across {count} devices"):
        run(tmp_path / "work", Stream(), devices=count, config=config)
    assert not (tmp_path / "work").exists()


def test_an_unknown_loss(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\.loss 'alfa' is unknown; use one of alpha, "):
        run(tmp_path / "work", Stream(), config=recipe(loss="alfa"))
    assert not (tmp_path / "work").exists()


def test_a_loss_that_the_network_does_not_have(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\.loss=mgmatting does not fit the network tiny .*; its own is .*=tiny"):
        run(tmp_path / "work", Stream(), config=recipe(loss="mgmatting"))
    assert not (tmp_path / "work").exists()


def test_no_steps(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\.steps=0 must be 1 or more"):
        run(tmp_path / "work", Stream(), config=recipe(steps=0))
    assert not (tmp_path / "work").exists()
