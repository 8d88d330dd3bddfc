"""A training that was ended by a signal resumes bit for bit: the command itself, in processes of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import jax
import pytest
import tiny_network
from training_runs import assert_same_tree, curves

import rvm_jax
from rvm_jax.networks import functional, register
from scripts import ROOT

# No second start for the sake of glibc's memory.
ENVIRONMENT = os.environ | {"GLIBC_TUNABLES": "", "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}


def run(workdir: Path, name: str, batch: int) -> "subprocess.CompletedProcess[str]":
    """Trains until the signal of this name is sent, when so many batches have been taken."""
    tests = ROOT / "tests"
    flags = [f"--config={tests / 'tiny_recipe.py'}", f"--workdir={workdir}"]
    command = [sys.executable, str(tests / "killed_run.py"), name, str(batch), *flags]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work directory of a run that nothing ended."""
    workdir = tmp_path_factory.mktemp("whole")
    ended = run(workdir, "SIGKILL", 99)
    assert ended.returncode == 0, ended.stderr
    return workdir


def test_a_run_that_was_killed_resumes_bit_for_bit(whole: Path, tmp_path: Path) -> None:
    def saved() -> list[str]:
        return sorted(path.name for path in (tmp_path / "checkpoints").iterdir())

    ended = run(tmp_path, "SIGTERM", 1)
    assert ended.returncode == 128 + signal.SIGTERM, ended.stderr
    assert "ended by SIGTERM after step 1, which is saved; start it again" in ended.stderr
    assert saved() == ["1"]
    assert run(tmp_path, "SIGKILL", 3).returncode == -signal.SIGKILL
    assert saved() in (["1", "2"], ["1", "2.orbax-checkpoint-tmp"])  # the second may still have been written
    last = run(tmp_path, "SIGKILL", 99)
    assert last.returncode == 0, last.stderr
    assert saved()[-1] == "4"

    assert curves(tmp_path) == curves(whole)
    assert_same_tree(tensors(tmp_path), tensors(whole))


def tensors(workdir: Path) -> object:
    with register(tiny_network.DECLARATION):
        _, *tensors = functional.split(rvm_jax.load(workdir))
    return jax.device_get(tensors)
