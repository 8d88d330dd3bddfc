"""Where a compiled program's time goes: the profiler's events by the kind of operation that they come from."""

import glob
import re
import tempfile
from collections import Counter
from collections.abc import Callable

import jax

from scripts.benchmarks.report import table

_INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%?([\w.\-]+) = (.*)$", re.MULTILINE)
_ORIGIN = re.compile(r'op_name="([^"]*)"')
# What the gradient of a weight looks like in XLA's program: a kernel, k × k, at most 7, with its channels.
_KERNEL = re.compile(r"^f32\[\d+,([1-7]),\1,\d+\]|^f32\[([1-7]),\2,\d+,\d+\]")


def print_table(call: Callable[[], object], program: str, rows: int = 15) -> None:
    """Runs `call`, once compiled, under the profiler and prints the thread time of each kind of operation.

    A while in which none is under way counts for the one before: a convolution of XLA's own (not YNNPACK's) hands its
    work to threads and is over at once.

    Args:
        call: runs the program once and waits for it.
        program: its optimized HLO text (`compiled.as_text()`).
        rows: how many kinds are named; the others are one line.
    """
    origins = {match[1]: _kind(match[1], match[2]) for match in _INSTRUCTION.finditer(program)}
    milliseconds: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    events = []
    with tempfile.TemporaryDirectory() as folder:
        options = jax.profiler.ProfileOptions()
        options.python_tracer_level = 0
        with jax.profiler.trace(folder, profiler_options=options):
            call()
        (path,) = glob.glob(f"{folder}/**/*.xplane.pb", recursive=True)  # noqa: PTH207
        for plane in jax.profiler.ProfileData.from_file(path).planes:
            for line in plane.lines:
                events += [(e.start_ns, e.duration_ns, e.name) for e in line.events if e.name in origins]
    events.sort()
    end, last = events[0][0], ""
    for start, duration, name in events:
        milliseconds[origins[name]] += duration / 1e6
        calls[origins[name]] += 1
        if start > end:
            milliseconds[origins[last]] += (start - end) / 1e6
        if start + duration > end:
            end, last = start + duration, name
    total = sum(milliseconds.values())
    named = milliseconds.most_common(rows)
    lines = [(kind, f"{spent:.0f}", f"{100 * spent / total:.0f} %", str(calls[kind])) for kind, spent in named]
    rest = total - sum(spent for _, spent in named)
    lines.append(("all others", f"{rest:.0f}", f"{100 * rest / total:.0f} %", ""))
    print(f"\nWhere the time of ours goes, {total:.0f} ms of operations (some run side by side)")
    print(table(("operation", "ms", "share", "times"), lines))


def _kind(name: str, definition: str) -> str:
    """A name such as "convolution, weights' gradient" or "loop: add_any, backward" of an instruction's definition."""
    origin = _ORIGIN.search(definition)
    path = origin[1] if origin else ""
    primitive = re.sub(r"[^\w].*", "", path.rpartition("/")[2]) or re.sub(r"[.\d]+$", "", name)
    backward = "transpose(" in path
    if _KERNEL.match(definition) and ("ynn" in name or primitive in ("conv_general_dilated", "convolution")):
        return "convolution, gradient of the weight"
    if primitive == "conv_general_dilated":
        return "convolution, gradient of the input" if backward else "convolution, forward"
    if "while/body" in path and backward:
        work = "matrix products" if primitive == "dot_general" else "sums" if primitive == "reduce_sum" else "loops"
        return f"gradients in strips (3x3 and depthwise convolutions): {work}"
    if primitive == "dot_general":
        return f"matrix product (pointwise convolution), {'backward' if backward else 'forward'}"
    if name.startswith("transpose_copy"):
        return "transposed copies for the gradients of weights"
    if primitive in ("reduce_sum", "reduce_window_sum"):
        return f"sums (batch norm, losses), {'backward' if backward else 'forward'}"
    return f"loops: {primitive}, {'backward' if backward else 'forward'}"
