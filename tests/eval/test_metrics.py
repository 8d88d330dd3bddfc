"""The metrics against golden data, by hand, and under padding and merging."""

from pathlib import Path

import jax
import numpy as np
import pytest

from eval.metrics import alpha, sums

GOLDEN = Path(__file__).parents[1] / "golden" / "rvm"


def test_unknown_region_against_golden() -> None:
    golden = np.load(GOLDEN / "evaluation_unknown_region.npz")
    pred, label = golden["pred"], golden["label"]
    sizes = np.full((len(label), 2), label.shape[1:], np.int32)
    found = sums.error_sums(pred, label, sizes, golden["kernel_sizes"], ("published", "described"))
    for column, form in enumerate(("published", "described")):
        np.testing.assert_allclose(found[form].mse, golden["mse"][:, column], rtol=1e-6, atol=0)
        np.testing.assert_allclose(found[form].sad, golden["sad"][:, column], rtol=1e-6, atol=0)


def test_by_hand() -> None:
    """A 4 × 6 alpha whose left half is 255; kernels of size 3 (a cross) leave the two columns at the edge unknown."""
    label = np.zeros((1, 4, 6), np.uint8)
    label[..., :3] = 255
    pred = label.copy()
    pred[0, 0, 2] = 255 - 51  # inside the unknown region, an error of 0.2
    pred[0, 1, 0] = 0  # outside it, an error of 1
    found = sums.error_sums(pred, label, np.array([[4, 6]]), np.array([[3, 3]]), ("all", "described"))
    assert found["described"].pixels == 8
    assert found["described"].mse == pytest.approx(0.2**2 / 8)
    assert found["described"].sad == pytest.approx(0.2 / 1000)
    assert found["all"].pixels == 24
    assert found["all"].mad == pytest.approx(1.2 / 24)
    # Published: the kernel holds 0 and neither 1 nor 2 in the right half and one column left of it.
    published = sums.error_sums(pred, label, np.array([[4, 6]]), np.array([[3, 3]]), ("published",))["published"]
    assert published.pixels == 8
    assert published.mse == pytest.approx(1 / 8)


def test_sums_are_exact_under_padding_and_at_their_largest() -> None:
    """Whole numbers throughout: the padded batch gives the very sums that NumPy gives for each picture."""
    rng = np.random.default_rng(0)
    sizes = np.array([[96, 70], [33, 95], [0, 0]])
    pred, label = (rng.integers(0, 256, (3, 96, 95)).astype(np.uint8) for _ in range(2))
    pred[0], label[0] = 255, 0
    found = sums.error_sums(pred, label, sizes, np.full((3, 2), 5), ("all",))["all"]
    for i, (height, width) in enumerate(sizes):
        error = pred[i, :height, :width].astype(np.int64) - label[i, :height, :width]
        sums_here = [int(of_all[i]) for of_all in (found.squared, found.absolute, found.pixels)]
        assert sums_here == [(error**2).sum(), abs(error).sum(), error.size]


def test_an_empty_region_counts_as_no_error() -> None:
    label = np.zeros((1, 16, 16), np.uint8)
    found = sums.error_sums(label + 9, label, np.array([[16, 16]]), np.array([[3, 3]]), ("described",))["described"]
    assert [float(of_all[0]) for of_all in (found.mse, found.sad, found.mad, found.pixels)] == [0, 0, 0, 0]


def test_alpha_errors_against_golden() -> None:
    """RVM states both times 1000, a value a frame."""
    golden = np.load(GOLDEN / "evaluation_video.npz")
    for frame in range(2):
        errors = alpha.alpha_errors(golden["pred"][frame, ..., None], golden["true"][frame, ..., None])
        for name in ("mad", "mse"):
            assert 1e3 * errors[name].compute() == pytest.approx(golden[name][frame], rel=1e-6)


def test_alpha_errors_merge_to_the_mean_over_all_pictures() -> None:
    rng = np.random.default_rng(0)
    pred, label = rng.random((2, 3, 2, 8, 8, 1), np.float32)
    whole = alpha.alpha_errors(pred, label)
    parts = [alpha.alpha_errors(pred[s], label[s]) for s in (slice(0, 1), slice(1, 3))]
    merged = jax.tree.map(
        lambda a, b: a.merge(b), *parts, is_leaf=lambda node: isinstance(node, alpha.Mean)
    )  # a dict of Mean
    for name, expected in {"mad": abs(pred - label).mean(), "mse": ((pred - label) ** 2).mean()}.items():
        assert whole[name].count == 6
        assert whole[name].compute() == pytest.approx(expected, rel=1e-6)
        assert merged[name].compute() == pytest.approx(expected, rel=1e-6)


def test_an_empty_mean_is_nan() -> None:
    assert np.isnan(alpha.Mean(0.0, 0).compute())
