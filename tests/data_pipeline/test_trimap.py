import cv2
import numpy as np

from data_pipeline.trimap import make_trimap, make_trimap_published


def disc(side: int = 64, frames: int = 3, soft: float = 0) -> np.ndarray:
    mask = np.zeros((side, side), np.uint8)
    cv2.circle(mask, (side // 2, side // 2), side // 4, 255, -1)
    if soft:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.uint8)
    return np.repeat(mask[None, ..., None], frames, axis=0)


def test_widths_are_drawn_once_a_clip_and_scale_with_the_side() -> None:
    pha = disc()
    trimaps = [make_trimap(pha, np.random.default_rng(seed)) for seed in range(40)]
    for trimap in trimaps:
        assert trimap.shape == pha.shape and trimap.dtype == np.uint8
        assert set(np.unique(trimap)) <= {0, 128, 255}
        assert (trimap == trimap[:1]).all()
        assert (trimap[pha == 255] != 0).all() and (trimap[pha == 0] != 255).all()
    # 29 of 640 pixels are 3 of 64: each side of the edge loses at most one pixel.
    distance = cv2.distanceTransform((pha[0] == 0).astype(np.uint8), cv2.DIST_L1, 3)
    assert max(distance[trimap[0, ..., 0] == 128].max(initial=0) for trimap in trimaps) == 1


def test_soft_pixels_are_unknown_and_the_kernels_are_elliptical() -> None:
    pha = disc(side=640, frames=1, soft=2)
    trimap = make_trimap(pha, np.random.default_rng(5))
    assert (trimap[(pha > 0) & (pha < 255)] == 128).all()
    widths = np.random.default_rng(5).integers(1, 30, 2)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(widths[0]), int(widths[0])))
    expected = cv2.erode((pha[0, ..., 0] == 255).astype(np.uint8), kernel) == 1
    np.testing.assert_array_equal(trimap[0, ..., 0] == 255, expected)


def test_published_form_draws_for_every_frame() -> None:
    pha = disc(frames=4)
    trimap = make_trimap_published(pha, np.random.default_rng(0))
    assert trimap.shape == pha.shape and set(np.unique(trimap)) == {0, 128, 255}
    assert not (trimap == trimap[:1]).all()


def test_all_of_one_kind() -> None:
    for value in (0, 255):
        pha = np.full((1, 64, 64, 1), value, np.uint8)
        assert (make_trimap(pha, np.random.default_rng(0)) == value).all()
        assert (make_trimap_published(pha, np.random.default_rng(0)) == value).all()
