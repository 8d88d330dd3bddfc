"""A metric is one class: where it is registered, command line, tables, JSON and page have it."""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from eval import report
from eval.compare.comparison import compare
from eval.compare.entries import parse_entries
from eval.compare.predictions import find_predictions
from eval.folders.evaluation import evaluate
from eval.folders.pairs import find_pairs
from eval.metrics.metric import PictureMetric, chosen_metrics, optional_names, register, unregister
from rvm_jax.media.pictures import write_picture


@pytest.fixture
def worst() -> Iterator[type[PictureMetric]]:
    @register
    class Worst(PictureMetric):
        name, title = "worst", "Worst <pixel>"
        legend = "the largest error of a pixel, of alphas in [0, 1]"
        is_main = True

        def compute(self, pred: np.ndarray, label: np.ndarray) -> float:
            return float(np.max(cv2.absdiff(pred, label))) / 255

        def merge(self, values: object) -> float:  # a clip's value is that of its worst frame
            return max(values)  # type: ignore[call-overload, no-any-return]

    yield Worst
    unregister("worst")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A picture that is off by a fifth somewhere, and a clip of two frames, the second off by two fifths."""
    for name, error in (("hands/{}/a.png", 51), ("cups/{}/0/0.png", 0), ("cups/{}/0/1.png", 102)):
        label = np.zeros((24, 32), np.uint8)
        label[:, :16] = 255
        write_picture(tmp_path / "label" / name.format("mask"), label)
        write_picture(tmp_path / "label" / name.format("img"), np.dstack([label] * 3))
        label[3, 3] -= error
        write_picture(tmp_path / "pred" / name.replace("/{}", ""), label)
    return tmp_path / "pred", tmp_path / "label"


def test_tables_json_and_page_have_it(worst: type[PictureMetric], folders: tuple[Path, Path], tmp_path: Path) -> None:
    pred_dir, label_dir = folders
    assert optional_names()[-1] == "worst"  # what the command line takes
    evaluation = evaluate(find_pairs(pred_dir, label_dir))
    values = {row.category: row.values["worst"].mean for row in evaluation.categories}
    assert values == pytest.approx({"hands": 0.2, "cups": 0.4})
    assert evaluation.mean.values["worst"].mean == pytest.approx(0.3)

    whole = report.tables(evaluation)[-1].cells
    assert [line[whole[0].index("Worst <pixel>")] for line in whole[1:]] == ["0.4000", "0.2000", "0.3000"]
    document = json.loads(report.as_json(evaluation))
    assert document["legend"]["Worst <pixel>"] == worst.legend
    assert [picture["worst"] for picture in document["pictures"]] == pytest.approx([0, 0.4, 0.2])

    entries = parse_entries([f"a={pred_dir}", f"b={pred_dir}"])
    compare(find_predictions(entries, label_dir, tmp_path / "matted", ()), label_dir, tmp_path / "out")
    page = (tmp_path / "out/index.html").read_text()
    assert ">Worst &lt;pixel&gt;</th>" in page and f"<dd>{worst.legend}</dd>" in page
    differences = (tmp_path / "out/tables/differences_to_b.md").read_text()
    assert "Worst <pixel>" in differences.splitlines()[0]


def test_without_it_nothing_knows_it(folders: tuple[Path, Path]) -> None:
    assert "worst" not in evaluate(find_pairs(*folders)).mean.values
    with pytest.raises(ValueError, match="no such metric: worst; there are iou, grad, conn, dtssd, flicker"):
        chosen_metrics(["worst"])
