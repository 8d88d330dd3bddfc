"""Several predictions on one benchmark → tables, plots, sheets, a video and a page that holds them all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eval import examples, page, plots, report
from eval.benchmark import Evaluation, evaluate
from eval.folders import Pair
from eval.report import Cells, Table
from eval.statistics import paired
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes

_MAIN = ("mse_published", "sad_published", "mse_described", "sad_described", "mad", "grad", "conn", "dtssd", "iou")


class Comparison(NamedTuple):
    """Evaluations of the same pictures, by the entry's name."""

    evaluations: dict[str, Evaluation]

    @property
    def metrics(self) -> list[str]:
        """All that was measured of every entry."""
        return [
            metric
            for metric in next(iter(self.evaluations.values())).mean.values
            if all(metric in evaluation.mean.values for evaluation in self.evaluations.values())
        ]

    @property
    def categories(self) -> list[str]:
        return [row.category for row in next(iter(self.evaluations.values())).categories]


def compare(pairs: Mapping[str, list[Pair]], label_dir: Path, output_dir: Path, num_clips: int = 12) -> Comparison:
    """Evaluates all entries and writes `<output_dir>/{index.html,comparison.json,comparison.mp4,tables,plots,sheets}`.

    Args:
      pairs: by the entry's name, of the same pictures; see `eval.entries.find_predictions`.
      label_dir: the benchmark.
      output_dir: where everything goes; what is there is replaced.
      num_clips: clips in the video.

    Raises UserError where a picture cannot be read.
    """
    if len({tuple(pair.key for pair in of_entry) for of_entry in pairs.values()}) > 1:
        raise UserError("the entries have different pictures; compare predictions of one benchmark")
    evaluations = {}
    for name, of_entry in pairs.items():
        print(f"{name}: {len(of_entry)} pictures and frames", flush=True)
        evaluations[name] = evaluate(of_entry)
    comparison = Comparison(evaluations)
    tables = all_tables(comparison)
    for table in tables:
        stem = output_dir / "tables" / table.title.lower().replace(" ", "_").replace(",", "")
        write_bytes(stem.with_suffix(".md"), report.markdown(table.cells).encode())
        write_bytes(stem.with_suffix(".csv"), report.comma_separated(table.cells).encode())
        write_bytes(stem.with_suffix(".tex"), report.latex(table.cells).encode())
    write_bytes(output_dir / "comparison.json", as_json(comparison).encode())
    drawings = all_plots(comparison)
    for title, drawing in drawings.items():
        write_bytes(output_dir / "plots" / f"{title.lower().replace(' ', '_')}.svg", drawing.encode())
    for name, of_entry in pairs.items():
        examples.extremes_sheet(of_entry, evaluations[name], label_dir, output_dir / "sheets" / f"{name}.jpg")
    examples.entries_video(pairs, label_dir, output_dir / "comparison.mp4", num_clips)
    chosen = examples.choose(pairs, evaluations, label_dir)
    write_bytes(output_dir / "index.html", page.render(tables, drawings, chosen, list(pairs)).encode())
    return comparison


def all_tables(comparison: Comparison) -> list[Table]:
    """Returns the overall table, the paired differences to the last entry, and each category's table."""
    tables = [Table("Overall", _overall(comparison, None))]
    if len(comparison.evaluations) > 1:
        last = list(comparison.evaluations)[-1]
        tables.append(Table(f"Differences to {last}", _differences(comparison, last)))
    return tables + [Table(category, _overall(comparison, category)) for category in comparison.categories]


def all_plots(comparison: Comparison) -> dict[str, str]:
    """Returns SVG drawings by title: errors by category, errors by frame where there are clips."""
    names = list(comparison.evaluations)
    drawings = {}
    for metric in ("mad", "mse_described", "dtssd"):
        if metric not in comparison.metrics:
            continue
        rows = {
            row: [_row(evaluation, row).values[metric] for evaluation in comparison.evaluations.values()]
            for row in (*comparison.categories, "mean")
        }
        rows = {row: values for row, values in rows.items() if not np.isnan([value.mean for value in values]).any()}
        if rows:
            title = f"{report.metric_title(metric)} by category"
            drawings[title] = plots.bars(title, names, rows)
    lines = {name: evaluation.by_frame("mad") for name, evaluation in comparison.evaluations.items()}
    if all(len(line) > 1 for line in lines.values()):
        drawings["MAD by frame of the clip"] = plots.lines("MAD by frame of the clip", lines)
    return drawings


def as_json(comparison: Comparison) -> str:
    """Returns rows of all entries and paired differences to the last as JSON."""
    last = list(comparison.evaluations)[-1]
    document = {
        "legend": report.LEGEND,
        "entries": {
            name: {
                "mean": report.row_json(evaluation.mean),
                "categories": [report.row_json(row) for row in evaluation.categories],
                "by_frame": [report.estimate_json(estimate) for estimate in evaluation.by_frame("mad")],
            }
            for name, evaluation in comparison.evaluations.items()
        },
        f"difference_to_{last}": {
            name: {
                metric: report.estimate_json(paired(evaluation.by_unit(metric), last_of.by_unit(metric)))
                for metric in comparison.metrics
            }
            for last_of in (comparison.evaluations[last],)
            for name, evaluation in comparison.evaluations.items()
            if name != last
        },
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _overall(comparison: Comparison, category: str | None) -> Cells:
    """Returns a line an entry: the published table's columns first; over one category, or the mean over all."""
    metrics = [metric for metric in _MAIN if metric in comparison.metrics]
    metrics += [metric for metric in comparison.metrics if metric not in metrics]
    lines = [["network", "units", *map(report.metric_title, metrics)]]
    for name, evaluation in comparison.evaluations.items():
        row = _row(evaluation, category or "mean")
        lines.append([name, str(row.units), *(report.estimate_text(row.values[metric]) for metric in metrics)])
    return lines


def _differences(comparison: Comparison, reference: str) -> Cells:
    """Returns a line an entry: its paired differences to the reference; a star where that is more than chance."""
    metrics = [metric for metric in _MAIN if metric in comparison.metrics]
    lines = [["network", "units", *map(report.metric_title, metrics)]]
    theirs = comparison.evaluations[reference]
    for name, evaluation in comparison.evaluations.items():
        if name != reference:
            cells = []
            for metric in metrics:
                difference = paired(evaluation.by_unit(metric), theirs.by_unit(metric))
                cells.append(report.estimate_text(difference) + (" *" if difference.excludes_zero else ""))
            lines.append([name, str(evaluation.mean.units), *cells])
    return lines


def _row(evaluation: Evaluation, category: str):
    return next(row for row in (*evaluation.categories, evaluation.mean) if row.category == category)
