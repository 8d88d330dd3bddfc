"""The curves of a run's metrics.jsonl, and several runs' curves drawn into one picture."""

import json
from collections.abc import Mapping
from pathlib import Path

from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes

# Values by step.
Curve = dict[int, float]


def read_curves(workdir: str) -> dict[str, Curve]:
    """Returns all curves of a work directory by metric.

    Raises:
        UserError: if it has logged nothing.
    """
    path = Path(workdir) / "metrics.jsonl"
    if not path.is_file():
        raise UserError(f"{path}: no such file; give a work directory that has trained")
    curves: dict[str, Curve] = {}
    for line in path.read_text().splitlines():
        try:
            values = json.loads(line)
            step = values.pop("step")
        except (ValueError, KeyError, TypeError):  # cut short by a kill
            continue
        for name, value in values.items():
            curves.setdefault(name, {})[step] = value
    if not curves:
        raise UserError(f"{path}: holds no values yet")
    return curves


def draw_curves(panels: Mapping[str, Mapping[str, Curve]], path: str, smooth: float = 0.0) -> None:
    """Writes a PNG with a panel for each metric, in it a line for each run.

    Args:
        panels: {metric: {run: curve}}.
        path: of the PNG.
        smooth: weight of the past in a moving average, 0 to 1; the values themselves are then drawn pale.

    Raises:
        UserError: if matplotlib is missing, or `path` cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError(
            "curves are drawn by matplotlib, which is missing; install it with pip install matplotlib"
        ) from error
    import io

    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5 * columns, 3.2 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, (metric, runs) in zip(axes, panels.items(), strict=False):
        for index, (run, curve) in enumerate(runs.items()):
            steps, colour = sorted(curve), f"C{index}"
            values = [curve[step] for step in steps]
            marker = "." if len(steps) < 20 else ""
            style = ("-", "--", ":")[index % 3]  # lines that cover each other are still two
            if smooth:
                axis.plot(steps, values, color=colour, alpha=0.25, linewidth=1)
                values = _smoothed(values, smooth)
            axis.plot(steps, values, color=colour, marker=marker, linestyle=style, linewidth=1.3, label=run)
        axis.set_title(metric, fontsize=10)
        axis.set_xlabel("step", fontsize=8)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.3)
        positive = all(value > 0 for curve in runs.values() for value in curve.values())
        if "loss" in metric and positive:
            axis.set_yscale("log")
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    axes[0].legend(fontsize=8)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())


def _smoothed(values: list[float], weight: float) -> list[float]:
    smoothed, past = [], values[0]
    for value in values:
        past = weight * past + (1 - weight) * value
        smoothed.append(past)
    return smoothed
