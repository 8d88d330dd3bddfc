"""Hands and things of the renderer of people as occluders: cut out without a rim, by number, as the source `people`."""

import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import trees

from data_pipeline.people.atlas import texture
from data_pipeline.people.geometry import floats
from data_pipeline.people.hands import hand_mesh
from data_pipeline.people.layout import hand_map
from data_pipeline.people.occluders import CATEGORIES, PeopleOccluders
from data_pipeline.people.regions import Region
from data_pipeline.people.surfaces import plain_surface
from data_pipeline.people.tableware import MAKERS
from data_pipeline.people.things import disc, lathe
from data_pipeline.prepare_source import prepare_source
from data_pipeline.sources import open_source
from data_pipeline.sources.decode import decode
from rvm_jax.errors import UserError

SIZE = 96


def items(category: str, count: int = 3) -> list[dict[str, Any]]:
    source = PeopleOccluders(SIZE, include=[category])
    return [source[index] for index in range(count)]


@pytest.mark.parametrize("category", CATEGORIES)
def test_items_are_cut_out_tightly(category: str) -> None:
    for item in items(category):
        picture = decode(item, "main")
        height, width = picture.alpha.shape
        assert picture.category == category and picture.rgb.shape == (height, width, 3)
        assert 0.8 * SIZE < max(height, width) <= SIZE
        seen = cv2.boundingRect((picture.alpha > 8).astype(np.uint8))
        assert seen[2] >= width - 16 and seen[3] >= height - 16
        sides = np.concatenate([picture.alpha[0], picture.alpha[-1], picture.alpha[:, 0], picture.alpha[:, -1]])
        assert (sides.max() > 250) == (category != "object")  # an arm is cut off, and nothing else is
        assert (picture.alpha == 255).any() and ((picture.alpha > 40) & (picture.alpha < 215)).any()


def test_edges_have_the_colours_of_what_they_end() -> None:
    for item in items("hand"):
        alpha, rgb = item["alpha"], item["rgb"].astype(np.float32)
        inside = (alpha == 255).astype(np.float32)
        near = cv2.blur(inside, (7, 7))
        colours = cv2.blur(rgb * inside[..., None], (7, 7)) / np.maximum(near, 1e-3)[..., None]
        soft = (alpha > 25) & (alpha < 230) & (near > 0.1)
        assert soft.sum() > 50
        # Premultiplied, or lit before another colour, the mean pixel of an edge would be about half as bright.
        assert 0.8 < rgb[soft].mean() / colours[soft].mean() < 1.2


def test_what_is_held_is_there_with_the_hand_and_without() -> None:
    source = PeopleOccluders(SIZE)
    assert {source[index]["category"] for index in range(12)} == set(CATEGORIES)


def test_an_item_is_a_function_of_its_number() -> None:
    source = PeopleOccluders(SIZE, max_items=3)
    again = pickle.loads(pickle.dumps(PeopleOccluders(SIZE, max_items=3)))
    again[0]  # what was rendered before does not matter
    first, second = source[2], again[2]
    np.testing.assert_array_equal(first["rgb"], second["rgb"])
    np.testing.assert_array_equal(first["alpha"], second["alpha"])
    assert first["key"] == second["key"] == f"people/{first['category']}/train/000002"
    other = PeopleOccluders(SIZE, "test", 3)[2]
    assert other["alpha"].shape != first["alpha"].shape or (other["alpha"] != first["alpha"]).any()
    with pytest.raises(IndexError, match="item 3 of 3"):
        source[3]


@pytest.mark.parametrize("include", [[], ["object"]])
def test_a_prepared_set_has_the_same_items(tmp_path: Path, include: list[str]) -> None:
    spec = {"name": "people", "size": 48, "max_items": 2, "include": include}
    request = trees.request("occluder")
    prepare_source(tmp_path / "set", spec, request, "train")
    prepared: Any = open_source(spec | {"root": str(tmp_path / "set"), "prepared": True}, request)
    source: Any = open_source(spec, request)
    assert len(prepared) == len(source) == 2
    for index in range(2):
        ours, theirs = decode(source[index], "main"), decode(prepared[index], "main")
        assert (ours.key, ours.category) == (theirs.key, theirs.category)
        np.testing.assert_array_equal(ours.rgb, theirs.rgb)
        np.testing.assert_array_equal(ours.alpha, theirs.alpha)
    with pytest.raises(UserError, match=r"data\.main\.include: .* was prepared with include="):
        open_source(spec | {"root": str(tmp_path / "set"), "prepared": True, "include": ["hand"]}, request)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("occluder", {"size": 8}, "size=8 is too small"),
        ("occluder", {"max_items": 0}, "max_items=0"),
        ("occluder", {"samples": 9}, "samples=9"),
        ("occluder", {"include": ["foot"]}, "no occluder category 'foot': choose from hand, hand_with_object, object"),
        ("occluder", {"exclude": list(CATEGORIES)}, "leave no occluder category"),
        ("occluder", {"surfaces": "nowhere"}, "surfaces: no such folder: nowhere"),
        ("occluder", {"hands": 1.0}, "data.main.hands: is a setting of people as faces; leave it out here"),
        ("face", {"include": ["hand"]}, "data.main.include: is a setting of people as occluders; leave it out here"),
    ],
)
def test_wrong_settings(kind: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        open_source({"name": "people", **settings}, trees.request(kind))


def test_the_palm_has_no_edge_where_the_texture_has_a_seam() -> None:
    width, height = 480, 624
    mesh, texels = hand_mesh(), hand_map(width, height)
    column, row = (mesh.places * floats([width - 1, height - 1])).astype(int).T
    palm = texels.palm[row, column]
    order = np.argsort(mesh.weld, kind="stable")
    same = np.diff(mesh.weld[order]) == 0
    forearm = texels.forearm[row, column][order][1:]
    steps = np.abs(np.diff(palm[order]))[same & (forearm > -0.9) & (forearm < -0.2)]  # around the palm
    assert len(steps) > 30 and np.quantile(steps, 0.9) < 0.15
    assert palm[mesh.fingers == 3].max() > 0.95 and palm[mesh.fingers == 3].min() < 0.05
    assert texels.seamless[np.abs(texels.forearm) < 0.09].max() == 0  # the wrist, where the texture is cut, too


def test_a_wall_is_not_shaded_by_its_rim() -> None:
    skin = texture(plain_surface(np.random.default_rng(0), 16, floats([0.5, 0.5, 0.5])), Region.OBJECT)
    cup = lathe([(-1.0, 0.0), (-1.0, 0.5), (1.0, 0.5), (1.0, 0.47), (-0.9, 0.47), (-0.9, 0.0)], skin)
    outer = cup.shading_normals.reshape(6, -1, 3)[2]  # the rim's outer edge
    radial = cup.vertices.reshape(6, -1, 3)[2, :, :2] / 0.5
    assert np.einsum("ij,ij->i", outer[:, :2], radial).min() > 0.99


@pytest.mark.parametrize("name", MAKERS)
def test_things_that_nobody_holds_are_whole(name: str) -> None:
    for seed in range(8):
        parts = MAKERS[name](np.random.default_rng(seed))
        points = np.concatenate([part.vertices for part in parts])
        assert np.isfinite(points).all() and 0.5 < np.ptp(points, axis=0).max() < 4  # decimetres
        for part in parts:
            assert part.triangles.max() < len(part.vertices) == len(part.places) == len(part.shading_normals)
            assert set(np.unique(part.texture.regions)) == {Region.OBJECT}


def test_a_drink_stays_in_its_cup() -> None:
    for seed in range(20):
        outside, _, drink, *_ = MAKERS["cup"](np.random.default_rng(seed))
        (height,) = set(drink.vertices[:, 2].tolist())
        rings = outside.vertices[outside.vertices[:, :2].any(1)]
        at = {round(float(z), 4): float(np.hypot(x, y)) for x, y, z in rings}
        radius = np.interp(height, sorted(at), [at[z] for z in sorted(at)])
        assert 0 < height < outside.vertices[:, 2].max()
        assert 0.8 * radius < np.linalg.norm(drink.vertices[:, :2], axis=1).max() < radius


def test_a_disc_shows_its_texture_as_it_is() -> None:
    part = disc(0.5, 0.2, texture(plain_surface(np.random.default_rng(0), 8, floats([0.5, 0.5, 0.5])), Region.OBJECT))
    np.testing.assert_allclose(part.vertices[:, :2] / 0.5, (part.places - 0.5) / 0.49, atol=1e-6)
    a, b, c = (part.vertices[part.triangles[:, corner]] for corner in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()
