"""The drawn source with surfaces like photographs: off it changes nothing, on it adds objects; one picture by seed."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import trees

from data_pipeline.drawn import OCCLUDER_CATEGORIES, ProceduralFaces, ProceduralOccluders
from data_pipeline.drawn.silhouettes import SILHOUETTES
from data_pipeline.sources import open_source
from rvm_jax.errors import UserError


@pytest.mark.parametrize("source", [ProceduralFaces, ProceduralOccluders])
def test_items_with_surfaces(source: type[ProceduralFaces] | type[ProceduralOccluders]) -> None:
    plain, one, other = source(48), source(48, surfaces=1.0), source(48, surfaces=1.0)
    for i in range(3):
        assert np.array_equal(one[i]["rgb"], other[i]["rgb"]) and np.array_equal(one[i]["alpha"], other[i]["alpha"])
        assert one[i]["rgb"].shape != plain[i]["rgb"].shape or not np.array_equal(one[i]["rgb"], plain[i]["rgb"])


def test_the_share_is_that_of_the_items() -> None:
    plain, some = ProceduralFaces(32), ProceduralFaces(32, surfaces=0.01)
    # The generator goes one draw further, so people differ; the backgrounds are the plain ones.
    assert some._draw_materials(np.random.default_rng(0)) is None
    assert plain._draw_materials(np.random.default_rng(0)) is None
    assert ProceduralFaces(32, surfaces=1.0)._draw_materials(np.random.default_rng(0)) is not None


def test_objects_are_among_the_categories_where_there_are_surfaces() -> None:
    assert ProceduralOccluders(32).categories == list(OCCLUDER_CATEGORIES)
    assert ProceduralOccluders(32, surfaces=0.5).categories == [*OCCLUDER_CATEGORIES, "object"]
    items = ProceduralOccluders(64, include=["object"], surfaces=1.0)
    for i in range(20):
        item = items[i]
        height, width = item["alpha"].shape
        assert item["rgb"].shape == (height, width, 3) and 40 <= max(height, width) <= 64
        assert item["alpha"].max() > 200 and (item["alpha"] / 255).mean() > 0.02
        assert item["category"] == "object" and item["key"] == f"object/train/{i:06d}"
    assert ProceduralOccluders(64, include=["object"])[0]["category"] == "object"


@pytest.mark.parametrize("category", ["dish", "animal"])
def test_misleading_objects_can_be_asked_for(category: str) -> None:
    items = ProceduralOccluders(64, include=[category], surfaces=1.0)
    pictures = [items[i] for i in range(4)]
    assert all(item["category"] == category and 0.1 < (item["alpha"] > 127).mean() < 1 for item in pictures)
    assert len({item["rgb"].tobytes() for item in pictures}) == len(pictures)


def test_another_size_is_the_same_object() -> None:
    small, large = (ProceduralOccluders(size, include=["object"], surfaces=1.0) for size in (96, 192))
    for i in range(8):
        a, b = small[i], large[i]
        height, width = a["alpha"].shape
        assert b["alpha"].shape == (2 * height, 2 * width)
        shrunk = cv2.resize(b["alpha"], (width, height), interpolation=cv2.INTER_AREA)
        assert np.abs(shrunk.astype(int) - a["alpha"]).mean() < 5
        colours = cv2.resize(b["rgb"], (width, height), interpolation=cv2.INTER_AREA)
        assert (np.abs(colours.astype(int) - a["rgb"]) * (a["alpha"][..., None] > 128)).mean() < 8


@pytest.mark.parametrize("silhouette", [silhouette for silhouette, _ in SILHOUETTES])
def test_every_silhouette_is_finite(silhouette: object) -> None:
    assert callable(silhouette)
    for seed in range(10):
        parts = silhouette(np.random.default_rng(seed))
        points = np.concatenate([part.outline for part in parts])
        assert np.isfinite(points).all() and np.ptp(points, axis=0).min() > 0.05


def test_settings_of_the_source(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((40, 40, 3), (200, 20, 10), np.uint8))
    spec = {"name": "drawn", "size": 32, "surfaces": 1.0, "pictures": str(tmp_path), "include": ["blob"]}
    source = open_source(spec, trees.request("occluder"))
    assert isinstance(source, ProceduralOccluders)
    middles = [item["rgb"].reshape(-1, 3).mean(0) for item in (source[i] for i in range(24))]
    blue = [bool(b > 2 * r + 10) for r, _, b in middles]
    assert any(blue) and not all(blue)
    with pytest.raises(UserError, match=r"surfaces=1\.5"):
        open_source({"name": "drawn", "surfaces": 1.5}, trees.request("face"))
    with pytest.raises(UserError, match="no such folder"):
        open_source({"name": "drawn", "surfaces": 1.0, "pictures": str(tmp_path / "x")}, trees.request("face"))
