import cv2
import numpy as np

from data_pipeline.jitter import apply_jitter, colour_matrix, draw_jitter, mean_luma

PICTURE = np.random.default_rng(0).integers(60, 180, (8, 9, 3), np.uint8)
GREY = PICTURE @ np.array([0.299, 0.587, 0.114])


def jittered(brightness: float = 1.0, contrast: float = 1.0, saturation: float = 1.0, hue: float = 0.0) -> np.ndarray:
    change = np.array([brightness, contrast, saturation, hue])
    return apply_jitter(PICTURE, *colour_matrix(change, mean_luma(PICTURE))).astype(float)


def test_each_change_is_what_its_name_says() -> None:
    np.testing.assert_array_equal(jittered(), PICTURE)
    np.testing.assert_allclose(jittered(brightness=1.2), np.minimum(PICTURE * 1.2, 255), atol=0.51)
    np.testing.assert_allclose(jittered(contrast=0.5), 0.5 * PICTURE + 0.5 * GREY.mean(), atol=0.51)
    np.testing.assert_allclose(jittered(saturation=0.0), np.repeat(GREY[..., None], 3, axis=2), atol=0.51)


def test_hue_turns_like_hsv_and_keeps_luma() -> None:
    turned = jittered(hue=0.03)
    np.testing.assert_allclose(turned @ [0.299, 0.587, 0.114], GREY, atol=1.0)
    red = np.full((1, 1, 3), (200, 80, 80), np.uint8)
    hue = cv2.cvtColor(apply_jitter(red, *colour_matrix(np.array([1, 1, 1, 0.03]), 0)), cv2.COLOR_RGB2HSV)[0, 0, 0]
    assert 2 <= hue <= 12  # of 180: towards yellow, about 0.03 turns


def test_premultiplied_layers_change_as_their_straight_colours_do() -> None:
    alpha = np.random.default_rng(1).integers(0, 256, PICTURE.shape[:2], np.uint8)
    premultiplied = np.round(PICTURE * (alpha[..., None] / 255)).astype(np.uint8)
    matrix, offset = colour_matrix(np.array([1.1, 0.8, 1.2, 0.01]), 120.0)
    straight = apply_jitter(PICTURE, matrix, offset) * (alpha[..., None] / 255)
    np.testing.assert_allclose(apply_jitter(premultiplied, matrix, offset, alpha), straight, atol=2.0)
    # Where the straight colour would be clipped at 255, the premultiplied one is at its alpha.
    bright = apply_jitter(premultiplied, 5 * np.eye(3), 0.0, alpha)
    assert (bright <= alpha[..., None]).all()


def test_mean_luma_looks_only_at_what_is_visible() -> None:
    alpha = np.zeros((8, 8), np.uint8)
    alpha[2:4, 2:4] = 255
    layer = np.where(alpha[..., None] > 0, 100, 0).astype(np.uint8).repeat(3, axis=2)
    assert abs(mean_luma(layer, alpha) - 100) < 1e-9


def test_drift_is_at_most_a_fifth_and_the_saturation_bug_copies_brightness() -> None:
    clock = np.linspace(0, 1, 5)
    for seed in range(50):
        change = draw_jitter(np.random.default_rng(seed), clock)
        assert change.shape == (5, 4) and (change[:, :3] >= 0.1).all()
        bugged = draw_jitter(np.random.default_rng(seed), clock, saturation_bug=True)
        np.testing.assert_array_equal(bugged[:, 2], change[:, 0])
        np.testing.assert_array_equal(bugged[:, [0, 1, 3]], change[:, [0, 1, 3]])
    draws = np.array([draw_jitter(np.random.default_rng(seed), clock) for seed in range(400)])
    assert 0.08 < draws[:, 0, 0].std() < 0.12
    assert np.abs(draws[:, 0] - draws[:, -1]).mean() < 0.03
