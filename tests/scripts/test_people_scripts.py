"""The commands about rendered people: all that is known of a clip as files, sheets, and checks."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import read_picture

ROOT = Path(__file__).parents[2]


def run_script(name: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / name), *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_all_that_is_known_of_a_clip(tmp_path: Path) -> None:
    options = [f"--output_dir={tmp_path}", "--num_clips=1", "--frames=1", "--size=48", "--option=hands=1.0"]
    done = run_script("render_people.py", *options)
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "000000.json").read_text())
    assert document["category"] in ("hand", "object") and len(document["frames"][0]["landmarks"]) == 33
    assert read_picture(tmp_path / "img/000000/00000.png").shape == (48, 48, 3)
    face, visible = (read_mask(tmp_path / name / "000000/00000.png").astype(int) for name in ("face", "mask"))
    assert face.sum() >= 0.9 * visible.sum() > 0
    depth = cv2.imread(str(tmp_path / "depth/000000/00000.png"), cv2.IMREAD_UNCHANGED)
    assert depth is not None and depth.dtype == np.uint16 and 200 < depth[depth > 0].min() < 2000
    written = (tmp_path / "img/000000/00000.png").stat().st_mtime_ns
    assert run_script("render_people.py", *options).returncode == 0
    assert (tmp_path / "img/000000/00000.png").stat().st_mtime_ns == written
    other = run_script("render_people.py", *options[:-1])
    assert other.returncode == 1 and "it was rendered with other settings; give another --output_dir" in other.stderr


def test_a_sheet_of_people(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    options = ["--people=people", "--num_clips=3", "--width=32", "--columns=2", f"--output={sheet}"]
    done = run_script("preview_data.py", *options)
    assert done.returncode == 0, done.stderr
    assert read_picture(sheet).shape == (64, 64, 3)
    options[0] = "--people=occluders"
    assert run_script("preview_data.py", *options).returncode == 0
    assert read_picture(sheet).shape == (64, 64, 3)
    for both in ([], ["--people=wear", "--config=configs/quickstart.py"]):
        done = run_script("preview_data.py", *both)
        assert done.returncode == 1 and "give either --config" in done.stderr


def test_the_checks() -> None:
    done = run_script("check_people.py", "--exact=2", "--memory=2", "--size=64")
    assert done.returncode == 0, done.stderr
    assert "2 frames of 64², 2×2 beside 6×6 samples a pixel: mean difference" in done.stdout
    assert "2 frames of 64²: " in done.stdout
    assert "say what to check" in run_script("check_people.py").stderr
