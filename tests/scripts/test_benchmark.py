"""The benchmark command: what it prints, what it writes, and how it takes its turns."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rvm_jax.errors import UserError
from scripts.benchmarks import report, timing

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "benchmark.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}  # PyTorch's threads spin, to the harm of other tests
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)


def test_matting_beside_the_twin(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    arguments = ["--size=64", "--rounds=1", "--calls=1", "--frames=5", "--nomemory"]
    result = run("matting", *arguments, f"--json={tmp_path}/rows/matting.json")
    assert result.returncode == 0, result.stderr
    assert "channels_last" in result.stdout
    assert "jax 0." in result.stdout
    assert "its slowest part is" in result.stdout
    rows = json.loads((tmp_path / "rows" / "matting.json").read_text())
    peers = ["PyTorch eager", "PyTorch eager channels_last", "PyTorch TorchScript frozen", "network alone, same chunks"]
    # Our graph and the twin's take part in ONNX Runtime and OpenVINO where these are installed.
    of_runtimes = ("ONNX Runtime", "OpenVINO")
    plain = [row for row in rows if not row["peer"].endswith(of_runtimes) and "engine=auto" not in row["name"]]
    assert [row["peer"] for row in plain] == peers
    (auto,) = (row for row in rows if "engine=auto" in row["name"])
    assert auto["peer"].startswith("the fastest other, ")
    for row in rows:
        assert list(row) == ["name", "value", "unit", "peer", "ratio"]
        assert row["unit"] == ("frames/s" if "end to end" in row["name"] else "ms")
        assert row["value"] > 0
        assert row["ratio"] > 0


@pytest.mark.parametrize("arguments", [[], ["speed"], ["--json=rows.json"]])
def test_an_unknown_benchmark_ends_in_one_sentence(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert "matting" in result.stderr
    assert "Traceback" not in result.stderr


def test_turns_alternate_and_the_first_call_of_a_turn_does_not_count() -> None:
    calls: list[str] = []
    contenders = {name: partial(calls.append, name) for name in "ab"}
    seconds = timing.interleave(contenders, rounds=2, calls=2)
    assert "".join(calls) == "aaabbb" + "bbbaaa"
    assert {name: values.shape for name, values in seconds.items()} == {"a": (4,), "b": (4,)}


def test_another_clock_times_the_calls_alone() -> None:
    ticks = iter([1.0, 3.0, 10.0, 15.0])
    seconds = timing.interleave({"a": lambda: None}, rounds=1, calls=2, clock=lambda: next(ticks))
    np.testing.assert_array_equal(seconds["a"], [2, 5])


def test_middle_and_spread_are_milliseconds() -> None:
    assert timing.middle_and_spread(np.arange(11) / 1e3) == pytest.approx((5, 1, 9))


def test_table_aligns_its_columns() -> None:
    assert report.table(("", "ms"), [("ours", "5.0"), ("a peer", "12.5")]).splitlines() == [
        "          ms",
        "------  ----",
        "ours     5.0",
        "a peer  12.5",
    ]


def test_a_file_that_cannot_be_written_is_named_before_measuring(tmp_path: Path) -> None:
    report.check_writable(str(tmp_path / "new" / "rows.json"))
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "rows.json"):
        with pytest.raises(UserError, match=str(path)):
            report.check_writable(str(path))
