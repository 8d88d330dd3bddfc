from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from data_pipeline.sources.base import Picture
from data_pipeline.techniques import open_technique
from data_pipeline.techniques.augmentations import Clip
from data_pipeline.techniques.layers import bounds, face_layer, occluder_layer, outline, shrink, warp
from data_pipeline.techniques.published import TECHNIQUE, PublishedOptions, synthesize
from rvm_jax.errors import UserError

SIDE = 64
SKIN, WALL, RED = (200, 150, 120), (40, 60, 80), (250, 10, 20)
# Nothing moves, flips or changes colour: what is left is drawn where it can be worked out by hand.
STILL: dict[str, Any] = {
    "resolution": SIDE, "move_occluder": 0.0, "move_face": 0.0, "move_both": 0.0, "flip": 0.0, "jitter": 0.0,
    "pause": 0.0, "aspect": (1.0, 1.0),
}  # fmt: skip


def face(height: int = SIDE, width: int = SIDE, centre: tuple[int, int] | None = None) -> Picture:
    mask = np.zeros((height, width), np.uint8)
    cv2.circle(mask, centre or (width // 2, height // 2), min(height, width) // 4, 255, -1)
    rgb = np.where(mask[..., None] > 0, np.array(SKIN, np.uint8), np.array(WALL, np.uint8))
    return Picture(rgb, mask, "face", "faces")


def occluder(colour: tuple[int, int, int] = RED, soft: float = 3.0) -> Picture:
    alpha = np.zeros((80, 100), np.uint8)
    cv2.ellipse(alpha, (60, 40), (25, 15), 0, 0, 360, 255, -1)
    if soft:
        alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), soft), np.uint8)
    # What lies under an alpha of zero must never be seen: it is green here.
    rgb = np.where(alpha[..., None] > 0, np.array(colour, np.uint8), np.array((0, 255, 0), np.uint8))
    return Picture(rgb, alpha, "occluder", "cup")


def clips(count: int, options: PublishedOptions, occluded: bool = True) -> Iterator[Clip]:
    for seed in range(count):
        yield synthesize(face(), [occluder()] if occluded else [], np.random.default_rng(seed), options)


@pytest.mark.parametrize("preset", TECHNIQUE.presets)
@pytest.mark.parametrize("frames", [1, 3])
def test_clips_are_what_the_contract_says(preset: str, frames: int) -> None:
    options = replace(TECHNIQUE.presets[preset], resolution=SIDE, seq_length=frames, trimap=True)
    for picture in (face(), face(50, 90), face(130, 70)):
        for others in ([], [occluder()], [occluder(), occluder()]):
            clip = synthesize(picture, others, np.random.default_rng(0), options)
            assert list(clip) == ["src", "pha", "trimap"]
            assert clip["src"].shape == (frames, SIDE, SIDE, 3)
            assert clip["pha"].shape == clip["trimap"].shape == (frames, SIDE, SIDE, 1)
            for array in clip.values():
                assert array.dtype == np.uint8 and array.flags.c_contiguous
            assert set(np.unique(clip["trimap"])) <= {0, 128, 255}
    assert "trimap" not in synthesize(face(), [], np.random.default_rng(0), replace(options, trimap=False))


def test_the_generator_decides_everything() -> None:
    options = replace(TECHNIQUE.presets["repaired"], resolution=SIDE, trimap=True)
    first, second = (next(clips(1, options)) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    other = synthesize(face(), [occluder()], np.random.default_rng(1), options)
    assert (other["src"] != first["src"]).any()


def test_colours_and_label_are_one_composition() -> None:
    """Every pixel is (skin · mask + wall · (1 − mask)) · (1 − a) + red · a for an a that the label shows, too."""
    options = replace(TECHNIQUE.presets["repaired"], **STILL)
    for clip in clips(8, options):
        src, pha = clip["src"].astype(float) / 255, clip["pha"].astype(float)[..., 0] / 255
        # The shares of skin, wall and red; the tolerance is what rounding to uint8 leaves.
        shares = np.linalg.solve(np.array([SKIN, WALL, RED]).T / 255, src.reshape(-1, 3).T)
        assert np.abs(shares.sum(axis=0) - 1).max() < 0.05  # nothing but the three: no black fringe, no green
        assert np.abs(shares[0] - pha.ravel()).max() < 0.05
        assert (shares[2] > 0.9).any() and (shares[0] > 0.9).any()


def test_subtracted_label_differs_only_where_both_are_soft() -> None:
    options = replace(TECHNIQUE.presets["repaired"], **STILL)
    for multiplied, subtracted in zip(clips(4, options), clips(4, replace(options, label="subtract")), strict=True):
        np.testing.assert_array_equal(multiplied["src"], subtracted["src"])
        assert (subtracted["pha"] <= multiplied["pha"].astype(int) + 1).all()


def test_a_clip_without_occluder_is_the_bare_face() -> None:
    options = replace(TECHNIQUE.presets["repaired"], **STILL, face_scale=(1.0, 1.0))
    for clip in clips(3, options, occluded=False):
        alpha = clip["pha"] / 255
        np.testing.assert_allclose(clip["src"], alpha * SKIN + (1 - alpha) * WALL, atol=1.1)
        assert clip["pha"].max() == 255 and clip["pha"].min() == 0


def test_the_occluder_lies_on_the_face_with_the_share_asked_for() -> None:
    options = replace(TECHNIQUE.presets["repaired"], **STILL, face_scale=(1.0, 1.0))
    for seed in range(20):
        bare = synthesize(face(), [], np.random.default_rng(seed), options)["pha"][0, ..., 0]
        clip = synthesize(face(), [occluder(soft=0)], np.random.default_rng(seed), options)
        assert (clip["pha"][0, ..., 0].astype(int) < bare).sum() > 10
        hidden = (np.abs(clip["src"][0].astype(int) - RED).max(axis=-1) < 30).sum()
        box = outline(bare)
        area = np.prod(box.max(axis=0) - box.min(axis=0))
        # An ellipse fills at most pi/4 of its box, and the share is of the box before it is turned and cut.
        assert hidden <= 0.7 * area * np.pi / 4 * 1.1


def test_motion_moves_alpha_and_colour_and_static_faces_stay() -> None:
    options = replace(
        TECHNIQUE.presets["repaired"], resolution=SIDE, motion_span=(0, 0), jitter=0.0, pause=0.0, seq_length=4
    )
    moving = next(clips(1, replace(options, move_both=1.0)))
    assert (np.abs(np.diff(moving["pha"].astype(int), axis=0)).reshape(3, -1).max(axis=1) > 100).any()
    still = replace(options, move_both=0.0, move_face=0.0, move_occluder=0.0)
    for clip in clips(3, still):
        assert (clip["src"] == clip["src"][:1]).all() and (clip["pha"] == clip["pha"][:1]).all()


def test_what_lies_beyond_the_picture_is_mirrored_or_black() -> None:
    options = replace(TECHNIQUE.presets["repaired"], **STILL, face_scale=(0.5, 0.5))
    mirrored = next(clips(1, options, occluded=False))["src"]
    assert (mirrored.reshape(-1, 3).min(axis=0) >= np.minimum(SKIN, WALL)).all()
    assert (next(clips(1, replace(options, border="black"), occluded=False))["src"] == 0).any()


def test_a_face_at_the_edge_of_a_wide_picture_is_found() -> None:
    options = replace(TECHNIQUE.presets["repaired"], **STILL, face_scale=(1.0, 1.0))
    for centre in ((20, 30), (180, 30)):
        clip = synthesize(face(60, 200, centre), [], np.random.default_rng(0), options)
        assert (clip["pha"] == 255).mean() > 0.1


def test_tiny_and_extreme_pictures_do_not_stop_it() -> None:
    alpha = np.zeros((40, 300), np.uint8)
    alpha[20, 5] = 255
    speck = Picture(np.zeros((40, 300, 3), np.uint8), alpha, "speck", "dust")
    line = Picture(np.zeros((2, 900, 3), np.uint8), np.full((2, 900), 255, np.uint8), "line", "straw")
    for preset in TECHNIQUE.presets.values():
        options = replace(preset, resolution=SIDE)
        for seed in range(10):
            for other in (speck, line):
                assert synthesize(face(8, 8), [other], np.random.default_rng(seed), options)["pha"].shape[0] == 4


def test_outline_is_the_hull_of_the_visible_pixels() -> None:
    alpha = np.zeros((10, 12), np.uint8)
    alpha[2, 3] = alpha[7, 9] = 200
    alpha[0, 0] = 4  # JPEG noise
    points = {tuple(point) for point in outline(alpha)}
    assert points == {(3, 2), (4, 2), (3, 3), (10, 7), (10, 8), (9, 8)}
    assert outline(np.zeros((4, 4), np.uint8)).shape == (0, 2)
    assert bounds(outline(alpha), np.eye(3)) == (3, 2, 10, 8)


def test_an_occluder_is_cropped_premultiplied_and_warps_without_its_surroundings() -> None:
    layer = occluder_layer(occluder().rgb, occluder().alpha)
    assert layer.rgba.shape[0] < 80 and layer.rgba.shape[1] < 100
    moved = np.array([[0.7, 0.2, 5.3], [-0.2, 0.7, 9.1], [0, 0, 1]])
    rgba = warp(layer, moved, (0, 0, SIDE, SIDE), cv2.INTER_LINEAR, cv2.BORDER_CONSTANT).astype(float)
    np.testing.assert_allclose(rgba[..., :3], rgba[..., 3:] * np.array(RED) / 255, atol=1.6)
    part = warp(layer, moved, (10, 20, 30, 15), cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
    np.testing.assert_allclose(part, rgba[20:35, 10:40], atol=1)


def test_shrinking_keeps_the_place() -> None:
    big = face(257, 259)
    layer = face_layer(big.rgb, big.alpha)
    half = np.diag([0.25, 0.25, 1.0])
    small = shrink(layer, 0.25)
    assert small.rgba.shape == (64, 64, 4) and shrink(layer, 0.6) is layer
    window = (0, 0, 64, 64)
    direct, shrunk = (
        warp(x, half, window, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE).astype(float) for x in (layer, small)
    )
    assert abs((direct - shrunk)[..., 3].mean()) < 1  # neither larger nor moved
    for axis in (0, 1):
        centre = [np.average(np.arange(64), weights=x[..., 3].sum(axis=1 - axis)) for x in (direct, shrunk)]
        assert abs(centre[0] - centre[1]) < 0.05


def test_presets_differ_as_documented() -> None:
    fixed, as_published = TECHNIQUE.presets["repaired"], TECHNIQUE.presets["published"]
    assert (fixed.occlusion, as_published.occlusion) == (0.8, 0.25)
    assert (fixed.label, as_published.label) == ("multiply", "subtract")
    assert next(iter(TECHNIQUE.presets)) == "repaired"
    moved = [np.abs(np.diff(clip["pha"].astype(int), axis=0)).mean() for clip in clips(
        6, replace(as_published, resolution=SIDE, trimap=True))]  # fmt: skip
    assert max(moved) > 0


def test_settings_of_a_technique() -> None:
    shared: dict[str, Any] = {"resolution": 32, "seq_length": 2, "trimap": False}
    synthesizer = open_technique({"name": "published", "weight": 3, "occlusion": 0.5}, "data.techniques.a", **shared)
    assert synthesizer.options == replace(TECHNIQUE.presets["repaired"], occlusion=0.5, **shared)
    for spec, message in (
        ({"name": "pasted"}, r"\.name: no technique 'pasted'; known are faceocc, matting, "),
        ({"name": "published", "preset": "x"}, r"\.preset: .published. has no preset .x.; it has repaired, pub"),
        ({"name": "published", "occlussion": 1}, r"\.occlussion: 'published' has no such option; it has motion_span, "),
        (
            {"name": "published", "resolution": 1},
            r"\.resolution: it is the same for all techniques; set data.resolution",
        ),
        ({"name": "published", "jitter": "much"}, r"\.jitter: 'much' should be a number, like 0.3"),
        ({"name": "published", "aspect": 1.0}, r"\.aspect: 1.0 should be two numbers, the smaller one first"),
        ({"name": "published", "label": "add"}, r"\.label: 'add' is none of multiply, subtract, opaque"),
        ({"name": "published", "label": 3}, r"\.label: 3 should be of the kind of 'multiply'"),
        # Pairs and numbers are of the default's kind: no fraction of an occluder, no truth value for a number.
        (
            {"name": "published", "occluders": (1.5, 2)},
            r"\.occluders: \(1\.5, 2\) should be two whole numbers, the small",
        ),
        (
            {"name": "published", "occluders": (True, 2)},
            r"\.occluders: \(True, 2\) should be two whole numbers, the small",
        ),
        (
            {"name": "published", "aspect": (False, 1.0)},
            r"\.aspect: \(False, 1\.0\) should be two numbers, the smaller",
        ),
        ({"name": "published", "filters": "cubic"}, r"\.filters: 'cubic' should be a list of names"),
    ):
        with pytest.raises(UserError, match=r"data\.techniques\.a" + message):
            open_technique(spec, "data.techniques.a", **shared)


def test_former_names_are_still_read(caplog: pytest.LogCaptureFixture) -> None:
    shared: dict[str, Any] = {"resolution": 32, "seq_length": 2, "trimap": False}
    for former, name in (("fixed", "repaired"), ("letter", "verbatim")):
        synthesizer = open_technique({"name": "published", "preset": former}, "data.techniques.former", **shared)
        assert synthesizer.options == replace(TECHNIQUE.presets[name], **shared)
        assert f"data.techniques.former.preset: '{former}' is now called '{name}'" in caplog.text
    synthesizer = open_technique({"name": "published", "letter": True}, "data.techniques.former", **shared)
    assert synthesizer.options == replace(TECHNIQUE.presets["repaired"], verbatim=True, **shared)
