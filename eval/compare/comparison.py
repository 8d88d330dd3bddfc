"""Several predictions on one benchmark → tables, plots, sheets, a video and a page that holds them all."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eval import report
from eval.compare import examples, page, plots
from eval.compare.predictions import NetworkFacts, Predictions
from eval.folders.evaluation import evaluate
from eval.folders.rows import Evaluation, Row
from eval.metrics.metric import columns
from eval.metrics.statistics import paired
from eval.report import Cells, Table
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes

_TABULATED = ("iou", "mad")  # by category, in tables of their own
_PLOTTED = ("mad", "mse_described", "dtssd")  # by category


class Comparison(NamedTuple):
    """Evaluations of the same pictures, and what is known of networks beside their errors, by the entry's name."""

    evaluations: dict[str, Evaluation]
    facts: dict[str, NetworkFacts]

    @property
    def columns(self) -> list[str]:
        """The columns of all that was measured of every entry."""
        return [
            column
            for column in next(iter(self.evaluations.values())).mean.values
            if all(column in evaluation.mean.values for evaluation in self.evaluations.values())
        ]

    @property
    def main_columns(self) -> list[str]:
        """The columns that are stated first: main metrics, in the unknown regions first."""
        regions = ["published", "described", None]
        main = [columns()[name] for name in self.columns if columns()[name].metric.is_main]
        main = [column for column in main if column.region in regions]
        return [column.name for column in sorted(main, key=lambda column: regions.index(column.region))]

    @property
    def categories(self) -> list[str]:
        """The categories of the benchmark."""
        return [row.category for row in next(iter(self.evaluations.values())).categories]


def compare(
    predictions: Predictions,
    label_dir: Path,
    output_dir: Path,
    num_clips: int = 12,
    metrics: Sequence[str] | None = None,
) -> Comparison:
    """Evaluates all entries and writes what `eval.compare.outputs` names into `<output_dir>/`.

    Args:
      predictions: of the same pictures; see `eval.compare.predictions.find_predictions`.
      label_dir: the benchmark.
      output_dir: where everything goes; what is there is replaced.
      num_clips: clips in the video.
      metrics: which optional ones to measure; by default all, see `eval.folders.evaluation.evaluate`.

    Raises:
      UserError: if a picture cannot be read, or the entries have different ones.
    """
    pairs = predictions.pairs
    if len({tuple(pair.key for pair in of_entry) for of_entry in pairs.values()}) > 1:
        raise UserError("the entries have different pictures; compare predictions of one benchmark")
    evaluations = {}
    for name, of_entry in pairs.items():
        print(f"{name}: {len(of_entry)} pictures and frames", flush=True)
        evaluations[name] = evaluate(of_entry, metrics=metrics)
    comparison = Comparison(evaluations, predictions.facts)
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
    examples.entries_sheet(pairs, evaluations, label_dir, output_dir / "comparison.jpg")
    examples.entries_video(pairs, label_dir, output_dir / "comparison.mp4", num_clips)
    chosen = examples.choose(pairs, evaluations, label_dir)
    write_bytes(
        output_dir / "index.html", page.render(tables, drawings, chosen, list(pairs), legend(comparison)).encode()
    )
    return comparison


def all_tables(comparison: Comparison) -> list[Table]:
    """Returns the overall table, paired differences to the last entry, main errors by category, and each category's."""
    tables = [Table("Overall", _with_cost(comparison, _errors(comparison, "mean")))]
    if len(comparison.evaluations) > 1:
        last = list(comparison.evaluations)[-1]
        tables.append(Table(f"Differences to {last}", _differences(comparison, last)))
    tables += [
        Table(f"{report.column_title(column)} by category", _by_category(comparison, column))
        for column in _TABULATED
        if column in comparison.columns and len(comparison.categories) > 1
    ]
    return tables + [Table(category, _errors(comparison, category)) for category in comparison.categories]


def legend(comparison: Comparison) -> dict[str, str]:
    """Returns what every column is, by its title."""
    costs = [facts.cost for facts in comparison.facts.values()]
    if not costs:
        return report.legend()
    sizes = _listed(f"{cost.size[1]}×{cost.size[0]}" for cost in costs)
    return {
        "guidance": "what masks and trimaps were derived from: truth (the benchmark's own alphas, which tell much of "
        "the answer), another entry's alphas, or a folder's",
        "parameters": "what training moves, in millions",
        "multiply-adds": f"of convolutions and matrix products for one frame of {sizes}, padded or resized as the "
        "network's preparation does it, or at its downsample ratio without the refiner, in thousand millions",
        "frames/s": f"the network alone on one such frame, in float32, without reading, writing and what guides it, "
        f"on {_listed(cost.device for cost in costs)}",
        **report.legend(),
    }


def all_plots(comparison: Comparison) -> dict[str, str]:
    """Returns SVG drawings by title: errors by category, errors by frame where there are clips."""
    names = list(comparison.evaluations)
    drawings = {}
    for column in _PLOTTED:
        if column not in comparison.columns:
            continue
        rows = {
            row: [_row(evaluation, row).values[column] for evaluation in comparison.evaluations.values()]
            for row in (*comparison.categories, "mean")
        }
        rows = {row: values for row, values in rows.items() if not np.isnan([value.mean for value in values]).any()}
        if rows:
            title = f"{report.column_title(column)} by category"
            drawings[title] = plots.bars(title, names, rows)
    lines = {name: evaluation.by_frame("mad") for name, evaluation in comparison.evaluations.items()}
    if all(len(line) > 1 for line in lines.values()):
        drawings["MAD by frame of the clip"] = plots.lines("MAD by frame of the clip", lines)
    return drawings


def as_json(comparison: Comparison) -> str:
    """Returns rows of all entries and paired differences to the last as JSON."""
    last = list(comparison.evaluations)[-1]
    document = {
        "legend": legend(comparison),
        "entries": {
            name: {
                "network": _facts_json(comparison.facts.get(name)),
                "mean": report.row_json(evaluation.mean),
                "categories": [report.row_json(row) for row in evaluation.categories],
                "by_frame": [report.estimate_json(estimate) for estimate in evaluation.by_frame("mad")],
            }
            for name, evaluation in comparison.evaluations.items()
        },
        f"difference_to_{last}": {
            name: {
                column: report.estimate_json(paired(evaluation.by_unit(column), last_of.by_unit(column)))
                for column in comparison.columns
            }
            for last_of in (comparison.evaluations[last],)
            for name, evaluation in comparison.evaluations.items()
            if name != last
        },
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _errors(comparison: Comparison, category: str) -> Cells:
    """Returns a line an entry: the published table's columns first; over one category, or the "mean" over all."""
    main = comparison.main_columns
    names = [*main, *(name for name in comparison.columns if name not in main)]
    lines = [["network", "guidance", "units", *map(report.column_title, names)]]
    for name, evaluation in comparison.evaluations.items():
        row = _row(evaluation, category)
        guidance = comparison.facts[name].guidance if name in comparison.facts else "-"
        values = [report.estimate_text(row.values[column]) for column in names]
        lines.append([name, guidance, str(row.units), *values])
    return lines


def _by_category(comparison: Comparison, column: str) -> Cells:
    """Returns a line an entry, a column a category, and their mean."""
    titles = [*comparison.categories, "mean"]
    lines = [["network", *titles]]
    for name, evaluation in comparison.evaluations.items():
        values = [_row(evaluation, title).values[column] for title in titles]
        lines.append([name, *map(report.estimate_text, values)])
    return lines


def _with_cost(comparison: Comparison, lines: Cells) -> Cells:
    """Returns the lines with the columns of what a network costs, "-" for folders of predictions."""
    columns = [["parameters (M)", "multiply-adds (G)", "frames/s"]]
    for name in comparison.evaluations:
        cost = comparison.facts[name].cost if name in comparison.facts else None
        columns.append(
            [
                f"{cost.parameters / 1e6:.2f}",
                _three_digits(cost.multiply_adds / 1e9),
                _three_digits(cost.frames_per_second),
            ]
            if cost
            else ["-"] * 3
        )
    return [[*line[:2], *added, *line[2:]] for line, added in zip(lines, columns, strict=True)]


def _facts_json(facts: NetworkFacts | None) -> dict[str, Any] | None:
    return facts and {"guidance": facts.guidance, **facts.cost._asdict()}


def _three_digits(value: float) -> str:
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def _listed(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(texts))


def _differences(comparison: Comparison, reference: str) -> Cells:
    """Returns a line an entry: its paired differences to the reference; a star where that is more than chance."""
    names = comparison.main_columns
    lines = [["network", "units", *map(report.column_title, names)]]
    theirs = comparison.evaluations[reference]
    for name, evaluation in comparison.evaluations.items():
        if name != reference:
            cells = []
            for column in names:
                difference = paired(evaluation.by_unit(column), theirs.by_unit(column))
                cells.append(report.estimate_text(difference) + (" *" if difference.excludes_zero else ""))
            lines.append([name, str(evaluation.mean.units), *cells])
    return lines


def _row(evaluation: Evaluation, category: str) -> Row:
    return next(row for row in (*evaluation.categories, evaluation.mean) if row.category == category)
