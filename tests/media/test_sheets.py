import numpy as np
import pytest

from rvm_jax.media.sheets import grid


def test_pictures_of_all_kinds_lie_where_they_should() -> None:
    rows: list[list[np.ndarray]] = [
        [np.full((4, 6, 3), (1, 2, 3), np.uint8), np.full((5, 3), 7, np.uint8)],
        [np.full((2, 2, 1), 9, np.uint8)],
    ]
    sheet = grid(rows, pad=2, background=50)
    assert sheet.shape == (2 + 5 + 2 + 2 + 2, 2 + 6 + 2 + 3 + 2, 3) and sheet.dtype == np.uint8
    assert (sheet[2:6, 2:8] == (1, 2, 3)).all()
    assert (sheet[2:7, 10:13] == 7).all()
    assert (sheet[9:11, 2:4] == 9).all()
    assert (sheet == 50).all(axis=2).sum() == sheet.shape[0] * sheet.shape[1] - 24 - 15 - 4


def test_titles_take_a_line_and_empty_ones_none() -> None:
    rows = [[np.zeros((4, 80), np.uint8)], [np.zeros((4, 80), np.uint8)]]
    plain, titled = grid(rows), grid(rows, titles=["cup", ""])
    added = titled.shape[0] - plain.shape[0]
    assert added > 0 and titled[:added].min() < 128
    np.testing.assert_array_equal(titled[added:], plain)
    with pytest.raises(ValueError, match="1 titles for 2 rows"):
        grid(rows, titles=["one"])
