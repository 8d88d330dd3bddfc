"""Masks of annotation tools guide, and mark whole faces, as the same masks in grey do."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rvm_jax.errors import UserError
from rvm_jax.guidance.numpy_ops import read_guidance
from rvm_jax.matting.inputs import masks

INDEX = np.zeros((20, 24), np.uint8)
INDEX[5:12, 4:16] = 1


@pytest.mark.parametrize("colour", [(128, 0, 0), (0, 128, 0), (0, 0, 128), (255, 255, 0)])
@pytest.mark.parametrize("indexed", [True, False])
def test_masks_in_colour(tmp_path: Path, colour: tuple[int, int, int], indexed: bool) -> None:
    picture = Image.fromarray(INDEX)
    picture.putpalette([0, 0, 0, *colour])
    path = tmp_path / "0.png"
    (picture if indexed else picture.convert("RGB")).save(path)
    np.testing.assert_array_equal(read_guidance(path, "mask", (20, 24)), INDEX * 255)
    np.testing.assert_array_equal(next(masks(path, (20, 24), None)), INDEX * 255)
    np.testing.assert_array_equal(next(masks(tmp_path, (20, 24), None)), INDEX * 255)


def test_a_map_of_labels_guides_nothing(tmp_path: Path) -> None:
    labels = INDEX * np.uint8(10)
    labels[6:9, 5:14] = 2
    Image.fromarray(labels).save(tmp_path / "0.png")
    with pytest.raises(UserError, match=r"0\.png: its largest value is 10, as in a map of labels"):
        read_guidance(tmp_path / "0.png", "mask", (20, 24))
