"""What an accelerator does, in one Markdown file: python scripts/gpu_report.py --output=work/accelerator.md

Each section is a command of its own, which the file shows with what it printed; one that fails or takes too long is
marked so, and the others are still run. --tiny takes small sizes: a rehearsal, on a CPU too.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from typing import NamedTuple

from absl import flags

from rvm_jax import cli
from rvm_jax.atomic_files import absolute, write_text
from scripts import ROOT

_OUTPUT = flags.DEFINE_string("output", "work/accelerator.md", "The Markdown file.")
_TINY = flags.DEFINE_bool("tiny", False, "Small sizes: a rehearsal, on a CPU too.")
_LIMIT = flags.DEFINE_integer("limit", 150, "Seconds that a section may take.", lower_bound=1)
_MINUTES = flags.DEFINE_float("minutes", 10, "Minutes that all may take.", 0)
_ONLY = flags.DEFINE_list("only", [], "Run these sections alone: environment, parity, matting, …")


class Section(NamedTuple):
    """A title, and the command that fills what stands below it; arguments in place of others with --tiny."""

    name: str
    title: str
    command: tuple[str, ...]
    tiny: tuple[str, ...] = ()

    def line(self, tiny: bool) -> list[str]:
        """Returns the command line."""
        return [sys.executable, *self.command, *(self.tiny if tiny else ())]


_ENVIRONMENT = """
import jax
from scripts.benchmarks.report import environment
print(environment())
for device in jax.devices():
    stats = device.memory_stats() or {}
    print(device, device.device_kind, f"{stats.get('bytes_limit', 0) / 2**30:.1f} GiB")
"""
_BENCHMARK = "scripts/benchmark.py"
_SMALL = ("--rounds=1", "--calls=1")
SECTIONS = (
    Section("environment", "Environment", ("-c", _ENVIRONMENT)),
    Section("parity", "The same numbers as the original", (_BENCHMARK, "parity")),
    Section(
        "matting",
        "Matting, beside PyTorch",
        (_BENCHMARK, "matting", "--cases=512,hd", "--frames=0"),
        ("--size=64", "--nomemory", *_SMALL),
    ),
    Section(
        "matting_bfloat16",
        "Matting in bfloat16",
        (_BENCHMARK, "matting", "--cases=512", "--frames=0", "--nomemory", "--precision=bfloat16"),
        ("--size=64", *_SMALL),
    ),
    Section(
        "training",
        "Training, beside PyTorch's best forms, and the memory of each",
        (_BENCHMARK, "train"),
        ("--size=64", "--frames=2", "--nomemory", *_SMALL),
    ),
    Section(
        "profile",
        "Where a training step's time goes",
        (_BENCHMARK, "train", "--only=rvm_jax", "--nomemory", "--rounds=1", "--where"),
        ("--size=64", "--frames=2", "--calls=1"),
    ),
    Section(
        "devices",
        "One device and all",
        (_BENCHMARK, "devices"),
        ("--size=64", "--frames=2", "--per_device=1", "--calls=1"),
    ),
    Section("data", "What the processors make of clips", (_BENCHMARK, "feed", "--config=configs/quickstart.py")),
)


def main(_: list[str]) -> None:
    parts = [f"# Accelerator report, {time.strftime('%Y-%m-%d')}\n\n{_machine()}"]
    failed, began = [], time.monotonic()
    for section in SECTIONS:
        if _ONLY.value and section.name not in _ONLY.value:
            continue
        print(f"{section.title} …", flush=True)
        left = began + 60 * _MINUTES.value - time.monotonic()
        if left > 0:
            text, status = run(section.line(_TINY.value), min(_LIMIT.value, left))
        else:
            text, status = "", "no time was left (--minutes)"
        if status:
            failed.append(section.name)
        parts.append(part(section, text, status, _TINY.value))
        write_text(absolute(_OUTPUT.value), "\n\n".join(parts) + "\n")  # what is there stays if the machine goes
    print(f"{_OUTPUT.value}" + (f"; these sections failed: {', '.join(failed)}" if failed else ""))


def run(command: list[str], limit: float) -> tuple[str, str]:
    """Runs a command; returns what it printed, and "" or what went wrong.

    Args:
        command: its line.
        limit: seconds, after which it is ended.
    """
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}".rstrip(":")}
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as told:
        # A session of its own: what it started ends with it.
        process = subprocess.Popen(
            command, stdout=printed, stderr=told, cwd=ROOT, env=environment, start_new_session=True
        )
        try:
            status = process.wait(limit)
            wrong = f"status {status}" if status else ""
        except subprocess.TimeoutExpired:
            wrong = f"ended after {limit:.0f} s"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        printed.seek(0)
        told.seek(0)
        last = (told.read().strip().splitlines() or [""])[-1]
        return printed.read(), f"{wrong}: {last}" if wrong.startswith("status") else wrong


def part(section: Section, text: str, status: str, tiny: bool) -> str:
    """Returns a section of the report in Markdown."""
    shown = ["python", *(word if "\n" not in word else "'…'" for word in section.line(tiny)[1:])]
    lines = [f"## {section.title}", f"    {' '.join(shown)}"]
    if status:
        lines.append(f"**Failed: {status}**")
    if text.strip():
        lines.append(f"```\n{text.strip()}\n```")
    return "\n\n".join(lines)


def _machine() -> str:
    """Returns what the driver tells of GPUs, in Markdown; where there is none, that."""
    query = "name,driver_version,memory.total,power.limit"
    try:
        told = subprocess.run(
            ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "No NVIDIA driver."
    return "\n".join(f"- {line}" for line in told.stdout.strip().splitlines())


if __name__ == "__main__":
    cli.run(main)
