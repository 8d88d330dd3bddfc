"""Pictures as phones, browsers and viewers write them: read, or named as left out; profiles are kept."""

import io
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
from clips import moving_square
from PIL import Image, ImageCms, ImageOps

from data_pipeline.sources.base import Request
from data_pipeline.sources.folder import folder
from rvm_jax.errors import UserError
from rvm_jax.media import picture_formats
from rvm_jax.media.masks import decode_mask
from rvm_jax.media.pictures import (
    PICTURE_SUFFIXES,
    decode_picture,
    list_pictures,
    read_picture,
    read_picture_and_profile,
    write_picture,
)
from rvm_jax.media.video_reader import VideoReader
from rvm_jax.notices import Notice

RGB = moving_square(1)[0]


def _profile(space: Literal["sRGB", "LAB"] = "sRGB") -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(space)).tobytes()


@pytest.mark.parametrize(
    ("suffix", "form", "tolerance"),
    [
        (".jfif", "JPEG", 3),
        (".jpe", "JPEG", 3),
        (".avif", "AVIF", 3),
        (".webp", "WEBP", 6),
        (".jp2", "JPEG2000", 1),
        (".ppm", "PPM", 0),
        (".tga", "TGA", 0),
        (".bmp", "BMP", 0),
        (".tif", "TIFF", 0),
        (".png", "PNG", 0),
        (".gif", "GIF", 12),
    ],
)
def test_pictures_of_every_listed_format_are_read(tmp_path: Path, suffix: str, form: str, tolerance: float) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(RGB).save(path, form, **({"quality": 95} if form in ("JPEG", "AVIF", "WEBP") else {}))
    assert list_pictures(tmp_path) == [path]
    assert np.abs(read_picture(path).astype(int) - RGB).mean() <= tolerance


@pytest.mark.parametrize("form", ["TGA", "PPM"])
def test_grey_and_transparent_pictures_by_pillow(tmp_path: Path, form: str) -> None:
    grey = RGB[..., 0]
    Image.fromarray(grey).save(tmp_path / "a.x", form)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.x")[..., 1], grey)


def test_what_is_not_read_says_what_would_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.heic", "b.dng", "c.exr"):
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    write_picture(tmp_path / "d.png", RGB)
    (tmp_path / "photo.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    monkeypatch.setattr(picture_formats, "HAS_HEIF", False)
    helped = "pip install pillow-heif" if ".heic" not in PICTURE_SUFFIXES else "."
    for name, said in (("a.heic", helped), ("b.dng", "raw picture"), ("c.exr", "convert it to PNG")):
        with pytest.raises(UserError, match=said):
            read_picture(tmp_path / name)
    with pytest.raises(UserError, match=r"photo\.jpg: is HEIC; `pip install pillow-heif`"):
        read_picture(tmp_path / "photo.jpg")
    for name in ("b.dng", "c.exr"):
        with pytest.raises(UserError, match=r"develop it|convert it"):
            VideoReader(tmp_path / name)
    others = picture_formats.left_out(tmp_path, (".png", ".jpg"))
    assert [path.name for path in others] == ["a.heic", "b.dng", "c.exr"]
    line = picture_formats.left_out_line(others)
    assert "3 files left out (a.heic, b.dng, c.exr)" in line and "develop it to PNG" in line
    assert "1 file left out (a.heic)" in picture_formats.left_out_line(others[:1])


def test_an_animation_among_pictures_is_named(tmp_path: Path) -> None:
    frames = [Image.fromarray(frame) for frame in moving_square(3)]
    frames[0].save(tmp_path / "walk.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(UserError, match="an animation of 3 frames; give it alone, as a clip"):
        read_picture(tmp_path / "walk.gif")


def test_a_header_that_claims_too_much_is_refused_at_once(tmp_path: Path) -> None:
    data = bytearray(cv2.imencode(".png", RGB)[1].tobytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    (tmp_path / "huge.png").write_bytes(data)
    with pytest.raises(UserError, match=r"huge\.png: .*(absurdly large|not a picture)"):
        read_picture(tmp_path / "huge.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_profile_is_kept_by_colours_and_not_by_alphas(tmp_path: Path, suffix: str) -> None:
    profile = _profile()
    Image.fromarray(RGB).save(tmp_path / "in.jpg", icc_profile=profile)
    rgb, seen = read_picture_and_profile(tmp_path / "in.jpg")
    assert seen == profile
    write_picture(tmp_path / f"out{suffix}", rgb, profile=seen)
    write_picture(tmp_path / f"alpha{suffix}", rgb[..., 0], profile=seen)
    with Image.open(tmp_path / f"out{suffix}") as out:
        assert out.info.get("icc_profile") == profile
    with Image.open(tmp_path / f"alpha{suffix}") as alpha:
        assert "icc_profile" not in alpha.info


def test_a_profile_of_other_colours_is_dropped() -> None:
    data = io.BytesIO()
    Image.fromarray(RGB).save(data, "PNG", icc_profile=_profile("LAB"))
    assert picture_formats.read_profile(data.getvalue()) is None


def test_sizes_are_those_of_the_upright_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=exif)
    assert picture_formats.shown_size(tmp_path / "a.jpg") == (64, 48) == read_picture(tmp_path / "a.jpg").shape[:2]
    (tmp_path / "b.jpg").write_text("no picture")
    assert picture_formats.shown_size(tmp_path / "b.jpg") is None


def test_datasets_name_what_is_not_read(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jfif"):
        Image.fromarray(RGB).save(tmp_path / name, "JPEG")
        write_picture(tmp_path / f"faces/mask/{Path(name).stem}.png", RGB[..., 0])
        (tmp_path / "faces/img").mkdir(exist_ok=True)
        (tmp_path / name).rename(tmp_path / "faces/img" / name)
    (tmp_path / "faces/img/c.dng").touch()
    records = {record.key: record for record in folder(tmp_path, Request("face", "train", 64, "data.faces.x"))}
    assert records["faces/a"].problem is None and records["faces/b"].problem is None
    assert "a camera's raw picture" in (records["faces/c"].problem or "")


@pytest.mark.parametrize("form", ["PNG", "WEBP", "AVIF", "TIFF"])
def test_the_first_of_several_pictures_is_taken_with_a_word(form: str) -> None:
    data = io.BytesIO()
    first, *others = (Image.fromarray(frame) for frame in moving_square(3))
    first.save(data, form, save_all=True, append_images=others)
    with pytest.warns(Notice, match=r"a\.x: holds 3 pictures, of which the first is taken"):
        rgb = decode_picture(data.getvalue(), "a.x")
    assert np.abs(rgb.astype(int) - np.asarray(first)).mean() < 6


def test_fractions_are_not_taken_for_levels() -> None:
    data = io.BytesIO()
    Image.fromarray(RGB[..., 0].astype(np.float32) / 255).save(data, "TIFF")
    for decode in (decode_picture, decode_mask):
        with pytest.raises(UserError, match=r"a\.tif: holds fractions, whose white nobody knows; save it with 8 or 16"):
            decode(data.getvalue(), "a.tif")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_modes_of_pictures(mode: str) -> None:
    data = io.BytesIO()
    picture = Image.fromarray(RGB).convert(mode)
    picture.save(data, "TIFF" if mode == "CMYK" else "PNG")
    rgb = decode_picture(data.getvalue(), "a")
    assert np.abs(rgb.astype(int) - np.asarray(picture.convert("RGB"))).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_masks_and_alphas_are_turned_alike(orientation: int) -> None:
    exif, truth = Image.Exif(), Image.fromarray(RGB)
    exif[0x0112] = orientation
    mask = Image.fromarray((RGB[..., 0] > 100).astype(np.uint8) * 255)
    cut = truth.convert("RGBA")
    cut.putalpha(mask)

    def held(picture: Image.Image) -> tuple[bytes, np.ndarray]:
        data = io.BytesIO()
        picture.save(data, "PNG", exif=exif)
        with Image.open(data) as opened:
            return data.getvalue(), np.asarray(ImageOps.exif_transpose(opened))

    data, shown = held(truth)
    np.testing.assert_array_equal(decode_picture(data, "a.png"), shown)
    data, shown = held(mask)
    np.testing.assert_array_equal(decode_mask(data, "a.png"), shown)
    np.testing.assert_array_equal(decode_mask(held(cut)[0], "a.png"), shown)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 132\n", "is a Git LFS pointer"),
        (b"<!DOCTYPE html><html></html>", "is a web page, not the download"),
        (b"\x1f\x8b" + bytes(90), "is a gzip archive; unpack it"),
    ],
)
def test_what_is_no_picture_and_no_video_is_said(tmp_path: Path, data: bytes, said: str) -> None:
    for name, read in (("a.jpg", read_picture), ("a.mp4", VideoReader)):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=rf"{name}: {said}"):
            read(tmp_path / name)
