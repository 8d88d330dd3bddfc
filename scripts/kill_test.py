"""Kills a training again and again, and sees whether anything was lost: python scripts/kill_test.py --kills=20

Trains once without interruption, then again with SIGKILL (every fourth time SIGTERM) at random moments, each time
resuming with the same command. Checkpoints are so frequent that kills fall into their writing, too. At the end the
logged values, the weights and the optimizer's state of both must agree bit for bit.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags
from tqdm import tqdm

from rvm_jax import cli
from rvm_jax.errors import UserError
from scripts import ROOT

_KILLS = flags.DEFINE_integer("kills", 20, "How often the run is killed.", lower_bound=1)
_CONFIG = flags.DEFINE_string("config", "configs/quickstart.py:tiny", "The recipe.")
_STEPS = flags.DEFINE_integer("steps", 150, "How long the run is.", lower_bound=2)
_EVERY = flags.DEFINE_integer("checkpoint_every", 3, "Steps from checkpoint to checkpoint.", lower_bound=1)
_WORKDIR = flags.DEFINE_string("workdir", "work/kill_test", "Where both runs go; it must not exist.")
_SEED = flags.DEFINE_integer("seed", 0, "Of the moments.")
_CLOCK = ("frames_per_second", "data_wait", "device_memory_gib")


def main(_: list[str]) -> None:
    root = Path(_WORKDIR.value)
    if root.exists():
        raise UserError(f"{root}: exists already; remove it or give another --workdir")
    # The cache of compiled programs spares each start a minute.
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".jax_cache"))
    whole, killed = root / "whole", root / "killed"
    print("One run without interruption")
    if _start(whole).wait():
        raise UserError(f"the run failed; see {whole}.log")

    rng = np.random.default_rng(_SEED.value)
    kills = []
    for number in tqdm(range(_KILLS.value), "kills"):
        process = _start(killed)
        kind = signal.SIGTERM if number % 4 == 3 else signal.SIGKILL
        target = _last_step(killed) + int(rng.integers(1, max(_STEPS.value // _KILLS.value, 1) + 1))
        _wait_for(process, killed, target)
        time.sleep(rng.uniform(0, 0.5))
        if process.poll() is not None:
            if process.returncode:
                raise UserError(f"a run failed by itself after {number} kills; see {killed}.log")
            break
        process.send_signal(kind)
        process.wait()
        half_written = sum(1 for path in (killed / "checkpoints").glob("*tmp*"))
        kills.append((kind.name, _last_step(killed), half_written, process.returncode))
    if _start(killed).wait():
        raise UserError(f"the last run failed; see {killed}.log")
    for name, step, half_written, status in kills:
        print(f"{name} after the logged step {step}, checkpoints half-written: {half_written}, exit status {status}")
    _compare(whole, killed)
    print(f"{len(kills)} kills, {_STEPS.value} steps: losses, weights and optimizer are bit for bit those of one run")


def _start(workdir: Path) -> "subprocess.Popen[bytes]":
    workdir.parent.mkdir(parents=True, exist_ok=True)
    settings = {"train.steps": _STEPS.value, "train.checkpoint_every": _EVERY.value, "eval.every": 50, "log.every": 1}
    command = [sys.executable, str(ROOT / "scripts" / "train.py"), f"--config={_CONFIG.value}", f"--workdir={workdir}"]
    command += [f"--config.{key}={value}" for key, value in settings.items()]
    with Path(f"{workdir}.log").open("a") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def _wait_for(process: "subprocess.Popen[bytes]", workdir: Path, step: int) -> None:
    while process.poll() is None and _last_step(workdir) < step:
        time.sleep(0.02)


def _last_step(workdir: Path) -> int:
    path = workdir / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    for line in reversed(lines):
        try:
            return int(json.loads(line)["step"])
        except (ValueError, KeyError):
            continue
    return 0


def _compare(whole: Path, killed: Path) -> None:
    import jax
    import orbax.checkpoint as ocp

    if _curves(whole) != _curves(killed):
        raise UserError(f"the logged values differ: compare {whole}/metrics.jsonl and {killed}/metrics.jsonl")

    def tensors(workdir: Path, item: str) -> Any:
        path = (workdir / "checkpoints" / str(_STEPS.value) / item).absolute()
        return ocp.StandardCheckpointer().restore(path)

    for item in ("model", "train"):
        ours, expected = (jax.tree.leaves_with_path(tensors(workdir, item)) for workdir in (killed, whole))
        for (path, one), (_, other) in zip(ours, expected, strict=True):
            if not np.array_equal(np.asarray(one), np.asarray(other)):
                raise UserError(f"{item}{jax.tree_util.keystr(path)} differs")


def _curves(workdir: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [{key: line[key] for key in line if key not in _CLOCK} for line in lines]


if __name__ == "__main__":
    cli.run(main)
