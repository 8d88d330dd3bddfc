"""The README's first command, in a few small steps: training, held-out clips, matting, evaluation, pictures.

Its training is also what killed runs are compared with, which share the compiled step.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from flax import nnx
from quick_compilation import QUICK_FLAGS

import rvm_jax
from configs import quickstart
from rvm_jax.networks import functional
from rvm_jax.weights.torch_weights import state_dict
from scripts import ROOT

Whole = tuple[Path, str]

# One device, and half of the time to compile; no second start for the sake of glibc's memory.
ENVIRONMENT = os.environ | {
    "XLA_FLAGS": QUICK_FLAGS,
    "GLIBC_TUNABLES": "",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The work directory, and what was printed."""
    workdir = tmp_path_factory.mktemp("quickstart")
    arguments = ["--config=configs/quickstart.py:tiny", "--num_clips=2", f"--workdir={workdir}"]
    command = [sys.executable, str(ROOT / "scripts" / "quickstart.py"), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT)
    assert result.returncode == 0, result.stderr
    return workdir, result.stdout


def test_the_whole_way(whole: Whole) -> None:
    workdir, printed = whole
    assert "best constant" in printed
    spent = printed[printed.index("What the time went into") :]
    for what in ("Training", "compilation", "steps", "validation", "waiting for data", "Matting", "Evaluation"):
        assert what in spent
    for name in ("config.json", "metrics.jsonl", "starts.json", "contact_sheet.png", "comparison.mp4"):
        assert (workdir / name).stat().st_size > 0
    evaluation = json.loads((workdir / "predictions" / "eval.json").read_text())
    assert sum(row["pictures"] for row in evaluation["categories"]) == 2 * 16


def test_all_parts_learned_but_those_without_a_part_in_the_loss(whole: Whole) -> None:
    config = quickstart.get_config("tiny")
    settings = {key: value for key, value in config.network.items() if key not in ("start_from", "backbone")}
    _, start, _ = functional.split(rvm_jax.MattingNetwork(**settings, rngs=nnx.Rngs(config.train.seed)))
    _, end, batch_stats = functional.split(rvm_jax.load(whole[0]))
    moved = {key for key in start if not np.array_equal(start[key], end[key])}
    assert {key.split(".")[0] for key in moved} == {"backbone", "aspp", "decoder", "project_mat"}
    assert start.keys() - moved == {key for key in start if key.startswith(("refiner.", "project_seg."))}
    assert {int(n) for key, n in batch_stats.items() if key.endswith("tracked") and "refiner" not in key} == {4}


def test_a_run_that_was_killed_resumes_bit_for_bit(whole: Whole, tmp_path: Path) -> None:
    def run(name: str, batch: int) -> "subprocess.CompletedProcess[str]":
        script = str(ROOT / "tests" / "killed_run.py")
        arguments = ["--config=configs/quickstart.py:tiny", f"--workdir={tmp_path}"]
        command = [sys.executable, script, name, str(batch), *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT)

    def saved() -> list[str]:
        return sorted(path.name for path in (tmp_path / "checkpoints").iterdir())

    ended = run("SIGTERM", 1)
    assert ended.returncode == 128 + signal.SIGTERM, ended.stderr
    assert "ended by SIGTERM after step 1, which is saved; start it again" in ended.stderr
    assert saved() == ["1"]
    assert run("SIGKILL", 3).returncode == -signal.SIGKILL
    assert saved() in (["1", "2"], ["1", "2.orbax-checkpoint-tmp"])  # the second may still have been written
    last = run("SIGKILL", 99)
    assert last.returncode == 0, last.stderr
    assert saved()[-1] == "4"

    assert logged(tmp_path) == logged(whole[0])
    ours, expected = (state_dict(rvm_jax.load(workdir)) for workdir in (tmp_path, whole[0]))
    for key, tensor in expected.items():
        np.testing.assert_array_equal(ours[key], tensor, err_msg=key)


def logged(workdir: Path) -> list[dict[str, float]]:
    """All that was logged but for what the clock says."""
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [{key: line[key] for key in line if key not in ("frames_per_second", "data_wait")} for line in lines]
