"""Drawn surfaces and scenes: of any size, a function of the generator, and with the statistics of photographs."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import trees

from data_pipeline.sources import open_source
from data_pipeline.sources.decode import decode
from data_pipeline.surfaces import KINDS, PictureFolder, background, surface
from data_pipeline.surfaces.noise import fractal
from data_pipeline.surfaces.source import Surfaces
from rvm_jax.errors import UserError
from scripts import ROOT


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_function_of_its_generator_and_has_texture(kind: str) -> None:
    for size in (16, 45, 96):
        for seed in range(3):
            picture = surface(np.random.default_rng(seed), size, kind)
            assert picture.shape == (size, size, 3) and picture.dtype == np.uint8
            assert np.array_equal(picture, surface(np.random.default_rng(seed), size, kind))
    variety = [surface(np.random.default_rng(seed), 64, kind).mean((0, 1)) for seed in range(8)]
    assert np.std(variety, axis=0).max() > 8


def test_a_scene_is_one_of_its_generator_at_every_size() -> None:
    for seed in range(12):
        large, small = (background(np.random.default_rng(seed), side, side) for side in (128, 64))
        shrunk = cv2.resize(large, (64, 64), interpolation=cv2.INTER_AREA)
        assert np.abs(shrunk.astype(int) - small).mean() < 2
    assert background(np.random.default_rng(0), 20, 37).shape == (20, 37, 3)


def test_spectra_fall_as_those_of_photographs() -> None:
    """The amplitudes of photographs go with 1/f: a slope of about -1, -0.5 to -2 from picture to picture."""
    slopes = []
    for seed in range(24):
        grey = cv2.cvtColor(surface(np.random.default_rng(seed), 128), cv2.COLOR_RGB2GRAY).astype(float)
        window = np.outer(np.hanning(128), np.hanning(128))
        power = np.abs(np.fft.fftshift(np.fft.fft2((grey - grey.mean()) * window)))
        y, x = np.mgrid[-64:64, -64:64]
        radius = np.hypot(x, y).astype(int)
        rings = np.array([power[radius == r].mean() for r in range(3, 48)])
        slopes.append(np.polyfit(np.log(np.arange(3, 48)), np.log(rings + 1e-6), 1)[0])
    assert -1.8 < np.mean(slopes) < -0.7


def test_a_drink_is_smoother_than_what_has_a_grain() -> None:
    """Networks take what is smooth and brown for skin, so that it must be among what is not."""

    def roughness(kind: str) -> float:
        pictures = [surface(np.random.default_rng(seed), 96, kind).astype(int) for seed in range(12)]
        return float(np.median([np.abs(np.diff(picture, axis=0)).mean() for picture in pictures]))

    assert roughness("drink") < 0.5 * min(roughness("fabric"), roughness("fur"))


def test_noise_is_normalised() -> None:
    for aspect in (0.2, 1.0, 30.0):
        field = fractal(np.random.default_rng(0), 50, 3, 0.8, aspect)
        assert field.shape == (50, 50) and field.dtype == np.float32
        assert abs(float(field.mean())) < 1e-4 and abs(float(field.std()) - 1) < 1e-3


def test_wrong_kinds_and_sizes() -> None:
    with pytest.raises(UserError, match=r"'velvet'.*wood.*fabric"):
        surface(np.random.default_rng(0), 64, "velvet")
    with pytest.raises(UserError, match="size=8"):
        surface(np.random.default_rng(0), 8)


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"pictures: no pictures in"):
        PictureFolder(tmp_path)
    (tmp_path / "below").mkdir()
    cv2.imwrite(str(tmp_path / "below/a.png"), np.full((20, 31, 3), (10, 20, 200), np.uint8))
    part = PictureFolder(tmp_path).crop(np.random.default_rng(0), 40, 24)
    assert part.shape == (40, 24, 3) and (part == (200, 20, 10)).all()
    (tmp_path / "below/a.png").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"a\.png is no readable picture"):
        PictureFolder(tmp_path).crop(np.random.default_rng(0), 8, 8)
    with pytest.raises(UserError, match="no such folder"):
        PictureFolder(tmp_path / "gone")


def test_the_source_of_textures_and_backgrounds(tmp_path: Path) -> None:
    for kind in ("texture", "background"):
        source = open_source({"name": "surfaces", "size": 40, "max_items": 5}, trees.request(kind))
        assert isinstance(source, Surfaces) and len(source) == 5
        item = source[3]
        assert item["rgb"].shape == (40, 40, 3) and item["key"] == f"{kind}/train/000003" and item["kind"] == kind
        assert np.array_equal(item["rgb"], source[3]["rgb"]) and not np.array_equal(item["rgb"], source[4]["rgb"])
        assert (decode(item, "x").alpha == 255).all()
        with pytest.raises(IndexError):
            source[5]
    cv2.imwrite(str(tmp_path / "a.png"), np.full((20, 20, 3), (10, 20, 200), np.uint8))
    cut = Surfaces("texture", 24, pictures=tmp_path)
    red = [bool((cut[i]["rgb"] == (200, 20, 10)).all()) for i in range(16)]
    assert any(red) and not all(red)
    with pytest.raises(UserError, match="size=9"):
        Surfaces("texture", 9)


def test_the_sheet_of_the_page(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts/draw_surfaces.py"), "--columns=1", "--side=32"]
    subprocess.run([*command, f"--output={tmp_path / 'sheet.jpg'}"], check=True)
    sheet = cv2.imread(str(tmp_path / "sheet.jpg"))
    assert sheet is not None and sheet.shape[0] > 10 * 32 and (ROOT / "docs/images/surfaces.jpg").is_file()
