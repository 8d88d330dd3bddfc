"""One device, eight, and two hosts of two compute the same; a checkpoint of one layout resumes in another."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import layouts
import numpy as np
import pytest

from rvm_jax import UserError
from rvm_jax.train.devices import connect_hosts
from scripts import ROOT


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of three steps: `1`, `4` and `8` devices of one process, and in `hosts` two hosts of two devices."""
    folder: Path = tmp_path_factory.mktemp("layouts")
    slurm = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_NODELIST": "127.0.0.1", "SLURM_NTASKS": "2",
             "SLURM_STEP_NUM_NODES": "1"}  # fmt: skip
    tasks = [{"SLURM_PROCID": str(host), "SLURM_LOCALID": str(host)} for host in range(2)]
    processes = [
        start(folder, "1,4,8", devices=8),
        *(start(folder / "hosts", "slurm", devices=2, **slurm, **task) for task in tasks),
    ]
    printed = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], "\n".join(printed)
    return folder


def start(*arguments: object, devices: int, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "layouts.py"), *map(str, arguments)],
        env=os.environ | environment | {"FAKE_DEVICES": str(devices)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


def logged(workdir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("one", "other"), [("8", "1"), ("hosts", "4")])
def test_layouts_compute_the_same(folder: Path, one: str, other: str) -> None:
    """Losses, gradients and running statistics of three steps, to 1e-5."""
    ours, expected = logged(folder / one), logged(folder / other)
    assert [line["step"] for line in ours] == [1, 2, 3]
    for line, wanted in zip(ours, expected, strict=True):
        for key in ("loss/total", "loss/pha_l1", "loss/pha_coherence", "gradient_norm"):
            assert line[key] == pytest.approx(wanted[key], rel=1e-5), (line["step"], key)
    tensors, others = (dict(np.load(folder / name / "final.npz")) for name in (one, other))
    assert tensors.keys() == others.keys()
    for key, tensor in others.items():
        np.testing.assert_allclose(tensors[key], tensor, rtol=1e-5, atol=1e-5 * np.abs(tensor).max(), err_msg=key)


def test_a_checkpoint_resumes_in_another_layout(folder: Path) -> None:
    layouts.train(folder / "hosts", steps=4)
    assert [line["step"] for line in logged(folder / "hosts")] == [1, 2, 3, 4]
    starts = json.loads((folder / "hosts" / "starts.json").read_text())
    own = f"{jax.device_count()} cpu, 1 host(s)"
    assert [(entry["step"], entry["devices"]) for entry in starts] == [(0, "4 cpu, 2 host(s)"), (3, own)]


def test_hosts_that_are_told_who_they_are() -> None:
    given: list[dict[str, Any]] = []
    connect_hosts("10.0.0.1:1234", 2, 1, initialize=lambda **arguments: given.append(arguments))
    assert given == [{"coordinator_address": "10.0.0.1:1234", "num_processes": 2, "process_id": 1}]
    with pytest.raises(UserError, match=r"--host_id=2 is none of --num_hosts=2 hosts"):
        connect_hosts("10.0.0.1:1234", 2, 2)


def test_hosts_that_cannot_be_found() -> None:
    with pytest.raises(UserError, match=r"the hosts cannot be joined \(.+\); outside of Slurm"):
        connect_hosts()
