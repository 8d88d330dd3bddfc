"""An evaluation's rows → a table for the screen, Markdown, JSON."""

import json
from collections.abc import Sequence
from typing import Any

from eval.benchmark import Evaluation, Row

LEGEND = {
    "MSE": "mean squared error of alphas in [0, 1] over the region, mean over pictures",
    "SAD": "sum of absolute differences of alphas in [0, 1] over the region, divided by 1000, mean over pictures",
    "MAD": "mean absolute difference of alphas in [0, 1] over all pixels, mean over pictures",
    "best constant": "the MAD of the one alpha that does best for every pixel of these labels; ratio: MAD / this",
}


def table(evaluation: Evaluation) -> str:
    """Returns the evaluation as aligned text: a line a category, and the mean over categories."""
    lines = _cells(evaluation)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(_aligned(line, widths)) for line in lines]
    rule = "-" * len(text[0])
    return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])


def markdown(evaluation: Evaluation) -> str:
    """Returns the same table in Markdown."""
    head, *lines = _cells(evaluation)
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines))


def as_json(evaluation: Evaluation, **about: Any) -> str:
    """Returns the evaluation as JSON: `about` (what was evaluated), rows, their mean, and every picture's errors."""
    pictures = [
        {
            "name": picture.key,
            "kernel_sizes": picture.kernel_sizes,
            "mad": float(picture.sums["all"].mad),
            **{
                name: {"mse": float(sums.mse), "sad": float(sums.sad), "pixels": int(sums.pixels)}
                for name, sums in picture.sums.items()
            },
        }
        for picture in evaluation.pictures
    ]
    document = {
        **about,
        "legend": LEGEND,
        "categories": [row._asdict() for row in evaluation.categories],
        "mean": evaluation.mean._asdict(),
        "pictures": pictures,
    }
    return json.dumps(document, indent=1) + "\n"


def _cells(evaluation: Evaluation) -> list[list[str]]:
    regions = list(evaluation.mean.mse)
    head = ["category", "pictures"]
    for region in regions:
        head += [f"MSE {region}", f"SAD {region}"]
    head += ["MAD", "best constant", "ratio"]
    return [head, *(_row_cells(row, regions) for row in (*evaluation.categories, evaluation.mean))]


def _row_cells(row: Row, regions: Sequence[str]) -> list[str]:
    cells = [row.category, str(row.pictures)]
    for region in regions:
        cells += [f"{row.mse[region]:.5f}", f"{row.sad[region]:.3f}"]
    ratio = f"{row.mad / row.constant_mad:.3f}" if row.constant_mad else "-"
    return [*cells, f"{row.mad:.4f}", f"{row.constant_mad:.4f} (alpha {row.constant_alpha:.2f})", ratio]


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
