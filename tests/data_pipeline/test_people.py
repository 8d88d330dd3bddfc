"""The rendered people: clips are functions of their number, masks are exact, and traits can be left out."""

import pickle
import zlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_pipeline.people.assets import PATH, load_assets
from data_pipeline.people.body import Body
from data_pipeline.people.camera import Camera
from data_pipeline.people.clip import Clip, Options
from data_pipeline.people.expression import RECIPES, Talk, blinking
from data_pipeline.people.geometry import floats
from data_pipeline.people.hair_styles import BEARDS, STYLES
from data_pipeline.people.hand_poses import HAND_POSES, LANDMARKS, PAIRS
from data_pipeline.people.hands import hand_mesh
from data_pipeline.people.held import THINGS
from data_pipeline.people.identity import draw_shape, draw_traits
from data_pipeline.people.motion import Visit
from data_pipeline.people.performers import HandPart
from data_pipeline.people.regions import FACE, Region
from data_pipeline.people.rig import HeadTurn
from data_pipeline.people.source import People
from data_pipeline.people.surfaces import pictures_from, surface
from data_pipeline.people.truth import LANDMARKS as LANDMARK_NAMES
from data_pipeline.people.truth import find_truth
from data_pipeline.people.veils import VEILS, VeilActor
from data_pipeline.people.wear import WEAR
from data_pipeline.sources import open_source
from data_pipeline.sources.base import ClipSource, Request
from data_pipeline.sources.decode import decode_clip
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_picture

# Of the arrays of the assets, all integers or text: the same on every machine.
CONTENT = 1946963034

STILL = Options(hands=0.0, camera=False, wear=False, veils=0.0, blown=0.0)


def make_clip(number: int, options: Options = STILL, size: int = 64) -> Clip:
    return Clip((3, number), size, 8, options)


def posed_clip(number: int, pose: str, options: Options = STILL, size: int = 64, right: bool = False) -> Clip:
    clip = make_clip(number, options, size)
    clip.hands = [HandPart(pose, right, Visit(-9.0, 0.1, 99.0, np.zeros(3)), False, (1, number))]
    clip.framing = replace(clip.framing, half=1.9, x=0.0, y=0.2)
    return clip


def request(split: str = "train") -> Request:
    return Request("face", split, 64, "data.faces.main")


def test_the_assets_are_those_of_the_script() -> None:
    with np.load(PATH) as file:
        checksum = 0
        for name in sorted(file.files):
            array = file[name]
            assert array.dtype.kind in "iuU"
            checksum = zlib.crc32(repr((name, array.shape)).encode() + np.ascontiguousarray(array).tobytes(), checksum)
    assert checksum == CONTENT


def test_the_mesh() -> None:
    assets = load_assets()
    assert assets.quads.max() < len(assets.uv) == len(assets.mesh_vertex)
    assert assets.mesh_vertex.max() < len(assets.positions)
    assert np.abs(assets.bone_weights.sum(1)[hand_mesh().vertices] - 1).max() < 0.6
    eyes = [assets.positions[assets.vertices_of(side)].mean(0) for side in ("left_eye", "right_eye")]
    np.testing.assert_allclose(eyes[0], eyes[1] * floats([-1, 1, 1]), atol=1e-3)
    np.testing.assert_allclose(eyes[0], [0.308, 7.284, 1.245], atol=0.02)
    with pytest.raises(KeyError):
        assets.morph(assets.positions.copy(), {"head/none": 1.0})


def test_everything_that_tables_name_is_there() -> None:
    assets = load_assets()
    for recipe in RECIPES.values():
        for unit in recipe:
            for name in [unit.replace("*", side) for side in ("Left", "Right")]:
                assert assets.has_target(f"unit/{name}")
    for pose in HAND_POSES.values():
        assert pose.landmark in LANDMARKS and (not pose.holds or pose.holds in THINGS)
    assert {name for pair in PAIRS for name in pair} <= set(HAND_POSES)
    assert len(STYLES) >= 10 and "none" in BEARDS and len(WEAR) >= 8


def test_shapes_are_human() -> None:
    for number in range(20):
        rng = np.random.default_rng(number)
        traits = draw_traits(rng)
        shape = draw_shape(rng, traits)
        assert all(0 < weight <= 1 for weight in shape.values())
        body = Body.shaped(shape)
        assert 0.75 < body.scale < 1.25
        eye, chin = (body.landmark(floats(point)) for point in (LANDMARKS["eye"], LANDMARKS["chin"]))
        assert 0.6 < eye[1] - chin[1] < 1.6
        assert abs(sum(traits.ancestry) - 1) < 1e-6


def test_a_clip_is_a_function_of_its_number() -> None:
    options = Options(hands=1.0)
    for number in range(2):
        first, second = make_clip(number, options, 48), make_clip(number, options, 48)
        second.frame(5)  # what was rendered before does not matter
        a, b = first.frame(2), second.frame(2)
        np.testing.assert_array_equal(a.rgb, b.rgb)
        np.testing.assert_array_equal(a.alpha, b.alpha)
    assert not np.array_equal(make_clip(0).frame(0).rgb, make_clip(1).frame(0).rgb)


@pytest.mark.parametrize("number", range(6))
def test_alpha_is_that_of_many_samples(number: int) -> None:
    poses = ("over mouth", "over one eye", "cup", "waving", "glasses", "mask")
    clip = make_clip(number, size=48)
    if poses[number] in HAND_POSES:
        clip = posed_clip(number, poses[number], size=48)
    else:
        clip.wear = [poses[number]]
    few = clip.frame(1).alpha
    clip.options = replace(clip.options, samples=6)
    many = clip.frame(1).alpha
    assert many.max() > 0.95
    assert np.abs(few - many).mean() * 255 < 2
    assert abs(float(few.mean() - many.mean())) * 255 < 0.3


def test_regions_partition_the_frame() -> None:
    frame = posed_clip(4, "over mouth").frame(0)
    covered = sum(frame.shares.values(), start=np.zeros((64, 64), np.float32))
    np.testing.assert_allclose(covered, 1, atol=1e-5)
    assert {Region.SKIN, Region.HAND, Region.NECK} <= frame.shares.keys()
    np.testing.assert_allclose(frame.alpha, sum(frame.shares[r] for r in FACE if r in frame.shares), atol=1e-5)
    assert np.isinf(frame.depth).any() and 2 < frame.depth.min() < 20
    hand, face = frame.shares[Region.HAND] > 0.99, frame.shares[Region.SKIN] > 0.99
    assert np.median(frame.depth[hand]) < np.median(frame.depth[face])


def test_truth_besides_the_alpha() -> None:
    clip = posed_clip(4, "over mouth")
    clip.traits = replace(clip.traits, beard="none")
    frame, truth = clip.frame(0), clip.truth(0)
    lost = np.minimum(truth.face - frame.alpha, 0)  # lashes and brows stand out from the face by a little
    assert lost.mean() > -0.002 and truth.face.sum() > 1.2 * frame.alpha.sum()
    points = dict(zip(LANDMARK_NAMES, truth.landmarks, strict=True))
    x, y = points["nose_tip"].astype(int)
    assert truth.face[y, x] == 1
    assert points["left_ear"][0] > points["nose_tip"][0] > points["right_ear"][0]
    assert points["forehead"][1] < points["left_eye_top"][1] < points["chin"][1]
    turned = replace(clip.pose(0.0), turn=HeadTurn(0.5, 0.2, 0.0), hands=())
    found = find_truth(clip.person, turned, Camera(), FACE, 64, 1)
    assert (found.yaw, found.pitch) == pytest.approx((0.5, 0.2), abs=0.05) and abs(found.roll) < 0.1


@pytest.mark.parametrize("right", [False, True])
def test_a_hand_over_the_mouth_touches_and_hides_it(right: bool) -> None:
    for number in range(3):
        bare = make_clip(number)
        bare.framing = replace(bare.framing, half=1.9, x=0.0, y=0.2)
        covered = posed_clip(number, "over mouth", right=right)
        hidden = bare.frame(0).alpha - covered.frame(0).alpha
        assert hidden.max() > 0.95 and hidden.mean() > 0.15 * bare.frame(0).alpha.mean()
        hand = covered.pose(0.0).hands[0]
        palm = (hand.matrix[:3, 3] - covered.person.body.head)[2]
        assert palm - covered.person.body.landmark(floats(LANDMARKS["mouth"]))[2] < 0.5  # decimetres


def test_clear_lenses_are_no_occluders_and_dark_ones_are() -> None:
    alphas = {}
    for wear in ("", "glasses", "sunglasses"):
        clip = make_clip(11)
        clip.wear = [wear] if wear else []
        alphas[wear] = float(clip.frame(0).alpha.mean())
    assert 0.85 * alphas[""] < alphas["glasses"] < alphas[""]
    assert alphas["sunglasses"] < 0.97 * alphas["glasses"]
    for option, changed in (("lenses", -1), ("frames", 1)):
        clip = make_clip(11)
        clip.wear, clip.options = ["glasses"], replace(STILL, **{option: True})
        assert (float(clip.frame(0).alpha.mean()) - alphas["glasses"]) * changed > 0.01 * alphas["glasses"]


@pytest.mark.parametrize("name", STYLES)
def test_every_style_grows(name: str) -> None:
    clip = make_clip(7)
    clip.traits = replace(clip.traits, hair=name, beard="none", stubble=0.0)
    frame = clip.frame(0)
    assert (Region.HAIR in frame.shares) == (name != "bald")
    assert 0.02 < frame.alpha.mean() < 0.8 and Region.BEARD not in frame.shares


def test_traits_can_be_left_out() -> None:
    for number in range(4):
        plain = replace(STILL, hair=False)
        clip = make_clip(number, plain)
        frame = clip.frame(0)
        assert not frame.shares.keys() & {Region.HAIR, Region.BEARD, Region.HAND, Region.OBJECT, Region.WEAR}
        assert clip.category == "bare" and clip.frame(0).rgb.std() > 5
    bearded = make_clip(0)
    bearded.traits = replace(bearded.traits, beard="full beard", gender=1.0)
    with_beard = bearded.frame(0).alpha.mean()
    bearded.options = replace(bearded.options, beard=False)
    assert bearded.frame(0).alpha.mean() < 0.9 * with_beard
    lit = posed_clip(2, "over eyes")
    dark = lit.frame(0).rgb
    lit.options = replace(lit.options, shadows=False)
    assert lit.frame(0).rgb.mean() > dark.mean()


def test_a_fast_hand_is_blurred_with_its_alpha() -> None:
    clip = posed_clip(5, "over mouth", replace(STILL, camera=True))
    clip.framing = replace(clip.framing, noise=0.0)
    clip.hands = [replace(clip.hands[0], visit=Visit(0.0, 0.3, 9.0, np.array([2.5, -2.5, 0.5])))]
    assert len(clip._instants(0.12)) > 1 and len(clip._instants(2.0)) == 1


def test_the_course_of_expressions() -> None:
    assert blinking(1.0, (0.9,)) > 0.9 and blinking(2.0, (0.9,)) == 0
    talk = Talk(np.random.default_rng(0), 2.0)
    shapes = [talk.at(time) for time in np.arange(0, 2, 0.04)]
    assert all(0 <= weight <= 1 for shape in shapes for weight in shape.values())
    steps = [abs(b.get("jawOpen", 0) - a.get("jawOpen", 0)) for a, b in pairwise(shapes)]
    assert 0.01 < max(steps) < 0.4  # it moves, and never jumps


def test_the_source() -> None:
    source = open_source({"name": "people", "max_items": 3, "frames": 5}, request())
    assert isinstance(source, ClipSource) and len(source) == 3 and source.frames(2) == 5
    item = source.read(1, [3, 0, 3])
    clip = decode_clip(item, "main")
    assert clip.key == "people/train/000001" and clip.category in ("bare", "hair", "hand", "object", "wear", *VEILS)
    assert [frame.rgb.shape for frame in clip.frames] == [(64, 64, 3)] * 3
    assert clip.frames[0] is clip.frames[2] and not np.array_equal(clip.frames[0].rgb, clip.frames[1].rgb)
    again = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(again.read(1, [0])["rgb"][0], item["rgb"][1])
    other = open_source({"name": "people", "max_items": 3, "frames": 5}, request("valid"))
    assert isinstance(other, ClipSource)
    assert not np.array_equal(other.read(1, [0])["rgb"][0], item["rgb"][1])
    for index, frames in ((3, [0]), (0, [5])):
        with pytest.raises(IndexError):
            source.read(index, frames)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 8}, "size=8 is too small"),
        ({"frames": 0}, "frames=0"),
        ({"max_items": 0}, "max_items=0"),
        ({"hands": 1.5}, "hands=1.5"),
        ({"samples": 0}, "samples=0"),
        ({"veils": -0.1}, "veils=-0.1"),
        ({"blown": 2}, "blown=2"),
        ({"backgrounds": "nowhere"}, "backgrounds: no such folder: nowhere"),
        ({"surfaces": "nowhere"}, "surfaces: no such folder: nowhere"),
        ({"hat": True}, "'people' has no such setting"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        open_source({"name": "people", **settings}, request())


def test_frames_do_not_need_each_other() -> None:
    source = People(48, frames=6, max_items=2)

    def read(frames: Sequence[int]) -> list[np.ndarray]:
        return list(source.read(0, frames)["rgb"])

    forwards, backwards = read([0, 3, 5]), read([5, 3, 0])
    for a, b in zip(forwards, reversed(backwards), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", VEILS)
def test_a_veil_takes_its_share_of_what_is_behind_it(name: str) -> None:
    clear, veiled = make_clip(2), make_clip(2)
    for clip in (clear, veiled):
        clip.framing = replace(clip.framing, half=1.5, x=0.0, y=0.1)
    veiled.veil = VeilActor(np.random.default_rng(1), name, 64)
    assert veiled.category == name
    frame, bare = veiled.frame(1), clear.frame(1)
    np.testing.assert_allclose(sum(frame.shares.values(), start=np.zeros((64, 64))), 1, atol=1e-4)
    veil = veiled.veil.at(1 / 25, floats([1, 1, 1]))
    np.testing.assert_allclose(frame.alpha, bare.alpha * (1 - veil.alpha), atol=1e-5)  # it is before all of the face
    assert frame.shares[Region.VEIL].max() > 0.05
    np.testing.assert_array_equal(frame.rgb[veil.alpha == 0], bare.rgb[veil.alpha == 0])


def test_a_hand_may_be_before_a_veil_or_behind_it() -> None:
    hands = []
    for ahead in (None, 0.1, 4.0):
        clip = posed_clip(4, "before face")
        if ahead is not None:
            clip.veil = VeilActor(np.random.default_rng(1), "net", 64)
            clip.veil._ahead = ahead
        hands.append(clip.frame(0).shares[Region.HAND])
    np.testing.assert_allclose(hands[1], hands[0], atol=1e-5)
    assert hands[2].sum() < 0.99 * hands[0].sum()


def test_hair_is_blown_over_the_face() -> None:
    still, windy = make_clip(1), make_clip(1)
    for clip in (still, windy):
        clip.traits = replace(clip.traits, hair="long parted")
    windy.blown = True
    assert windy.frame(0).alpha.mean() < 0.99 * still.frame(0).alpha.mean()
    assert windy.frame(0).shares[Region.HAIR].mean() > still.frame(0).shares[Region.HAIR].mean()


def test_pictures_of_a_folder_are_behind_people_and_on_things(tmp_path: Path) -> None:
    write_picture(tmp_path / "a" / "blue.png", np.full((40, 60, 3), (0, 0, 255), np.uint8))
    options = replace(STILL, backgrounds=str(tmp_path), surfaces=str(tmp_path))
    frame = make_clip(0, options).frame(0)
    behind = frame.rgb[np.isinf(frame.depth)]
    assert np.median(behind, axis=0).tolist() == [0, 0, 255]  # its edge has some of the person
    light = make_clip(0, options)._light.ambient[0]
    assert light[2] > light[0]
    with pictures_from(str(tmp_path)):
        colours = {tuple(surface(np.random.default_rng(n), 16, "wood")[0, 0]) for n in range(8)}
    assert (0.0, 0.0, 1.0) in colours and len(colours) > 1
    (tmp_path / "a" / "blue.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"backgrounds: .*blue\.png is no readable picture; remove it"):
        make_clip(0, options).frame(0)


def test_a_pinch_closes() -> None:
    hand = make_clip(0).person.hand
    for pose in (pose for pose in HAND_POSES.values() if pose.pinch is not None):
        curl, thumb = hand.pinched(floats(pose.curl), pose.thumb, pose.spread, pose.pinch or 0)
        apart = hand.tip(1, curl, thumb, pose.spread) - hand.tip(2, curl, thumb, pose.spread)
        assert np.linalg.norm(apart) == pytest.approx(pose.pinch, abs=0.06)


def test_what_a_hand_holds_may_be_loose() -> None:
    clip = posed_clip(3, "cup", replace(STILL, wear=True))
    clip.wear = []
    held = clip.frame(0).shares
    alone = posed_clip(3, "cup", replace(STILL, wear=True))
    alone.wear, alone.hands = [], [replace(alone.hands[0], loose=True)]
    loose = alone.frame(0).shares
    assert Region.HAND in held and Region.HAND not in loose and alone.category == "object"
    assert loose[Region.OBJECT].sum() >= held[Region.OBJECT].sum() > 0
