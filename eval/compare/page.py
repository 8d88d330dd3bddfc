"""A comparison as one HTML file that holds all it shows, and asks no server for anything."""

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import cv2
import numpy as np

from eval.compare.examples import Example
from eval.report import Table

_TEMPLATE = Path(__file__).with_name("page.html")


def render(
    tables: Sequence[Table],
    drawings: Mapping[str, str],
    examples: Sequence[Example],
    entries: Sequence[str],
    legend: Mapping[str, str],
) -> str:
    """Returns the page: tables that sort by a click on a column's title, drawings, examples under a slider.

    Args:
      tables: the first one is shown first; the others fold.
      drawings: SVG by title.
      examples: pictures with all entries' alphas.
      entries: names, in their order.
      legend: what the columns are, by their titles.
    """
    meanings = "".join(f"<dt>{escape(name)}</dt><dd>{escape(meaning)}</dd>" for name, meaning in legend.items())
    shown = [
        {
            "title": example.title,
            "src": _data_url(example.src, ".jpg"),
            "true": _data_url(example.true, ".png"),
            "pred": {name: _data_url(alpha, ".png") for name, alpha in example.pred.items()},
            "errors": example.errors,
        }
        for example in examples
    ]
    # "</" would end the script that holds the JSON.
    data = json.dumps({"entries": list(entries), "examples": shown}).replace("</", "<\\/")
    page = _TEMPLATE.read_text()
    for name, text in {
        "tables": "".join(_table(table, index == 0) for index, table in enumerate(tables)),
        "drawings": "".join(f"<figure>{drawing}</figure>" for drawing in drawings.values()),
        "legend": meanings,
        "data": data,
    }.items():
        page = page.replace(f"<!--{name}-->", text, 1)
    return page


def _table(table: Table, is_open: bool) -> str:
    head, *lines = table.cells
    cells = "".join(f'<th tabindex="0">{escape(cell)}</th>' for cell in head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in lines)
    return (
        f"<details{' open' if is_open else ''}><summary>{escape(table.title)}</summary><div class='wide'>"
        f"<table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _data_url(picture: np.ndarray, suffix: str) -> str:
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(suffix, picture, [cv2.IMWRITE_JPEG_QUALITY, 88] if suffix == ".jpg" else [])
    kind = {".jpg": "jpeg", ".png": "png"}[suffix]
    return f"data:image/{kind};base64,{base64.b64encode(encoded.tobytes()).decode()}"
