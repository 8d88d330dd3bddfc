"""An evaluation's rows → tables for the screen, Markdown, CSV, LaTeX; everything as JSON."""

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from eval.folders.rows import Evaluation, Row
from eval.metrics.metric import Column, columns
from eval.metrics.region import REGIONS
from eval.metrics.statistics import Estimate

Cells = list[list[str]]


class Table(NamedTuple):
    """Cells as text: a line of titles, lines, and a last one set apart."""

    title: str
    cells: Cells


def legend() -> dict[str, str]:
    """Returns what the columns are, by their titles, and what else a reader of the tables has to know."""
    metrics = {column.metric.title.format(region="<region>"): column.metric.legend for column in columns().values()}
    return {
        **metrics,
        "regions": "; ".join(f"{name}: {region.legend}" for name, region in REGIONS.items()),
        "best constant": "the MAD of the one alpha that does best for every pixel of these labels; ratio: MAD / this",
        "intervals": "95 %, by bootstrap over pictures and clips; a clip counts once, with the mean over its frames",
    }


def tables(evaluation: Evaluation) -> list[Table]:
    """Returns the tables of an evaluation: unknown regions, other regions, whole alphas, each as far as measured."""
    named: dict[str, list[str]] = {"Unknown region": [], "Other regions": [], "Whole alphas": []}
    for name in evaluation.mean.values:
        named[_table_of(columns()[name])].append(name)
    return [Table(title, _cells(evaluation, group, title == "Whole alphas")) for title, group in named.items() if group]


def text(evaluation: Evaluation) -> str:
    """Returns the tables as aligned text."""
    return "\n\n".join(f"{table.title}\n{aligned(table.cells)}" for table in tables(evaluation))


def aligned(cells: Cells) -> str:
    """Returns cells in columns, the first to the left, the others to the right, the last line under a rule."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in cells
    ]
    rule = "-" * len(lines[0])
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def markdown(cells: Cells) -> str:
    """Returns cells as a table in Markdown."""
    head, *lines = cells
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines)) + "\n"


def comma_separated(cells: Cells) -> str:
    """Returns cells as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(cells)
    return out.getvalue()


def latex(cells: Cells) -> str:
    """Returns cells as a tabular of LaTeX's booktabs package."""
    head, *lines = [[_latex(cell) for cell in line] for line in cells]
    rows = ["\\toprule", " & ".join(head) + r" \\", "\\midrule"]
    rows += [" & ".join(line) + r" \\" for line in lines]
    return (
        "\n".join([f"\\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}", *rows, "\\bottomrule", "\\end{tabular}"]) + "\n"
    )


def as_json(evaluation: Evaluation, **about: Any) -> str:
    """Returns the evaluation as JSON: `about` (what was evaluated), rows, their mean, and every picture's errors."""
    document = {
        **about,
        "legend": legend(),
        "categories": [row_json(row) for row in evaluation.categories],
        "mean": row_json(evaluation.mean),
        "by_frame": {"mad": [estimate_json(estimate) for estimate in evaluation.by_frame("mad")]},
        "pictures": [
            {
                "name": picture.key,
                "kernel_sizes": picture.kernel_sizes,
                **{name: _number(value) for name, value in picture.values.items()},
            }
            for picture in evaluation.pictures
        ],
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def row_json(row: Row) -> dict[str, Any]:
    """Returns a row as JSON's types; what was not measured is null."""
    return row._asdict() | {"values": {name: estimate_json(value) for name, value in row.values.items()}}


def column_title(column: str) -> str:
    """Returns what a column of values is called in tables."""
    return columns()[column].title


def estimate_text(estimate: Estimate, interval: bool = True) -> str:
    """Returns a mean to three or four significant digits, with its interval where there is one."""
    if math.isnan(estimate.mean):
        return "-"
    mean = number_text(estimate.mean)
    if not interval or math.isnan(estimate.low):
        return mean
    return f"{mean} [{number_text(estimate.low)}, {number_text(estimate.high)}]"


def number_text(value: float) -> str:
    """Returns four significant digits without an exponent, six places at most."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    places = min(6, max(0, 3 - math.floor(math.log10(abs(value)))))
    return f"{value:.{places}f}"


def _cells(evaluation: Evaluation, names: Sequence[str], with_constant: bool) -> Cells:
    head = ["category", "units", "pictures", *map(column_title, names)]
    if with_constant:
        head += ["best constant", "ratio"]
    return [head, *(_row_cells(row, names, with_constant) for row in (*evaluation.categories, evaluation.mean))]


def _row_cells(row: Row, names: Sequence[str], with_constant: bool) -> list[str]:
    cells = [row.category, str(row.units), str(row.pictures)]
    cells += [estimate_text(row.values[name]) for name in names]
    if with_constant:
        ratio = f"{row.values['mad'].mean / row.constant_mad:.3f}" if row.constant_mad else "-"
        cells += [f"{number_text(row.constant_mad)} (alpha {row.constant_alpha:.2f})", ratio]
    return cells


def estimate_json(estimate: Estimate) -> dict[str, float | None]:
    """Returns an estimate as JSON's types; what was not measured is null."""
    return {name: _number(value) for name, value in estimate._asdict().items()}


def _table_of(column: Column) -> str:
    if column.region is None:
        return "Whole alphas"
    return "Unknown region" if REGIONS[column.region].is_unknown else "Other regions"


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _latex(cell: str) -> str:
    for character in "_%&#":
        cell = cell.replace(character, f"\\{character}")
    return cell
