"""Draws the curves of one or several runs: python scripts/plot_run.py --runs=work/quickstart --output=curves.png

Several runs, separated by commas, share the panels, and their last values are listed with mean and spread (the standard
deviation of the sample): --runs=work/seed0,work/seed1,work/seed2. --metrics takes names as they are logged, or the
beginnings of names: --metrics=loss/total,valid
"""

import statistics
from pathlib import Path

from absl import flags

from rvm_jax import cli
from rvm_jax.errors import UserError
from scripts._curves import draw_curves, read_curves

_RUNS = flags.DEFINE_list("runs", None, "Work directories.")
_METRICS = flags.DEFINE_list("metrics", ["loss", "valid", "gradient_norm", "rate", "frames"], "What to draw.")
_OUTPUT = flags.DEFINE_string("output", "curves.png", "The picture to write.")
_SMOOTH = flags.DEFINE_float("smooth", 0.0, "Weight of the past in a moving average.", 0.0, 0.999)
flags.mark_flag_as_required("runs")


def main(_: list[str]) -> None:
    from rvm_jax.output_paths import check_outputs

    check_outputs([_OUTPUT.value], [Path(run) / "metrics.jsonl" for run in _RUNS.value or ()])
    curves = {run: read_curves(run) for run in _RUNS.value or ()}
    names = {run: Path(run).name or run for run in curves}
    if len(set(names.values())) < len(names):
        names = {run: run for run in names}
    known = sorted({metric for found in curves.values() for metric in found})
    chosen = [metric for wanted in _METRICS.value for metric in known if metric.startswith(wanted)]
    if not chosen:
        raise UserError(f"no metric begins with {', '.join(_METRICS.value)}; there are {', '.join(known)}")
    panels = {
        metric: {names[run]: found[metric] for run, found in curves.items() if metric in found}
        for metric in dict.fromkeys(chosen)
    }
    draw_curves(panels, _OUTPUT.value, _SMOOTH.value)
    for metric, runs in panels.items():
        last = [curve[max(curve)] for curve in runs.values()]
        spread = f", mean {statistics.mean(last):.5g} ± {statistics.stdev(last):.2g}" if len(last) > 1 else ""
        print(f"{metric}: last {', '.join(f'{value:.5g}' for value in last)}{spread}")
    print(f"{_OUTPUT.value}: {len(panels)} metrics of {len(curves)} runs")


if __name__ == "__main__":
    cli.run(main)
