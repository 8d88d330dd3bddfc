"""Curves of runs, read and drawn."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rvm_jax import UserError
from rvm_jax.media.pictures import read_picture
from scripts import ROOT
from scripts._curves import draw_curves, read_curves


def write_run(workdir: Path, values: dict[int, float]) -> str:
    lines = [
        json.dumps({"step": step, "loss/total": value, "frames_per_second": 3.0}) for step, value in values.items()
    ]
    lines += [json.dumps({"step": max(values), "valid/mad": min(values.values())}), '{"step": 9, "loss/to']
    workdir.mkdir()
    (workdir / "metrics.jsonl").write_text("\n".join(lines))
    return str(workdir)


def test_reading(tmp_path: Path) -> None:
    curves = read_curves(write_run(tmp_path / "a", {1: 0.5, 2: 0.25}))
    assert curves == {
        "loss/total": {1: 0.5, 2: 0.25}, "frames_per_second": {1: 3.0, 2: 3.0}, "valid/mad": {2: 0.25}
    }  # fmt: skip
    with pytest.raises(UserError, match=r"absent/metrics\.jsonl: no such file; give a work directory"):
        read_curves(str(tmp_path / "absent"))


def test_two_runs_in_one_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    runs = [write_run(tmp_path / name, {1: scale, 2: scale / 2}) for name, scale in (("a", 1.0), ("b", 0.8))]
    command = [sys.executable, str(ROOT / "scripts" / "plot_run.py"), f"--runs={','.join(runs)}"]
    output = tmp_path / "pictures" / "curves.png"
    result = subprocess.run([*command, f"--output={output}", "--metrics=loss,valid"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "loss/total: last 0.5, 0.4, mean 0.45 ± 0.071" in result.stdout
    picture = read_picture(output)
    assert picture.shape[1] > 2 * picture.shape[0] > 0  # two panels beside each other
    colours = {tuple(pixel) for pixel in picture.reshape(-1, 3)[::3].tolist()}
    assert {(31, 119, 180), (255, 127, 14)} <= colours  # a line for each run

    nothing = subprocess.run([*command, "--metrics=accuracy"], capture_output=True, text=True)
    assert nothing.returncode == 1
    assert "error: no metric begins with accuracy; there are frames_per_second, loss/total, valid/mad" in nothing.stderr


def test_smoothed_curves_follow_the_values(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    curve = {step: 1.0 + (step % 2) for step in range(50)}
    draw_curves({"loss": {"a": curve}}, str(tmp_path / "curves.png"), smooth=0.9)
    assert read_picture(tmp_path / "curves.png").std() > 0
