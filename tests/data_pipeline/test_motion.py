import cv2
import numpy as np
import pytest

from data_pipeline.easing import EASINGS, draw_easing, linear
from data_pipeline.motion import (
    Affine,
    about,
    affine_matrix,
    draw_affine,
    draw_clock,
    horizontal_flip,
    moving_affine,
    pause,
    pixel_matrix,
    rotation,
    scaling,
    transform_points,
    translation,
)

# By hand from the formulas of the AHEasing family, at u = 0.25 and 0.75.
QUARTERS = {
    "step": (0, 1),
    "quad_in": (1 / 16, 9 / 16),
    "quad_out": (7 / 16, 15 / 16),
    "quad_in_out": (1 / 8, 7 / 8),
    "cubic_in_out": (1 / 16, 15 / 16),
    "quartic_out": (175 / 256, 255 / 256),
    "quintic_in": (1 / 1024, 243 / 1024),
    "sine_in_out": (0.5 - np.sqrt(0.125), 0.5 + np.sqrt(0.125)),
    "circular_out": (np.sqrt(0.4375), np.sqrt(0.9375)),
    "exponential_in": (2**-7.5, 2**-2.5),
    "exponential_in_out": (2**-6, 1 - 2**-6),
    "back_in": (1 / 64 - np.sqrt(0.5) / 4, 27 / 64 - 3 * np.sqrt(0.5) / 4),
    "elastic_in": (np.sin(13 * np.pi / 8) * 2**-7.5, np.sin(39 * np.pi / 8) * 2**-2.5),
    "elastic_out": (np.sin(-65 * np.pi / 8) * 2**-2.5 + 1, np.sin(-91 * np.pi / 8) * 2**-7.5 + 1),
    "bounce_out": (121 / 256, 54 / 5 * 0.5625 * 0 + 4356 / 361 * 0.5625 - 35442 / 1805 * 0.75 + 16061 / 1805),
}


@pytest.mark.parametrize("name", QUARTERS)
def test_easing_values(name: str) -> None:
    assert [EASINGS[name](0.25), EASINGS[name](0.75)] == pytest.approx(QUARTERS[name], abs=1e-12)


def test_easings_are_the_31_of_rvm_and_go_from_0_to_1() -> None:
    assert len(EASINGS) == 31
    for ease in EASINGS.values():
        assert [ease(0.0), ease(1.0)] == pytest.approx([0, 1], abs=1e-9)


def test_a_fifth_of_the_easings_drawn_is_linear() -> None:
    rng = np.random.default_rng(0)
    assert sum(draw_easing(rng) is linear for _ in range(2000)) == pytest.approx(400, abs=60)


def test_affine_matrix_by_hand() -> None:
    np.testing.assert_allclose(affine_matrix(Affine(), 8), np.eye(3), atol=1e-12)
    quarter_turn = affine_matrix(Affine(angle=90), 8)  # clockwise: the middle of the right edge goes to the bottom
    np.testing.assert_allclose(transform_points(quarter_turn, np.array([[8.0, 4.0]])), [[4, 8]], atol=1e-12)
    mixed = affine_matrix(Affine(x=3, y=-2, scale=2, shear=45), 8)  # x = 2(x − y) about the centre: torchvision's sign
    np.testing.assert_allclose(transform_points(mixed, np.array([[5.0, 6.0]])), [[4 + 2 * (1 - 2) + 3, 4 + 4 - 2]])


def test_matrices_are_exact_at_pixel_centres() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (6, 6, 3), np.uint8)

    def warped(matrix: np.ndarray) -> np.ndarray:
        return cv2.warpAffine(picture, pixel_matrix(matrix), (6, 6))

    np.testing.assert_array_equal(warped(horizontal_flip(6)), picture[:, ::-1])
    np.testing.assert_array_equal(warped(about((3, 3), rotation(90))), np.rot90(picture, -1))
    np.testing.assert_array_equal(warped(translation(2, 1))[1:, 2:], picture[:-1, :-2])
    # Halved, a pixel's centre falls between two: every result is a mean of four.
    means = picture.reshape(3, 2, 3, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(warped(scaling(0.5))[:3, :3], means, atol=0.5)


def test_drawn_affines_keep_to_their_ranges() -> None:
    rng = np.random.default_rng(0)
    draws = np.array([draw_affine(rng, 100, scale=(0.5, 1)) for _ in range(500)])
    assert (np.abs(draws).max(axis=0) <= [10, 10, 10, 1, 5]).all()
    assert (np.abs(draws).max(axis=0) >= [9, 9, 9, 0.98, 4.5]).all()
    assert draws[:, 3].min() >= 0.5
    assert (draws[:, 1:3] == np.round(draws[:, 1:3])).all()


def test_movement_goes_from_one_affine_to_another() -> None:
    clock = np.array([0.0, 0.5, 1.0])
    path = moving_affine(np.random.default_rng(3), clock, 64)
    rng = np.random.default_rng(3)
    start, end = draw_affine(rng, 64), draw_affine(rng, 64)
    np.testing.assert_allclose(path[0], affine_matrix(start, 64), atol=1e-9)
    np.testing.assert_allclose(path[2], affine_matrix(end, 64), atol=1e-9)
    assert np.abs(path[1] - path[0]).max() > 0


def test_clock() -> None:
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(draw_clock(rng, 4, (0, 0)), [0, 1 / 3, 2 / 3, 1])  # RVM
    np.testing.assert_allclose(draw_clock(rng, 4, (26, 26), random_start=False), np.arange(4) / 25)  # the fork
    np.testing.assert_array_equal(draw_clock(rng, 1, (0, 0)), [0])
    clocks = np.array([draw_clock(rng, 4) for _ in range(2000)])
    assert clocks.min() == 0 and clocks.max() == 1
    steps = np.diff(clocks, axis=1)
    np.testing.assert_allclose(steps, steps[:, :1].repeat(3, axis=1))
    assert sorted({round(1 / step) for step in steps[:, 0]}) == list(range(3, 26))


def test_pause_freezes_a_stretch() -> None:
    clock, seen = np.arange(5.0), set()
    rng = np.random.default_rng(0)
    for _ in range(500):
        paused = pause(rng, clock)
        frozen = np.flatnonzero(paused != clock)
        assert len(frozen) == 0 or (paused[frozen] == frozen[0] - 1).all()
        assert (np.diff(frozen) == 1).all()
        seen.add(tuple(frozen.tolist()))
    assert (1, 2, 3) in seen and not any(4 in frozen and 1 in frozen for frozen in seen)
    np.testing.assert_array_equal(pause(rng, np.zeros(1)), [0])
    np.testing.assert_array_equal(clock, np.arange(5.0))
