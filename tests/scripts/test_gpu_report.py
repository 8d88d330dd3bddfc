"""The report for the day that an accelerator is there, and the benchmarks that do without one, as commands."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)


def test_a_report_names_its_commands_and_marks_what_takes_too_long(tmp_path: Path) -> None:
    output = tmp_path / "new" / "report.md"
    result = run("gpu_report.py", "--tiny", "--only=environment", f"--output={output}")
    assert result.returncode == 0, result.stderr
    text = output.read_text()
    assert text.startswith("# Accelerator report") and "## Environment" in text and "jax 0." in text
    assert "Failed" not in text

    result = run("gpu_report.py", "--tiny", "--only=parity", "--limit=1", f"--output={output}")
    assert "these sections failed: parity" in result.stdout
    assert "**Failed: ended after 1 s**" in output.read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("compile",), "give the recipe to compile"),
        (("compile", "--config=configs/quickstart.py", "--topology=v1:2x2"), "there are v5e, v6e"),
        (
            ("compile", "--config=configs/rvm_stage1.py", "--config.train.batch_size=8", "--phases=low"),
            "the recipe has main",
        ),
        (("compile_matting", "--kernels=GPU"), "--kernels=GPU: there are 'TPU', 'XLA'"),
        (("feed", "--config=configs/quickstart.py", "--workers=few"), "give whole numbers"),
    ],
)
def test_mistakes_end_in_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    result = run("benchmark.py", *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ") and sentence in result.stderr
    assert "Traceback" not in result.stderr
