"""Fuzzing: mutations repeat by their seed, and every way to end badly is noticed."""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from rvm_jax.errors import UserError
from scripts._fuzz_cases import NAMES, Runner
from scripts._fuzz_kinds import Kind
from scripts._mutations import mutate


def _hang(path: Path, out: Path) -> None:
    while True:
        pass


def _refuse(path: Path, out: Path) -> None:
    raise UserError("the file is damaged; copy it again")


def _crash(path: Path, out: Path) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _leave(path: Path, out: Path) -> None:
    (out / "half").write_text("half")
    raise UserError("the file is damaged; copy it again")


def _fail(path: Path, out: Path) -> None:
    raise KeyError("key")


def _succeed(path: Path, out: Path) -> None:
    (out / "whole").write_text("whole")


def test_mutations_repeat_by_their_seed_and_change_something() -> None:
    data, other = bytes(range(256)) * 8, b"other" * 100
    mutated = [mutate(random.Random(seed), data, other) for seed in range(200)]
    assert mutated == [mutate(random.Random(seed), data, other) for seed in range(200)]
    assert sum(each != data for each in mutated) > 180
    assert mutate(random.Random(0), b"", b"") == b""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="cases are forked")
@pytest.mark.parametrize(
    ("use", "name"),
    [
        (_succeed, "success"),
        (_refuse, "sentence"),
        (_fail, "traceback"),
        (_leave, "half-written"),
        (_crash, "crash"),
        (_hang, "hang"),
    ],
)
def test_every_end_is_noticed(tmp_path: Path, use: Callable[[Path, Path], None], name: str) -> None:
    runner = Runner({"tables": Kind(_make, use)}, tmp_path, seconds=1)
    ((case, status),) = runner.run([0])
    assert (case.kind, NAMES[status]) == ("tables", name)


def _make(folder: Path) -> None:
    (folder / "a.csv").write_text("frame,x,y,width,height\n" * 9)
