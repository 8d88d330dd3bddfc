"""What a run writes beside its checkpoints, and how it measures its speed."""

import json
import resource
import struct
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from rvm_jax import UserError
from rvm_jax.train.logs import Logs
from rvm_jax.train.throughput import Throughput

PICTURE = np.full((6, 8, 3), 100, np.uint8)


def events(workdir: Path) -> Iterator[Any]:
    """TensorBoard's events, in order: each a length, its checksum, the bytes, theirs."""
    for path in sorted((workdir / "tensorboard").iterdir()):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            yield Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]


def test_scalars_and_pictures_are_on_the_disk_at_once(tmp_path: Path) -> None:
    with Logs(tmp_path) as log:
        log.scalars(3, {"loss/total": 0.5, "gradient_norm": 2.0})
        log.picture(3, "clips", PICTURE)
        line = json.loads((tmp_path / "metrics.jsonl").read_text())
        assert line == {"step": 3, "loss/total": 0.5, "gradient_norm": 2.0}
        values = [(event.step, value) for event in events(tmp_path) for value in event.summary.value]
        assert [(step, value.tag) for step, value in values] == [(3, "loss/total"), (3, "gradient_norm"), (3, "clips")]
        assert values[0][1].simple_value == 0.5
        assert (values[2][1].image.height, values[2][1].image.width) == (6, 8)
        assert (tmp_path / "pictures" / "clips_000003.jpg").is_file()


def test_a_bucket_is_written_when_told_to(tmp_path: Path) -> None:
    with Logs(tmp_path, appends=False) as log:
        log.scalars(1, {"loss/total": 0.5})
        log.picture(1, "clips", PICTURE)
        assert (tmp_path / "metrics.jsonl").read_text() == ""
        log.flush()
        assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1, "loss/total": 0.5}\n'
        log.scalars(2, {"loss/total": 0.25})
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2
    assert not (tmp_path / "pictures").exists()
    tags = [value.tag for event in events(tmp_path) for value in event.summary.value]
    assert tags == ["loss/total", "clips", "loss/total"]


def test_other_hosts_write_nothing(tmp_path: Path) -> None:
    with Logs(tmp_path, enabled=False) as log:
        log.scalars(1, {"loss/total": 0.5})
        log.picture(1, "clips", PICTURE)
        log.flush()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_at_once(tmp_path: Path) -> None:
    """Also where TensorBoard's file alone finds no room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    with Logs(tmp_path) as log:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8000, hard))
        try:
            with pytest.raises(UserError, match=r"tensorboard: cannot be read or written \(File too large\)"):
                for step in range(100):
                    log.picture(step, "clips", noise)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_speed_and_waiting() -> None:
    clock = [0.0]
    throughput = Throughput(clock=lambda: clock[0])

    def wait(seconds: float, ready: bool) -> None:
        with throughput.taking_data([SimpleNamespace(is_ready=lambda: ready)]):
            clock[0] += seconds

    wait(2.0, ready=False)  # the device still computes: nothing is lost
    wait(1.0, ready=True)
    with throughput.paused():
        clock[0] += 100.0
    clock[0] += 1.0
    throughput.count((2, 3, 64, 64, 3))
    assert throughput.rates() == {"frames_per_second": 6 / 4, "data_wait": 1 / 4}
    clock[0] += 2.0
    assert throughput.rates() == {"frames_per_second": 0.0, "data_wait": 0.0}
