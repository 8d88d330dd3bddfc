"""The unknown region: the golden trimaps, OpenCV's erosion for every kernel size, padding, and the seeds."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from eval.metrics import region
from eval.metrics.packed_bits import LARGEST_KERNEL, kernels_of_all_sizes
from rvm_jax.guidance.values import BACKGROUND, FOREGROUND, UNKNOWN

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "rvm" / "evaluation_unknown_region.npz")
SIZES = np.arange(1, LARGEST_KERNEL + 1)


def _full(label: np.ndarray) -> np.ndarray:
    return np.full((len(label), 2), label.shape[1:], np.int32)


def _erode(mask: np.ndarray, size: int) -> np.ndarray:
    return cv2.erode(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(size), int(size))))


def _reference(form: str, label: np.ndarray, kernel_sizes: np.ndarray) -> np.ndarray:
    """The trimap by OpenCV; the published form as its script does it, in wrapped bytes."""
    foreground, background = label == 255, label == 0
    if form == "published":
        values = label.astype(np.float32)
        foreground = np.trunc(values + 1e-5).astype(int).astype(np.uint8)
        background = np.trunc(1 - values + 1e-5).astype(int).astype(np.uint8)
    trimap = np.full(label.shape, UNKNOWN, np.uint8)
    trimap[_erode(foreground, kernel_sizes[0]) == 1] = FOREGROUND
    trimap[_erode(background, kernel_sizes[1]) == 1] = BACKGROUND
    return trimap


TRIMAPS = {"described": region.trimap_described, "published": region.trimap_published}


@pytest.mark.parametrize("form", TRIMAPS)
def test_golden_trimaps(form: str) -> None:
    label = GOLDEN["label"]
    np.testing.assert_array_equal(
        TRIMAPS[form](label, _full(label), GOLDEN["kernel_sizes"]), GOLDEN[f"trimap_{form}"], strict=True
    )


@pytest.mark.parametrize("form", TRIMAPS)
def test_every_kernel_size_agrees_with_opencv(form: str) -> None:
    rng = np.random.default_rng(0)
    # Flat areas of all labels that a form tells apart, with single pixels of others, up to the border of the picture.
    small = rng.choice([0, 0, 1, 2, 128, 255, 255], (len(SIZES), 8, 9)).astype(np.uint8)
    label = np.stack([cv2.resize(picture, (61, 53), interpolation=cv2.INTER_NEAREST) for picture in small])
    speckle = rng.random(label.shape) < 0.002
    label[speckle] = rng.choice([0, 1, 2, 255], speckle.sum())
    kernel_sizes = np.stack([SIZES, SIZES[::-1]], 1)
    trimaps = np.asarray(TRIMAPS[form](label, _full(label), kernel_sizes))
    expected = np.stack([_reference(form, *arguments) for arguments in zip(label, kernel_sizes, strict=True)])
    np.testing.assert_array_equal(trimaps, expected)
    assert set(np.unique(expected)) == {0, 128, 255}


@pytest.mark.parametrize("size", SIZES)
def test_columns_of_the_ellipse_are_single_runs(size: int) -> None:
    """What the table of runs rests on; and a kernel of it, drawn pixel by pixel, is OpenCV's."""
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(size), int(size)))
    assert all(np.ptp(np.flatnonzero(column)) + 1 == column.sum() for column in ellipse.T if column.any())
    drawn = np.zeros((29, 29), np.uint8)
    for level, column, *starts in kernels_of_all_sizes()[size]:
        for start in starts:
            drawn[start : start + 2**level, column] = 1
    corner = 14 - size // 2
    np.testing.assert_array_equal(drawn[corner : corner + size, corner : corner + size], ellipse)
    assert drawn.sum() == ellipse.sum()


def test_face_and_band_by_hand() -> None:
    """A straight edge: the band is 10 pixels to both sides of it; the face is what is not 0."""
    label = np.zeros((1, 40, 64), np.uint8)
    label[..., 31:] = 255
    label[..., 30] = 1
    sizes = np.array([[40, 60]])
    band = np.asarray(region.band(label, sizes))
    np.testing.assert_array_equal(band[0].all(axis=0), np.isin(np.arange(64), np.arange(30 - 10, 31 + 10)))
    np.testing.assert_array_equal(band[0].any(axis=0), band[0].all(axis=0))
    face = np.asarray(region.face(label, sizes))
    np.testing.assert_array_equal(face[0].all(axis=0), np.isin(np.arange(64), np.arange(30, 60)))


@pytest.mark.parametrize("form", TRIMAPS)
def test_padding_changes_nothing(form: str) -> None:
    """A picture's trimap is the same alone and in a larger frame, whatever lies beside it."""
    rng = np.random.default_rng(1)
    label = cv2.resize(rng.choice([0, 1, 2, 255], (5, 6)).astype(np.uint8), (37, 29), interpolation=cv2.INTER_NEAREST)
    padded = rng.integers(0, 3, (2, 64, 64)).astype(np.uint8)
    padded[:, :29, :37] = label
    kernel_sizes = np.array([[5, 7], [12, 9]])
    trimaps = np.asarray(TRIMAPS[form](padded, np.array([[29, 37], [29, 37]]), kernel_sizes))
    for trimap, sizes in zip(trimaps, kernel_sizes, strict=True):
        np.testing.assert_array_equal(trimap[:29, :37], _reference(form, label, sizes))


def test_unknown_region_leaves_padding_out() -> None:
    label = np.full((1, 32, 32), 128, np.uint8)
    unknown = np.asarray(region.unknown_described(label, np.array([[20, 10]]), np.array([[3, 3]])))
    assert unknown[0, :20, :10].all()
    assert unknown.sum() == 200


def test_kernel_sizes_are_fixed_by_the_name() -> None:
    assert region.draw_kernel_sizes("hands/00001") == (5, 12)
    drawn = np.array([region.draw_kernel_sizes(f"hands/{i}") for i in range(2000)])
    assert set(drawn[:, 0]) == set(drawn[:, 1]) == set(range(1, 30))
