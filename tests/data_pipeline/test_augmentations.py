"""Camera effects, colour transfer and random shapes."""

import cv2
import numpy as np
import pytest

from data_pipeline.motion import draw_frame_choice
from data_pipeline.techniques import augmentations
from data_pipeline.techniques.augmentations import Clip
from data_pipeline.techniques.colour_transfer import transfer_colours
from data_pipeline.techniques.shapes import cut_texture, draw_shape, draw_texture

SIDE = 48


def clip(frames: int = 3, side: int = SIDE) -> Clip:
    """A grey picture with a bright square, which is the alpha, too."""
    pha = np.zeros((frames, side, side, 1), np.uint8)
    pha[:, side // 3 : side // 2, side // 3 : side // 2] = 200
    return {"src": np.repeat(pha // 2 + np.uint8(60), 3, axis=-1), "pha": pha}


@pytest.mark.parametrize("name", ["add_noise", "sharpen", "to_grey", "compress"])
def test_what_acts_on_the_picture_alone_leaves_the_alpha_and_the_original(name: str) -> None:
    before = clip()
    after = getattr(augmentations, name)(before, np.random.default_rng(1))
    np.testing.assert_array_equal(after["pha"], before["pha"])
    np.testing.assert_array_equal(before["src"], clip()["src"])
    assert after["src"].shape == before["src"].shape and after["src"].dtype == np.uint8
    assert name == "to_grey" or (after["src"] != before["src"]).any()


def test_noise_is_new_in_every_frame_and_has_no_bias() -> None:
    after = augmentations.add_noise(clip(), np.random.default_rng(2))["src"].astype(float)
    noise = after - clip()["src"]
    assert noise.std() > 1 and abs(noise.mean()) < 0.1 * noise.std()
    assert (noise[0] != noise[1]).any()


def test_grey_and_compressed_pictures() -> None:
    coloured = {"src": np.full((1, SIDE, SIDE, 3), (250, 20, 90), np.uint8)}
    grey = augmentations.to_grey(coloured, np.random.default_rng(0))["src"]
    assert (grey == grey[..., :1]).all() and grey[0, 0, 0, 0] == round(0.299 * 250 + 0.587 * 20 + 0.114 * 90)
    # The channels keep their order through the codec.
    jpeg = augmentations.compress(coloured, np.random.default_rng(0))["src"].astype(int)
    assert np.abs(jpeg - coloured["src"]).max() < 12


def test_defocus_blurs_colours_and_alpha_together() -> None:
    before = clip(side=256)
    after = augmentations.blur(before, np.random.default_rng(1))
    assert (after["pha"] != before["pha"]).any()
    np.testing.assert_allclose(after["src"][..., 0], after["pha"][..., 0] / 2.0 + 60, atol=1.1)


@pytest.mark.parametrize("shift", [(0.4, 0), (8, 0), (0, -8), (-7.3, 12.2), (3.2, 3.2), (20, -1)])
def test_smearing_spreads_along_the_way_and_keeps_the_sum(shift: tuple[float, float]) -> None:
    layer = np.zeros((61, 61, 4), np.uint8)
    layer[28:33, 28:33] = 240
    smeared = augmentations.smear(layer, np.array(shift, float))
    assert smeared.shape == layer.shape and (smeared == smeared[..., :1]).all()
    weights = smeared[..., 0].astype(float)
    assert weights.sum() == pytest.approx(layer[..., 0].sum(), rel=0.02)
    rows, columns = np.nonzero(weights > 4)
    expected = 5 + np.abs(shift) if max(np.abs(shift)) >= 1 else (5, 5)
    assert (np.ptp(columns) + 1, np.ptp(rows) + 1) == pytest.approx(expected, abs=1.6)
    middle = [weights.sum(axis=axis) @ np.arange(61) / weights.sum() for axis in (0, 1)]
    assert middle == pytest.approx([30, 30], abs=0.6)


def test_colour_transfer_takes_the_colours_but_not_the_texture() -> None:
    rng = np.random.default_rng(0)
    pattern = 20.0 * (np.indices((90, 90)).sum(axis=0) // 3 % 2)[..., None]
    rgb = np.clip(np.array([90, 60, 40]) + pattern + rng.normal(0, 3, (90, 90, 3)), 0, 255).astype(np.uint8)
    face = np.clip(np.array([210, 170, 150]) + rng.normal(0, 12, (70, 70, 3)), 0, 255).astype(np.uint8)
    alpha, mask = np.zeros((90, 90), np.uint8), np.zeros((70, 70), np.uint8)
    alpha[10:80, 10:80] = mask[10:60, 10:60] = 255
    face[mask == 0] = (0, 255, 0)  # what is not face must not matter
    after = transfer_colours(rgb, alpha, face, mask, rng)
    inside = alpha > 0
    np.testing.assert_allclose(after[inside].mean(axis=0), face[mask > 0].mean(axis=0), atol=6)
    before_and_after = [picture[..., 0][inside].astype(float) for picture in (rgb, after)]
    assert np.corrcoef(np.stack(before_and_after))[0, 1] > 0.8
    nothing = np.zeros_like(mask)
    nothing[0, 0] = 255
    np.testing.assert_array_equal(transfer_colours(rgb, alpha, face, nothing, rng), rgb)


def test_shapes_fill_part_of_their_square_with_soft_edges() -> None:
    rng = np.random.default_rng(0)
    shapes = [draw_shape(rng, 64) for _ in range(40)]
    areas = [shape.mean() / 255 for shape in shapes]
    assert min(areas) > 0.05 and max(areas) < 0.95 and np.ptp(areas) > 0.2
    for shape in shapes:
        assert shape.shape == (64, 64) and shape.dtype == np.uint8 and shape.max() == 255
        assert 0 < ((shape > 0) & (shape < 255)).mean() < 0.2
        points = np.argwhere(shape > 127)
        assert np.ptp(points, axis=0).max() >= 60  # it takes the whole square in one direction
    assert (shapes[0] != shapes[1]).any()


def test_textures() -> None:
    rng = np.random.default_rng(0)
    drawn = draw_texture(rng, 40)
    assert drawn.shape == (40, 40, 3) and drawn.dtype == np.uint8
    ramp = np.broadcast_to(np.arange(100, dtype=np.uint8)[:, None, None], (100, 60, 3))
    for _ in range(5):
        part = cut_texture(rng, ramp, 32)
        assert part.shape == (32, 32, 3)
        step = np.diff(cv2.blur(part[..., 0].astype(float), (3, 3))[:, 0]).mean()
        assert 0.9 < step < 1.95  # a square of half the shorter side or more: 30 to 60 rows on 32


def test_the_frame_sampler_keeps_to_speeds_and_bounds() -> None:
    steps = set()
    for seed in range(200):
        rng = np.random.default_rng(seed)
        chosen = draw_frame_choice(rng, 5)(1000)
        assert len(chosen) == 5 and min(chosen) >= 0 and max(chosen) < 1000
        difference = (np.diff(chosen) + 500) % 1000 - 500  # the video continues at its other end
        assert (np.sign(difference) >= 0).all() or (np.sign(difference) <= 0).all()
        steps.add(round(float(difference.sum()) / 4, 2))
        assert all(0 <= index < 3 for index in draw_frame_choice(rng, 5)(3))
    assert steps == {sign * speed for sign in (-1, 1) for speed in (0.5, 1, 2, 3, 4, 5)}
