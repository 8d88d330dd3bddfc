"""Errors on rendered people by trait."""

import numpy as np
import pytest

from data_pipeline.people.clip import Options
from data_pipeline.people.source import People
from eval.by_trait import TRAITS, Measured, measure, rows


class Knowing:
    """Gives the alphas that it was told, in their order."""

    def __init__(self, alphas: list[np.ndarray]):
        self.starts = 0
        self._alphas = iter(alphas)

    def reset(self) -> None:
        self.starts += 1

    def alpha(self, rgb: np.ndarray) -> np.ndarray:
        del rgb
        return next(self._alphas)


def test_the_truth_has_no_error_and_nothing_has_all() -> None:
    people = People(48, split="test", max_items=2, frames=1, options=Options(samples=1, hair=False))
    faces = [people.clip(index).frame(0).alpha for index in range(2)]
    matter = Knowing([faces[0], np.zeros_like(faces[1])])
    right, wrong = measure(matter, people, range(2))
    assert matter.starts == 2
    assert (right.iou, right.mad) == (1.0, 0.0)
    assert wrong.iou == 0.0
    assert wrong.mad == pytest.approx(1000 * faces[1].mean())
    assert set(right.labels) == set(TRAITS)
    assert right.labels["beard"] == ["none"]


def test_rows_are_means_of_the_clips_with_a_label() -> None:
    def clip(sex: str, iou: float) -> Measured:
        return Measured({trait: [sex if trait == "sex" else "any"] for trait in TRAITS}, iou, 1000 * (1 - iou))

    table = {(row.trait, row.label): row for row in rows([clip("female", 0.8), clip("female", 0.6), clip("male", 1.0)])}
    assert table["all", ""].clips == 3
    assert table["all", ""].iou.mean == pytest.approx(0.8)
    assert table["sex", "female"].iou.mean == pytest.approx(0.7)
    assert table["sex", "male"].mad.mean == pytest.approx(0.0)
    assert table["age", "any"].clips == 3
