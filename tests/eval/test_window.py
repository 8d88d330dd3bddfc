"""What is measured in windows is what whole pictures give."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from eval.folders.pairs import Pair
from eval.metrics import connectivity
from eval.metrics.batch import Batch, Decoded
from eval.metrics.gradient import gradient_error
from eval.metrics.metric import Metric, chosen_metrics
from eval.metrics.region import REGIONS
from eval.metrics.sums import error_sums
from eval.metrics.temporal import temporal_sums
from eval.metrics.visible import visible_iou
from eval.metrics.window import Window, covered

SHAPE = (96, 128)
SIZES = np.array([SHAPE], np.int32)


def _alpha(centre: tuple[int, int], radius: int) -> np.ndarray:
    alpha = np.zeros(SHAPE, np.uint8)
    cv2.circle(alpha, centre, radius, 255, -1)
    alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), 2))
    alpha[alpha < 2] = 0
    return alpha


def _decoded(number: int, pred: np.ndarray, label: np.ndarray) -> Decoded:
    return Decoded(Pair(f"faces/clip/{number:05d}", Path("a"), Path("b")), pred, label, covered(pred, label))


@pytest.mark.parametrize("centre", [(64, 48), (3, 5), (126, 50), (20, 95)])
def test_a_window_gives_what_the_whole_picture_gives(centre: tuple[int, int]) -> None:
    label, pred = _alpha(centre, 12), _alpha((centre[0] - 4, centre[1] + 3), 11)
    first = _decoded(0, label, _alpha((60, 40), 6))
    second = _decoded(1, pred, label).after(first)
    assert second.window.area < label.size

    batch = Batch([second], SHAPE, (96, 128), 1, tuple(REGIONS))
    whole = error_sums(pred[None], label[None], SIZES, batch.kernel_sizes, tuple(REGIONS))
    for region, sums in batch.region_sums.items():
        np.testing.assert_array_equal(sums, whole[region], region)
    changes = temporal_sums(pred[None], label[None], first.pred[None], first.label[None], SIZES)
    np.testing.assert_array_equal(batch.temporal_sums, changes)

    values = batch.measure(_of_windows())
    assert values["iou"] == visible_iou(pred[None], label[None], SIZES)
    np.testing.assert_allclose(values["grad"], gradient_error(pred[None], label[None], SIZES), rtol=1e-5)


def _of_windows() -> list[Metric]:
    return [metric for metric in chosen_metrics(["grad", "iou"]) if metric.name in ("grad", "iou")]


def test_frames_of_another_clip_are_not_the_ones_before() -> None:
    blank = np.zeros(SHAPE, np.uint8)
    still = Decoded(Pair("faces/a", Path("a"), Path("b")), blank, blank, covered(blank, blank))
    assert still.after(still).before is None
    frame = _decoded(1, blank, blank)
    assert frame.after(still).before is None
    assert frame.after(frame.after(frame)).before == frame


def test_a_window_of_nothing_is_empty_and_joins_nothing() -> None:
    nothing, some = covered(np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)), Window(2, 3, 5, 9)
    assert nothing.area == 0
    assert nothing.union(some) == some.union(nothing) == some
    assert some.with_margin((8, 100)) == Window(0, 0, 8, 23)


def test_filling_finds_the_component_that_labelling_finds() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        mask = (cv2.resize(rng.random((9, 11)), (40, 36)) > rng.uniform(0.2, 0.8)).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        expected = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()) if count > 1 else mask > 0
        seed = int(rng.integers(40)), int(rng.integers(36))
        found = connectivity._largest_component(mask.copy(), cv2.countNonZero(mask), seed)
        np.testing.assert_array_equal(found > 0, expected)
        column, row = connectivity._seed(mask)
        assert (0 <= column < 40) and (0 <= row < 36)
