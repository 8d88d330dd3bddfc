"""A study's differences from the contender that effects are shares of, drawn with their intervals and all seeds."""

import io

import numpy as np
from matplotlib.figure import Figure

from eval.study.outcomes import BAND
from eval.study.questions import QUESTIONS, Table
from eval.study.statistics import difference, means_by_seed

_ROW_INCHES = 0.28


def draw_differences(table: Table) -> bytes:
    """Returns a PNG: a panel for each question about the error in the band, a line a contender, less is better.

    Bars are 95 % intervals, for all pairs of contenders together; small dots are seeds.
    """
    panels = [question for question in QUESTIONS if question.outcome == BAND and table.of(question)]
    others = [name for name in table.names if name != table.base]
    size = (4 * len(panels), 1.3 + _ROW_INCHES * len(others))
    figure = Figure(figsize=size, layout="constrained")
    places = np.arange(len(others))[::-1]
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, question in zip(axes, panels, strict=True):
        values, found = table.of(question), table.beside_base(question)
        for place, name in zip(places, others, strict=True):
            each, seeds = found[name], means_by_seed(difference(values[name], values[table.base]))
            colour = "C3" if each.is_real and each.difference > 0 else "C2" if each.is_real else "0.35"
            axis.plot([each.low, each.high], [place, place], color=colour, linewidth=2)
            axis.plot(each.difference, place, "o", color=colour, markersize=6)
            axis.plot(seeds, [place + 0.25] * len(seeds), ".", color=colour, markersize=3, alpha=0.6)
        axis.axvline(0, color="0.7", linewidth=1, zorder=0)
        axis.set_title(question.title, fontsize=8)
        axis.set_xlabel(f"difference from {table.base}; less is better", fontsize=8)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.3, axis="x")
    axes[0].set_yticks(places, others)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
