"""One device, eight, and two hosts of two compute the same; a checkpoint of one layout goes on in another."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import layouts
import numpy as np
import pytest

from rvm_jax import UserError
from rvm_jax.train.devices import connect_hosts
from scripts import ROOT


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs of three steps: `1`, `4` and `8` devices of one process, and in `hosts` two hosts of two devices."""
    folder = tmp_path_factory.mktemp("layouts")
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


def start(*arguments, devices, **environment):
    return subprocess.Popen(
        [sys.executable, Path(__file__).parents[1] / "layouts.py", *arguments],
        env=os.environ | environment | {"FAKE_DEVICES": str(devices)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


def logged(workdir):
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("one", "other"), [("8", "1"), ("hosts", "4")])
def test_layouts_compute_the_same(folder, one, other):
    """Losses, gradients and running statistics of three steps, to 1e-5."""
    ours, expected = logged(folder / one), logged(folder / other)
    assert [line["step"] for line in ours] == [1, 2, 3]
    for line, wanted in zip(ours, expected, strict=True):
        for key in ("loss/total", "loss/pha_l1", "loss/pha_coherence", "gradient_norm"):
            assert line[key] == pytest.approx(wanted[key], rel=1e-5), (line["step"], key)
    ours, expected = (dict(np.load(folder / name / "final.npz")) for name in (one, other))
    assert ours.keys() == expected.keys()
    for key, tensor in expected.items():
        np.testing.assert_allclose(ours[key], tensor, rtol=1e-5, atol=1e-5 * np.abs(tensor).max(), err_msg=key)


def test_a_checkpoint_goes_on_in_another_layout(folder):
    layouts.train(folder / "hosts", steps=4)
    assert [line["step"] for line in logged(folder / "hosts")] == [1, 2, 3, 4]
    starts = json.loads((folder / "hosts" / "starts.json").read_text())
    own = f"{jax.device_count()} cpu, 1 host(s)"
    assert [(entry["step"], entry["devices"]) for entry in starts] == [(0, "4 cpu, 2 host(s)"), (3, own)]


def test_hosts_that_are_told_who_they_are(monkeypatch):
    given = []
    monkeypatch.setattr(jax.distributed, "initialize", lambda **arguments: given.append(arguments))
    connect_hosts("10.0.0.1:1234", 2, 1)
    assert given == [{"coordinator_address": "10.0.0.1:1234", "num_processes": 2, "process_id": 1}]
    with pytest.raises(UserError, match=r"--host_id=2 is none of --num_hosts=2 hosts"):
        connect_hosts("10.0.0.1:1234", 2, 2)


def test_hosts_that_cannot_be_found():
    with pytest.raises(UserError, match=r"the hosts cannot be joined \(.+\); outside of Slurm"):
        connect_hosts()
