"""The README's first command, in a few small steps: training, held-out clips, matting, evaluation, pictures."""

import json
import os
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
