"""python scripts/benchmark_page.py [--json=docs/benchmarks.json] [--output=docs/benchmarks.md]

Makes the page of benchmarks of what `scripts/benchmark.py all --json=docs/benchmarks.json` wrote: no figure on it is
typed by hand. What a benchmark is stands here; what it found, in the JSON.
"""

import json
from pathlib import Path
from typing import Any

from absl import flags

from rvm_jax import cli
from rvm_jax.atomic_files import write_bytes
from rvm_jax.errors import UserError
from rvm_jax.output_paths import check_outputs
from scripts import ROOT

_JSON = flags.DEFINE_string("json", str(ROOT / "docs" / "benchmarks.json"), "What `benchmark.py all` wrote.")
_OUTPUT = flags.DEFINE_string("output", str(ROOT / "docs" / "benchmarks.md"), "The page.")

# By benchmark: a title, and what is measured beside what.
_ABOUT = {
    "first": (
        "The first result",
        """What a user waits for, commands in processes of their own: `rvm-matte` on a clip, to the first alpha on the
        disk and to the end, cold (nothing compiled) and warm, by JAX beside ONNX Runtime; an evaluation; the import
        and `--help`.""",
    ),
    "matting": (
        "One recurrent frame, RVM MobileNetV3",
        """Beside the same network with the same weights in PyTorch (`tests/torch_twin.py`), and ONNX Runtime with it
        exported: all give the same alpha before the clock starts. Memory is the resident peak of a process of its
        own. End to end is from an H.264 file to an H.264 alpha, beside the network alone: decoding and encoding want
        the same cores.""",
    ),
    "train": (
        "A training step",
        """RVM MobileNetV3, alpha alone, beside the same step in PyTorch, which gives the same loss. `--where` prints
        where the time goes, `--variants` what each choice of ours gives.""",
    ),
    "eval": (
        "Evaluation",
        """MSE and SAD in the unknown region of the published form, beside a plain NumPy and OpenCV loop that gives the
        same numbers; arithmetic in memory, and end to end from PNG. The least ratio of any round is what can be said
        without luck.""",
    ),
    "data": (
        "Clips a second",
        """On one core, four frames, decoding included, every clip occluded: each technique beside `verbatim`, the
        published code's own way; and frames of rendered people.""",
    ),
    "feed": (
        "Feeding an accelerator",
        "The quickstart's clips for a device that only takes its time; what nodes need is an estimate.",
    ),
    "parity": ("The original's numbers", "The largest differences from the golden data, by the precision of products."),
    "devices": ("Several devices", "One training step on one device and on all of the machine."),
    "compile": (
        "A slice of TPUs that is not there",
        "A recipe's step, compiled or lowered for it: what it needs, and an estimate of what it takes.",
    ),
    "compile_matting": (
        "Matting on a TPU that is not there",
        "A frame's program, compiled for a chip: the bytes that it moves by the compiler's estimate.",
    ),
}
_HEADER = ("what", "value", "unit", "beside", "times as good")


def page(document: dict[str, Any]) -> str:
    """Returns the page of a document of `benchmark.py all`.

    Raises:
        KeyError: it is no such document.
    """
    quick = " --quick" if document["quick"] else ""
    lines = [
        "# Benchmarks",
        "",
        "Every figure comes from a command here that anyone can run; a ratio is against a peer in the same run, and",
        "above 1 where ours is better. The page is made by `scripts/benchmark_page.py` of what",
        "",
        f"    .venv/bin/python scripts/benchmark.py all{quick} --json=docs/benchmarks.json",
        "",
        "wrote on this machine:",
        "",
        f"    {document['environment']}",
        "",
        "What was tried for speed, and what it gave, is in [performance.md](performance.md).",
    ]
    for part in document["benchmarks"]:
        title, about = _ABOUT.get(part["name"], (part["name"], ""))
        lines += ["", f"## {title}", "", *_wrapped(about), "", f"    .venv/bin/python {part['command']}", ""]
        if part["left_out"]:
            lines.append(f"Left out: {part['left_out']}.")
            continue
        lines += [_line(_HEADER), _line(("---", "---:", "---", "---", "---:"))]
        lines += [_line(_cells(row)) for row in part["rows"]]
        lines += ["", f"It took {_number(part['seconds'] / 60)} minutes."]
    return "\n".join(lines) + "\n"


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    return row["name"], _number(row["value"]), row["unit"], row["peer"] or "", ratio


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float) -> str:
    """Returns three digits, or all of a larger number's."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1e}" if 0 < abs(value) < 0.001 else f"{value:.3g}"


def _wrapped(text: str, width: int = 120) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def main(_: list[str]) -> None:
    check_outputs([Path(_OUTPUT.value)], [Path(_JSON.value)])
    try:
        text = page(json.loads(Path(_JSON.value).read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{_JSON.value}: is no JSON of `benchmark.py all --json`; run that first") from error
    write_bytes(_OUTPUT.value, text.encode())
    print(f"written to {_OUTPUT.value}")


if __name__ == "__main__":
    cli.run(main)
