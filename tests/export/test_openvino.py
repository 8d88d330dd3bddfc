"""OpenVINO as an engine, where it is installed: its part of test_engine.py, in a process of its own (conftest.py)."""

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_it_is_an_engine_like_the_others() -> None:
    try:
        version("openvino")
    except PackageNotFoundError:
        pytest.skip("openvino is not installed")
    command = [sys.executable, "-m", "pytest", "-n", "0", "tests/export/test_engine.py", "-k", "openvino"]
    environment = {**os.environ, "RVM_JAX_TEST_OPENVINO": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "5 passed" in ended.stdout
