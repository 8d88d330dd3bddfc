"""A user's mistake at the command line: one sentence, exit status 1, no traceback."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from rvm_jax import UserError, cli

ROOT = Path(__file__).resolve().parents[2]
CONFIG = "--config=configs/quickstart.py:tiny"


def train(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/train.py", *flags]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([CONFIG, "--stepz=4"], "Unknown command line flag 'stepz'"),
        ([CONFIG, "--config.train.stepz=4"], "stepz"),
        ([CONFIG, "--config.train.steps=many"], "many"),
        (["--config=configs/absent.py"], "error: the config cannot be read: [Errno 2] No such file or directory"),
        (["--config=configs/quickstart.py:huge"], "error: no variant 'huge' of this recipe"),
        ([], "--config"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, flags: list[str], said: str) -> None:
    result = train(*flags, f"--workdir={tmp_path / 'work'}")
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    assert said in lines[0]
    assert not (tmp_path / "work").exists()


def test_help_lists_the_flags() -> None:
    result = train("--help")
    assert "--workdir" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_a_user_error_is_printed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    def main(_: list[str]) -> None:
        raise UserError("faces: no such folder; give one with --root")

    with pytest.raises(SystemExit) as end:
        cli.guarded(main, ["train.py"])
    assert end.value.code == 1
    assert capsys.readouterr().err == "error: faces: no such folder; give one with --root\n"


def test_a_stray_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.guarded(lambda _: pytest.fail("must not run"), ["train.py", "work"])
    assert capsys.readouterr().err == "error: unexpected argument 'work'; every option is given as --name=value\n"


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    def main(_: list[str]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cli.guarded(main, ["train.py"])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "train.crop_sizes=256",
            "train.crop_sizes=(256,): give sizes as (height, width), also where it is one: ",
        ),
        (
            "data.faces.main.root=x",
            "--config.data.faces.main.root=x: the recipe has no setting 'root', and a flag changes",
        ),
        (
            "train.step=4",
            "--config.train.step=4: the recipe has no setting 'step', and a flag changes only what it has; Di",
        ),
    ],
)
def test_overrides_as_people_type_them(tmp_path: Path, override: str, said: str) -> None:
    result = train(CONFIG, f"--config.{override}", f"--workdir={tmp_path / 'work'}")
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert result.returncode == 1 and len(lines) == 1, result.stderr
    assert said in lines[0]
    assert "Traceback" not in result.stderr and "\\n" not in lines[0]


@pytest.mark.parametrize(
    ("argument", "error", "said"),
    [
        (
            "--config.data.faces.mine.root=x",
            KeyError("'mine'"),
            "the recipe has no setting 'mine', and a flag changes only",
        ),
        ("--config.train.phases.x.every=2", KeyError("x"), "the recipe has no setting 'x'"),
        ("--config.train.rate=2", AttributeError("'rate'\nDid you mean \"rates\"?"), 'Did you mean "rates"?'),
        (
            "--config=a.py",
            ValueError("no such kind"),
            "the config cannot be read, or has no such setting: no such kind",
        ),
        ("--config=a.py", ValueError(), "the config cannot be read, or has no such setting: ValueError"),
    ],
)
def test_what_an_override_lacks(argument: str, error: Exception, said: str) -> None:
    assert said in cli.override_fault(["train.py", "--config=a.py", argument], error)


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", rb"caf\xe9 \udcff"), ("utf-8", b"caf\xc3\xa9 \\udcff")])
def test_names_that_a_screen_cannot_show(encoding: str, shown: bytes) -> None:
    screen = io.BytesIO()
    stream = io.TextIOWrapper(screen, encoding)
    cli.show_any_name(stream)
    print("caf\xe9 \udcff", end="", file=stream, flush=True)
    assert screen.getvalue() == shown
