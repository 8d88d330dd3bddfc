"""The README's first command, in a few small steps: training, held-out clips, matting, evaluation, pictures."""

import json
import subprocess
import sys

from scripts._checkout import ROOT


def test_the_whole_way(tmp_path):
    arguments = ["--config=configs/quickstart.py:tiny", "--num_clips=2", f"--workdir={tmp_path}"]
    command = [sys.executable, ROOT / "scripts" / "quickstart.py", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    assert "best constant" in result.stdout
    for name in ("config.json", "metrics.jsonl", "contact_sheet.png", "comparison.mp4"):
        assert (tmp_path / name).stat().st_size > 0
    evaluation = json.loads((tmp_path / "predictions" / "eval.json").read_text())
    assert sum(row["pictures"] for row in evaluation["categories"]) == 2 * 16
