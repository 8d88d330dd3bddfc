"""What a role does to a process is measured in a process of its own: the memory that it holds after a free."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rvm_jax.process import has_accelerator, is_glibc

ROOT = Path(__file__).resolve().parents[1]
ON_GLIBC = pytest.mark.skipif(not is_glibc(), reason="the settings are glibc's")

# Of every module that once changed these settings when it was imported.
IMPORTS = """
import data_pipeline.drawn, data_pipeline.pipeline, eval.folders.evaluation, eval.validation
"""
MEASURE = """
import numpy as np

def resident():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) // 1024

before = resident()
arrays = [np.ones(4 << 20, np.uint8) for _ in range(96)]
del arrays
print("kept", resident() - before)
"""


def run(program: str, *arguments: str, tunables: str | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    environment |= {"PYTHONPATH": str(ROOT)} | ({} if tunables is None else {"GLIBC_TUNABLES": tunables})
    command = [sys.executable, "-c", program, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    return result.stdout


def kept(program: str, tunables: str | None = None) -> int:
    """Mebibytes that a process still holds of 384 that it freed."""
    return int(run(program + MEASURE, tunables=tunables).split()[-1])


def role(name: str) -> str:
    return f"from rvm_jax.process import configure_process\nconfigure_process('{name}')\n"


@ON_GLIBC
@pytest.mark.skipif(has_accelerator(), reason="beside an accelerator the trainer is set up as a worker")
def test_a_trainer_keeps_what_it_freed_whatever_it_imports() -> None:
    """It kept a third of it: imports took back what the program was started again for."""
    assert kept(role("train") + IMPORTS) > 370


@ON_GLIBC
@pytest.mark.parametrize("name", ["worker", "eval"])
def test_the_other_roles_keep_a_part(name: str) -> None:
    assert 100 < kept(role(name)) < 300


@ON_GLIBC
def test_the_first_role_counts() -> None:
    assert 100 < kept(role("worker") + role("train")) < 300


def test_imports_change_nothing() -> None:
    """Neither how many threads OpenCV has, nor what glibc keeps."""
    program = "import cv2\ncv2.setNumThreads(2)\n" + IMPORTS + "print('threads', cv2.getNumThreads())\n"
    assert run(program).split() == ["threads", "2"]
    if is_glibc():
        assert kept(IMPORTS) < 50


@ON_GLIBC
def test_the_settings_of_a_user_stay() -> None:
    assert kept(role("worker"), tunables="glibc.malloc.mmap_threshold=65536") < 50


@ON_GLIBC
@pytest.mark.skipif(has_accelerator(), reason="beside an accelerator the trainer is not started again")
def test_a_trainer_starts_again_with_its_arguments_and_its_children_are_without_its_settings() -> None:
    start, end = "import os, sys\nprint('started', flush=True)\n", "print(sys.argv[1:], os.environ)"
    printed = run(start + role("train") + end, "--config=a", "b")
    assert printed.count("started") == 2
    assert "['--config=a', 'b']" in printed and "GLIBC_TUNABLES" not in printed


def test_a_worker_draws_on_one_thread() -> None:
    assert run(role("worker") + "import cv2\nprint(cv2.getNumThreads())").split() == ["1"]
