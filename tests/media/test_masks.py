"""Masks as people's programs write them, each beside the same mask in grey."""

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from rvm_jax.errors import UserError
from rvm_jax.media.masks import decode_mask, read_mask
from rvm_jax.media.orientation import orientation, upright
from rvm_jax.media.pictures import decode_picture

INDEX = np.zeros((24, 32), np.uint8)
INDEX[4:12, 5:20] = 1
MASK = INDEX * np.uint8(255)
VOC = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]


def _encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def _indexed(index: np.ndarray, colours: list[int]) -> Image.Image:
    picture = Image.fromarray(index)
    picture.putpalette(colours)
    return picture


def _png(array: np.ndarray) -> bytes:
    return cv2.imencode(".png", array)[1].tobytes()


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("label", [1, 2, 3])
def test_palettes_of_colours(form: str, label: int) -> None:
    np.testing.assert_array_equal(decode_mask(_encoded(_indexed(INDEX * label, VOC), form), "m"), MASK)


def test_palettes_in_another_order() -> None:
    np.testing.assert_array_equal(decode_mask(_encoded(_indexed(1 - INDEX, [255, 0, 0, 0, 0, 0]), "PNG"), "m"), MASK)
    unlabelled = _indexed(INDEX, [120, 120, 120, 180, 20, 20])  # ADE's colours: no black
    np.testing.assert_array_equal(decode_mask(_encoded(unlabelled, "PNG"), "m"), MASK)
    see_through = _encoded(_indexed(INDEX, VOC), "PNG", transparency=0)
    np.testing.assert_array_equal(decode_mask(see_through, "m"), MASK)
    grey = _indexed(INDEX * 100, [level for value in range(256) for level in (value,) * 3])
    np.testing.assert_array_equal(decode_mask(_encoded(grey, "PNG"), "m"), INDEX * 100)


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 0, 0), (255, 200, 0)])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_one_colour_on_black_is_as_strong_as_it_is(colour: tuple[int, int, int], depth: Any) -> None:
    soft = np.asarray(cv2.GaussianBlur(MASK, (5, 5), 0))
    peak = max(colour)
    scale = 1 if depth == np.uint8 else 257
    drawn = (soft[..., None] / 255 * np.array(colour) * scale).round().astype(depth)
    found = decode_mask(_png(drawn[..., ::-1]), "m")
    assert np.abs(found.astype(int) - soft).max() <= np.ceil(255 / peak)
    assert found.max() == 255


def test_several_colours_on_black() -> None:
    drawn = np.zeros((24, 32, 3), np.uint8)
    drawn[4:12, 5:12], drawn[4:12, 12:20] = (128, 0, 0), (0, 128, 128)
    np.testing.assert_array_equal(decode_mask(_png(drawn), "m"), MASK)


def test_grey_in_a_jpeg_stays_grey() -> None:
    soft = np.asarray(cv2.GaussianBlur(MASK, (9, 9), 0))
    data = _encoded(Image.fromarray(np.repeat(soft[..., None], 3, -1)), "JPEG", quality=95)
    assert np.abs(decode_mask(data, "m").astype(int) - soft).max() < 12


def test_an_opaque_alpha_is_not_the_mask() -> None:
    grey = np.repeat(MASK[..., None], 4, -1)
    grey[..., 3] = 255
    np.testing.assert_array_equal(decode_mask(_png(grey), "m"), MASK)
    grey[..., 3] = MASK // 2
    np.testing.assert_array_equal(decode_mask(_png(grey), "m"), MASK // 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("values", [(0, 1), (0, 255)])
def test_binary_masks_of_either_depth(dtype: type, values: tuple[int, int]) -> None:
    stored: np.ndarray = np.where(INDEX > 0, values[1], values[0]).astype(dtype)
    np.testing.assert_array_equal(decode_mask(_png(stored), "m"), MASK)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("labels", [(1, 4, 18), (1, 2, 10), (1, 2, 3), (13,)])
def test_maps_of_labels_are_refused(tmp_path: Path, dtype: type, labels: tuple[int, ...]) -> None:
    stored: np.ndarray = np.zeros((40, 40), dtype)
    for place, label in enumerate(labels):
        stored[5 + 8 * place : 13 + 8 * place, 8:30] = label
    path = tmp_path / "labels.png"
    path.write_bytes(_png(stored))
    with pytest.raises(UserError, match=rf"labels\.png: its largest value is {labels[-1]}, as in a map of labels"):
        read_mask(path)
    faint = labels[-1] if dtype == np.uint8 else 0
    assert read_mask(path, rescale=False).max() == faint  # as a prediction may be


def test_faint_alphas_are_no_labels() -> None:
    ramp = np.tile(np.linspace(0, 30, 200).astype(np.uint8), (50, 1))
    corner = np.zeros((40, 40), np.uint8)
    corner[0, :3] = 9, 30, 12
    noise = np.random.default_rng(0).integers(0, 6, (40, 40)).astype(np.uint8)
    for alpha in (ramp, corner, noise, np.zeros((4, 4), np.uint8)):
        np.testing.assert_array_equal(decode_mask(_png(alpha), "m"), alpha)


@pytest.mark.parametrize("turned", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_colours_and_alpha_are_turned_together(form: str, turned: int) -> None:
    rgba = np.zeros((20, 30, 4), np.uint8)
    rgba[2:8, 3:12] = 255
    exif = Image.Exif()
    exif[274] = turned
    options = {"tiffinfo": {274: turned}} if form == "TIFF" else {"exif": exif, "lossless": True}
    data = _encoded(Image.fromarray(rgba), form, **options)
    shown, alpha = decode_picture(data, "p"), decode_mask(data, "p")
    assert shown.shape[:2] == alpha.shape == ((20, 30) if turned < 5 else (30, 20))
    np.testing.assert_array_equal(alpha, shown[..., 0])


@pytest.mark.parametrize("turned", range(1, 9))
def test_masks_are_turned_as_pillow_shows_them(turned: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[274] = turned
    data = _encoded(Image.fromarray(MASK), "PNG", exif=exif)
    assert orientation(data) == turned
    with Image.open(io.BytesIO(data)) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))
    np.testing.assert_array_equal(upright(MASK, turned), expected)
    np.testing.assert_array_equal(decode_mask(data, "m"), expected)
