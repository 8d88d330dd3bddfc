"""The best network: which is kept, through runs that resume before it, and when the metric changes."""

from pathlib import Path

import jax.numpy as jnp
import pytest

from rvm_jax import UserError
from rvm_jax.train.best_checkpoint import BestCheckpoint
from rvm_jax.train.checkpoint_store import Checkpoints

KNOWN = ("valid/mad", "valid/mse")
NETWORK = {"name": "tiny"}


def save(best: BestCheckpoint, step: int, **values: float) -> None:
    named = {f"valid/{name}": value for name, value in values.items()}
    best.save(step, named, {"a": jnp.full(2, step)}, {"step": jnp.asarray(step)}, NETWORK)


def kept(folder: Path) -> dict[int, tuple[float | None, float]]:
    """By step, the notes of the metrics and what the tensor is filled with."""
    found = {}
    with Checkpoints(folder, keep=None) as store:
        for step in store.steps():
            model = store.restore(step, {"a": jnp.zeros(2, int)}, {"step": jnp.asarray(0)}, NETWORK).model
            note = store.note(step, "valid/mad")
            found[step] = (note if note is None else float(note), float(model["a"][0]))
    return found


def test_the_lowest_value_is_kept(tmp_path: Path) -> None:
    with BestCheckpoint(tmp_path, "valid/mad", KNOWN) as best:
        for step, value in ((1, 0.5), (2, 0.25), (3, float("nan")), (4, 0.3)):
            save(best, step, mad=value)
    assert kept(tmp_path) == {2: (0.25, 2.0)}


def test_a_run_that_resumes_before_the_best_step(tmp_path: Path) -> None:
    with BestCheckpoint(tmp_path, "valid/mad", KNOWN) as best:
        save(best, 10, mad=0.5)
    with BestCheckpoint(tmp_path, "valid/mad", KNOWN) as best:
        save(best, 5, mad=0.4)
    assert kept(tmp_path) == {5: (0.4, 5.0)}
    with BestCheckpoint(tmp_path, "valid/mad", KNOWN) as best:
        save(best, 6, mad=0.45)
        save(best, 5, mad=0.3)  # the very step that is there
    assert kept(tmp_path) == {5: (0.3, 5.0)}


def test_another_metric_chooses_again(tmp_path: Path) -> None:
    with BestCheckpoint(tmp_path, "valid/mse", KNOWN) as best:
        save(best, 10, mse=0.01, mad=0.9)
    with BestCheckpoint(tmp_path, "valid/mad", KNOWN) as best:
        assert kept(tmp_path) == {10: (None, 10.0)}  # until the metric has chosen
        save(best, 12, mse=0.5, mad=0.8)
        save(best, 14, mse=0.5, mad=0.85)
    assert kept(tmp_path) == {12: (0.8, 12.0)}


def test_what_a_kill_left_beside_the_best_is_removed(tmp_path: Path) -> None:
    with Checkpoints(tmp_path, keep=None) as store:
        for step, value in ((1, 0.5), (2, 0.25), (3, 0.75)):
            notes = {"valid/mad": value}
            store.save(step, {"a": jnp.full(2, step)}, {"step": jnp.asarray(step)}, NETWORK, **notes)
    with BestCheckpoint(tmp_path, "valid/mad", KNOWN):
        pass
    assert list(kept(tmp_path)) == [2]


def test_an_unknown_metric(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"keep_best 'valid/mda' is no metric of the evaluation; use valid/mad, valid/mse"
    ):
        BestCheckpoint(tmp_path, "valid/mda", KNOWN)
    with BestCheckpoint(tmp_path / "none", "", ()) as best:
        save(best, 1)
    assert not (tmp_path / "none").exists()
