"""The tables of docs/matting.md, cell by cell."""

import re
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import moving_square
from PIL import Image, ImageCms

from rvm_jax.errors import UserError
from rvm_jax.matting.formats import FORMATS
from rvm_jax.media.frame_source import Frame, Shown
from rvm_jax.media.picture_formats import READ_SUFFIXES, WRITTEN_SUFFIXES, read_profile
from rvm_jax.media.picture_writers import SinglePictureWriter
from rvm_jax.media.pictures import read_picture_and_profile, write_picture
from rvm_jax.media.video_formats import CODECS, VIDEO_SUFFIXES, choose_codec, keeps_aspect, pixel_format
from rvm_jax.media.video_reader import VideoReader
from rvm_jax.media.video_writer import VideoWriter
from rvm_jax.media.writer import Destination

PAGE = (Path(__file__).parents[2] / "docs/matting.md").read_text()


def _table(first: str) -> dict[str, list[str]]:
    """Returns the cells behind the first of each row of the table with this first heading."""
    (table,) = re.findall(rf"^\| {first} \|.*\n\| ---.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()]
    return {row[0].strip("`"): row[1:] for row in rows}


VIDEOS, PICTURES = _table("video"), _table("picture")


def test_every_suffix_has_its_row() -> None:
    assert set(VIDEOS) == {*VIDEO_SUFFIXES, ".gif"}
    assert set(PICTURES) >= set(READ_SUFFIXES) - {".heic", ".heif", ".hif"}
    assert {suffix for suffix, cells in PICTURES.items() if cells[0] == "yes"} == set(WRITTEN_SUFFIXES)


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_videos(tmp_path: Path, suffix: str) -> None:
    written, alpha, bits, aspect, duration = VIDEOS[suffix]
    path = tmp_path / f"a{suffix}"
    codec = choose_codec(path)
    assert CODECS[codec].title == written
    assert (4 in CODECS[codec].formats) is (alpha == "straight")
    assert (1 in CODECS[codec].formats16) is (bits == "16")
    if alpha == "-":
        with pytest.raises(UserError, match="cannot hold transparency"):
            pixel_format(path, codec, 4)
    assert keeps_aspect(path, codec) is (aspect == "kept")
    own = Fraction(4, 3) if aspect == "kept" else Fraction(1)
    frames = moving_square(4)
    with VideoWriter(path, Fraction(25), pixel_aspect=own) as writer:
        for number, rgb in enumerate(frames):
            length = Fraction(2) if number == 3 else Fraction(1, 25)
            writer.write(rgb, Frame(rgb, Shown(Fraction(number, 25), length, "")))
    with VideoReader(path) as video:
        back = list(video.frames())
        assert video.pixel_aspect == own
    assert [frame.time for frame in back] == [Fraction(number, 25) for number in range(4)]
    assert np.abs(back[3].rgb.astype(int) - frames[3]).mean() < 5
    if duration == "kept":
        assert float(back[3].duration or 0) == pytest.approx(2, abs=0.01)


def test_gifs_are_comparisons_alone() -> None:
    assert VIDEOS[".gif"][0] == "comparisons"
    assert FORMATS[".gif"].kinds == ("comparison",)


@pytest.mark.parametrize("suffix", WRITTEN_SUFFIXES)
def test_written_pictures(tmp_path: Path, suffix: str) -> None:
    _, profile, alpha, bits = PICTURES[suffix]
    rgb = moving_square(1)[0]
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_picture(tmp_path / f"a{suffix}", rgb, profile=own)
    back, seen = read_picture_and_profile(tmp_path / f"a{suffix}")
    assert np.abs(back.astype(int) - rgb).mean() < 5
    assert (seen == own) is (profile == "kept")
    to = Destination(tmp_path / f"b{suffix}", Fraction(25))
    for channels, deep, works, picture in (
        (4, False, alpha == "yes", np.dstack([rgb, rgb[..., 1]])),
        (1, True, bits == "16", rgb[..., :1].astype(np.uint16) * 257),
    ):
        if not works:
            with pytest.raises(UserError, match="holds no"):
                SinglePictureWriter.form(to, channels, deep)
            continue
        SinglePictureWriter.form(to, channels, deep)
        write_picture(to.path, picture)
        held = cv2.imread(str(to.path), cv2.IMREAD_UNCHANGED)
        assert held is not None and held.dtype == picture.dtype
        assert (held.ndim == 3 and held.shape[2] == 4) is (channels == 4)


@pytest.mark.parametrize("suffix", [suffix for suffix in PICTURES if suffix not in WRITTEN_SUFFIXES])
def test_pictures_that_are_only_read(tmp_path: Path, suffix: str) -> None:
    form = {".jfif": "JPEG", ".jpe": "JPEG", ".jp2": "JPEG2000", ".tga": "TGA", ".avif": "AVIF"}.get(suffix, "PPM")
    rgb = moving_square(1)[0]
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = tmp_path / f"a{suffix}"
    tells = PICTURES[suffix][1] == "read"
    Image.fromarray(rgb).save(path, form, **({"icc_profile": own} if tells else {}))
    back, _ = read_picture_and_profile(path)
    assert np.abs(back.astype(int) - rgb).mean() < 6
    if tells:
        assert read_profile(path.read_bytes()) == own
