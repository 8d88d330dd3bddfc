"""What holds for every occlusion technique, and how occluders move."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from data_pipeline import techniques
from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques import TECHNIQUES
from data_pipeline.techniques.arms import lengthen_arm, turn_arm_down
from data_pipeline.techniques.augmentations import Clip
from data_pipeline.techniques.layers import occluder_layer
from data_pipeline.techniques.options import TechniqueOptions
from data_pipeline.techniques.trajectories import cross, drift, hold, kind_of, reach, wear
from rvm_jax.errors import UserError
from rvm_jax.media.face_templates import face_in_template

SIDE = 64
SKIN, WALL, RED = (200, 150, 120), (40, 60, 80), (250, 10, 20)
# Nothing happens but the occluder's own movement: what is left is drawn where it can be worked out by hand.
CALM: dict[str, Any] = {
    "resolution": SIDE, "jitter": 0.0, "pause": 0.0, "noise": 0.0, "sharpen": 0.0, "blur": 0.0, "grey": 0.0,
    "jpeg": 0.0,
    "aspect": (1.0, 1.0),
}  # fmt: skip
STILL: dict[str, Any] = CALM | {
    "move_face": 0.0,
    "move_both": 0.0,
    "flip": 0.0,
    "motion_blur": 0.0,
    "face_scale": (1.0, 1.0),
}
OCCLUDED = {name: technique for name, technique in TECHNIQUES.items() if technique.occludes}
COMPOSED = OCCLUDED | {"rvm": TECHNIQUES["rvm"]}
CASES = [(name, preset) for name, technique in COMPOSED.items() for preset in technique.presets]


def face(side: int = SIDE, shift: int = 0) -> Picture:
    mask = np.zeros((side, side), np.uint8)
    cv2.circle(mask, (side // 2 + shift, side // 2), side // 4, 255, -1)
    return Picture(
        np.where(mask[..., None] > 0, np.array(SKIN, np.uint8), np.array(WALL, np.uint8)), mask, "face", "faces"
    )


def thing(category: str = "cup", alpha: int = 255) -> Picture:
    mask = np.zeros((80, 100), np.uint8)
    cv2.ellipse(mask, (60, 40), (25, 15), 0, 0, 360, alpha, -1)
    return Picture(
        np.where(mask[..., None] > 0, np.array(RED, np.uint8), np.array((0, 255, 0), np.uint8)), mask, "thing", category
    )


def hand(side: str = "below") -> Picture:
    """An arm that a side of the picture cuts off, two fingers at its other end."""
    mask = np.zeros((90, 60), np.uint8)
    mask[30:, 20:40] = 255
    mask[10:30, 20:28] = mask[10:30, 32:40] = 255
    mask = np.ascontiguousarray(np.rot90(mask, {"below": 0, "right": 1, "above": 2, "left": 3}[side]))
    return Picture(
        np.where(mask[..., None] > 0, np.array(RED, np.uint8), np.array((0, 255, 0), np.uint8)), mask, "hand", "hand"
    )


def options_of(name: str, preset: str | None = None, **changes: Any) -> TechniqueOptions:
    presets = TECHNIQUES[name].presets
    options = presets[preset or next(iter(presets))]
    with_changes: TechniqueOptions = replace(
        options, **{key: value for key, value in changes.items() if hasattr(options, key)}
    )
    return with_changes


def make(
    name: str,
    occluders: Sequence[Picture],
    seed: int = 0,
    subject: Picture | Video | None = None,
    preset: str | None = None,
    **changes: Any,
) -> Clip:
    options = options_of(name, preset, **changes)
    clip: Clip = TECHNIQUES[name].synthesize(subject or face(), occluders, np.random.default_rng(seed), options)
    return clip


def red(clip: Clip) -> np.ndarray:
    return np.asarray((np.abs(clip["src"].astype(int) - RED).max(axis=-1) < 60) & (clip["src"][..., 0] > 150))


@pytest.mark.parametrize(("name", "preset"), CASES)
def test_clips_are_what_the_contract_says(name: str, preset: str) -> None:
    video = Video(tuple(face(50, shift) for shift in (0, 4, 8)), "video", "faces")
    backdrop = Picture(np.full((30, 50, 3), 9, np.uint8), np.full((30, 50), 255, np.uint8), "wall", "walls")
    for frames, subject in ((1, face()), (3, face(90)), (3, video)):
        many = [[backdrop]] if name == "rvm" else [[], [thing()], [hand(), thing("smoke", 100), thing("glasses")]]
        for occluders in many:
            clip = make(name, occluders, 1, subject, preset, resolution=SIDE, seq_length=frames, trimap=True)
            colours = ["src", "fgr", "bgr"] if name == "rvm" else ["src"]
            assert set(clip) == {*colours, "pha", "trimap"}
            for key, array in clip.items():
                assert array.shape == (frames, SIDE, SIDE, 3 if key in colours else 1)
                assert array.dtype == np.uint8 and array.flags.c_contiguous
            assert set(np.unique(clip["trimap"])) <= {0, 128, 255}


@pytest.mark.parametrize("name", ["published", "natocc", "faceocc", "matting"])
@pytest.mark.parametrize("category", ["hand", "cup", "glasses", "smoke", "leaf"])
def test_colours_and_label_are_one_composition(name: str, category: str) -> None:
    """Every pixel is (skin · mask + wall · (1 − mask)) · (1 − a) + red · a for an a that the label shows, too."""
    changes: dict[str, Any] = STILL | {
        "motion_blur": 1.0,
        "seq_length": 3,
        "colour_transfer": 0.0,
        "visits": 1.0,
        "trajectory": "natural",
    }
    for seed in range(3):
        clip = make(name, [thing(category), thing(category, 120)], seed, **changes)
        src, pha = clip["src"].astype(float) / 255, clip["pha"].astype(float)[..., 0] / 255
        shares = np.linalg.solve(np.array([SKIN, WALL, RED]).T / 255, src.reshape(-1, 3).T)
        assert np.abs(shares.sum(axis=0) - 1).max() < 0.09  # nothing but the three: no black fringe, no green
        assert np.abs(shares[0] - pha.ravel()).max() < 0.09


def test_a_video_gives_each_frame_its_own_face() -> None:
    video = Video(tuple(face(SIDE, shift) for shift in (-8, 0, 8)), "video", "faces")
    for name in OCCLUDED:
        for seed in range(3):
            clip = make(name, [], seed, video, **STILL, seq_length=3)
            masks = clip["pha"][..., 0].astype(float)
            columns = [np.average(np.arange(SIDE), weights=mask.sum(axis=0)) for mask in masks]
            assert np.diff(columns) == pytest.approx([8, 8], abs=3)


@pytest.mark.parametrize("name", OCCLUDED)
def test_a_video_whose_face_is_wholly_hidden_at_first_or_throughout(name: str) -> None:
    shown = face()
    hidden = shown._replace(alpha=np.zeros_like(shown.alpha))
    comes = make(name, [thing()], 0, Video((hidden, shown, shown), "video", "faces"), **STILL, seq_length=3)
    never = make(name, [thing()], 0, Video((hidden, hidden, hidden), "video", "faces"), **STILL, seq_length=3)
    assert not comes["pha"][0].any() and comes["pha"][1].max() == 255
    assert not never["pha"].any()


def test_a_module_with_a_technique_is_one() -> None:
    folder = Path(techniques.__file__).parent
    modules = {path.stem for path in folder.glob("*.py") if "\nTECHNIQUE = " in path.read_text()}
    assert set(TECHNIQUES) == modules and list(OCCLUDED) == ["faceocc", "matting", "natocc", "published", "randocc"]


def test_categories_move_as_things_do() -> None:
    kinds = {"hand": reach, "11k_hands": reach, "hiu": reach, "sunglasses": wear, "glass": hold, "am2k": hold,
             "smoke_cloud": drift, "plant_leaf": cross, "fur": hold}  # fmt: skip
    assert {name: kind_of(name) for name in kinds} == kinds


@pytest.mark.parametrize("side", ["below", "right", "above", "left"])
def test_hands_reach_in_from_the_border_with_their_fingers_on_the_face(side: str) -> None:
    for seed in range(12):
        changes: dict[str, Any] = STILL | {
            "colour_transfer": 0.0,
            "edges": False,
            "distort": 0.0,
            "visits": 0.0,
            "seq_length": 2,
        }
        clip = make("natocc", [hand(side)], seed, **changes)
        hidden = red(clip)[0]
        border = np.concatenate([hidden[0], hidden[-1], hidden[:, 0], hidden[:, -1]])
        assert border.any()  # the arm extends to where the frame ends
        assert cv2.connectedComponents(hidden.astype(np.uint8))[0] == 2  # in one piece
        bare = make("natocc", [], seed, **changes)["pha"][0]
        assert (clip["pha"][0] < bare).sum() > 20  # it covers part of the face


def test_what_a_hand_holds_keeps_its_colours() -> None:
    changes: dict[str, Any] = STILL | {"colour_transfer": 1.0, "visits": 0.0, "seq_length": 1}
    for seed in range(3):
        assert not red(make("natocc", [hand()], seed, **changes)).any()  # it has the face's
        assert red(make("natocc", [hand()._replace(category="hand_with_object")], seed, **changes)).any()


def test_hands_come_and_go_within_long_clips() -> None:
    changes: dict[str, Any] = STILL | {"colour_transfer": 0.0, "visits": 1.0, "seq_length": 24, "motion_span": (24, 24)}
    seen = [red(make("natocc", [hand()], seed, **changes)).any(axis=(1, 2)) for seed in range(8)]
    assert sum(shown.any() for shown in seen) >= 6
    partly = [shown for shown in seen if shown.any() and not shown.all()]
    assert len(partly) >= 4  # stretches without occlusion inside clips
    assert all((np.diff(shown.astype(int)) != 0).sum() <= 2 for shown in seen)  # in once, out once


def test_glasses_go_with_the_face() -> None:
    changes: dict[str, Any] = CALM | {
        "move_face": 1.0,
        "move_both": 0.0,
        "flip": 0.0,
        "motion_span": (0, 0),
        "seq_length": 4,
    }
    for seed in range(4):
        clip = make("matting", [thing("glasses")], seed, **changes, motion_blur=0.0)
        middles = [np.argwhere(frame).mean(axis=0) for frame in red(clip)]
        faces = [
            np.argwhere(frame > 127).mean(axis=0)
            for frame in make("matting", [], seed, **changes, motion_blur=0.0)["pha"][..., 0]
        ]
        apart = np.array(middles) - np.array(faces)
        assert np.ptp(np.array(faces), axis=0).max() > 0.5  # the face does move
        assert np.ptp(apart, axis=0).max() < 3


def test_smoke_thins_out() -> None:
    changes: dict[str, Any] = STILL | {"visits": 1.0, "seq_length": 24, "motion_span": (24, 24)}
    thinnest = []
    for seed in range(6):
        clip = make("matting", [thing("smoke")], seed, **changes)
        bare = make("matting", [], seed, **changes)["pha"]
        through = (clip["pha"] / np.maximum(bare, 1))[bare > 250]
        thinnest.append(((through > 0.1) & (through < 0.9)).mean())
    assert max(thinnest) > 0.02


def test_a_transparent_shape_hides_as_much_as_its_colour_covers_or_all_of_it() -> None:
    changes: dict[str, Any] = STILL | {"transparency": 1.0, "trajectory": "affine", "motion_span": (0, 0)}
    texture = Picture(np.full((32, 32, 3), RED, np.uint8), np.full((32, 32), 255, np.uint8), "red", "plain")
    physical, verbatim = (
        make("randocc", [texture], 3, preset=preset, **changes) for preset in ("repaired", "verbatim")
    )
    np.testing.assert_array_equal(physical["src"], verbatim["src"])
    covered = verbatim["pha"] == 0
    inside = covered & (make("randocc", [], 3, **changes)["pha"] == 255)
    assert inside.any()
    assert physical["pha"][inside].min() >= 0.28 * 255 and physical["pha"][inside].max() <= 0.62 * 255


def test_registered_occluders_lie_where_they_were_worn() -> None:
    """A picture of an aligned face: what covered its left half covers the left half again."""
    alpha = np.zeros((100, 100), np.uint8)
    alpha[19:81, 19:50] = 255
    worn = Picture(np.full((100, 100, 3), RED, np.uint8), alpha, "worn", "ffhq")
    for seed in range(5):
        clip = make("faceocc", [worn], seed, **STILL)
        frame = clip["pha"][0, ..., 0] / 255
        left, right = frame[:, : SIDE // 2].sum(), frame[:, SIDE // 2 :].sum()
        assert left < 0.35 * right


def test_a_face_lies_as_in_the_crop_of_a_face_program() -> None:
    changes = {**STILL, "occlusion": 0.0, "face_template": 1.0}
    for name in ("arcface_128", "ffhq_512"):
        x, y, height = face_in_template(name)
        rows, columns = np.nonzero(make("natocc", [], 0, **changes, face_templates=(name,))["pha"][0, ..., 0] > 128)
        assert (rows.min() + rows.max() + 1) / 2 == pytest.approx(y * SIDE, abs=0.06 * SIDE)
        assert (columns.min() + columns.max() + 1) / 2 == pytest.approx(x * SIDE, abs=0.04 * SIDE)
        assert 0.9 * height * SIDE < rows.max() + 1 - rows.min() < 1.45 * height * SIDE
    with pytest.raises(UserError, match="template 'oval' is unknown"):
        make("natocc", [], 0, face_templates=("oval",))


def test_foregrounds_are_composed_over_backgrounds() -> None:
    rng = np.random.default_rng(0)
    backdrop = Picture(rng.integers(0, 256, (70, 90, 3), np.uint8), np.full((70, 90), 255, np.uint8), "wall", "walls")
    clip = make("rvm", [backdrop], 0, resolution=SIDE, seq_length=3)
    alpha = clip["pha"] / 255
    np.testing.assert_allclose(clip["src"], clip["fgr"] * alpha + clip["bgr"] * (1 - alpha), atol=1.1)
    # A body that the picture's border cuts keeps its colour up to where it ends.
    body = Picture(np.full((60, 60, 3), SKIN, np.uint8), np.full((60, 60), 255, np.uint8), "body", "bodies")
    for seed in range(5):
        clip = make("rvm", [backdrop], seed, body, **CALM)
        shown = clip["pha"][..., 0] > 0
        assert np.abs(clip["fgr"][shown].astype(int) - SKIN).max() <= 2


def test_verbatim_takes_bytes_for_shares_in_the_trimap_of_a_bare_face() -> None:
    clip = make("published", [], 0, preset="verbatim", resolution=SIDE, trimap=True)
    inside = clip["pha"] == 255
    assert inside.any() and (clip["trimap"] == 255).mean() < 0.02
    assert (clip["trimap"][inside] == 128).mean() > 0.9


def test_an_arm_is_found_turned_and_lengthened() -> None:
    for side in ("below", "right", "above", "left"):
        picture = hand(side)
        layer, lean = turn_arm_down(occluder_layer(picture.rgb, picture.alpha))
        assert abs(lean) < 1e-9 and (layer.rgba[-1, :, 3] == 255).all() and not (layer.rgba[0, :, 3] == 255).all()
        longer = lengthen_arm(layer, 0.5, 40)
        assert longer.rgba.shape[0] == layer.rgba.shape[0] + 40
        columns = [np.flatnonzero(row).mean() for row in longer.rgba[-40:, :, 3]]
        assert np.polyfit(np.arange(40), columns, 1)[0] == pytest.approx(0.5, abs=0.02)


def test_the_second_stage_as_published_leaves_its_layers_apart() -> None:
    still: dict[str, Any] = {"resolution": SIDE, "seq_length": 3, "jitter": 0.0}
    bare, covered = (make("published_stage2", occluders, **still) for occluders in ([], [thing()]))
    assert {name: array.shape for name, array in covered.items()} == {
        "src": (3, SIDE, SIDE, 3), "pha": (3, SIDE, SIDE, 1), "occluder": (3, SIDE, SIDE, 4),
    }  # fmt: skip
    assert not bare["occluder"].any()
    assert set(np.unique(np.round(covered["pha"] / 255.0, 1))) >= {0.0, 1.0}  # the whole mask: nothing is cut out of it
    solid = covered["occluder"][..., 3] == 255
    assert solid.any()
    assert (covered["occluder"][solid][:, 0] > covered["occluder"][solid][:, 1]).mean() > 0.95  # red, edges rung
