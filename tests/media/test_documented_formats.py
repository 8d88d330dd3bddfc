"""The tables of docs/matting.md, cell by cell."""

import re
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import moving_square, tagged_clip
from PIL import Image, ImageCms

from rvm_jax.errors import UserError
from rvm_jax.matting.formats import FORMATS
from rvm_jax.media.frame_source import Frame, Shown
from rvm_jax.media.gif_writer import GifWriter
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
    assert keeps_aspect(path, codec) and aspect == "kept"
    own = Fraction(4, 3)
    frames = moving_square(4)
    with VideoWriter(path, Fraction(25), pixel_aspect=own) as writer:
        for number, rgb in enumerate(frames):
            length = Fraction(2) if number == 3 else Fraction(1, 25)
            writer.write(rgb, Frame(rgb, Shown(Fraction(number, 25), length, "")))
    with VideoReader(path) as video:
        back = list(video.frames())
        assert float(video.pixel_aspect) == pytest.approx(own, rel=0.005)  # some tell the size as shown, in pixels
    assert [frame.time for frame in back] == [Fraction(number, 25) for number in range(4)]
    assert np.abs(back[3].rgb.astype(int) - frames[3]).mean() < 5
    if duration == "kept":
        assert float(back[3].duration or 0) == pytest.approx(2, abs=0.01)


def test_gifs_are_comparisons_alone(tmp_path: Path) -> None:
    assert VIDEOS[".gif"] == ["comparisons", "-", "8", "made square", "kept"]
    assert FORMATS[".gif"].kinds == ("comparison",)
    writer = GifWriter(tmp_path / "a.gif", Fraction(10))
    for number, rgb in enumerate(moving_square(2)):
        writer.write(
            rgb, Frame(rgb, Shown(Fraction(number, 10), Fraction(1 + number), ""), pixel_aspect=Fraction(3, 2))
        )
    writer.close()
    with VideoReader(tmp_path / "a.gif") as video:
        assert video.size == (48, 96) and video.pixel_aspect == 1
        assert [frame.duration for frame in video.frames()] == [Fraction(1, 10), 2]


# What happens to a video, and the test that holds it.
BEHAVIOUR = {
    "other containers (`.ts`, `.mxf`, `.wmv`, …) and codecs": "test_other_containers_and_codecs",
    "rotation, mirroring": "test_rotated_and_mirrored_clips_are_shown_as_players_do",
    "pixels that are not square": "test_anamorphic_pixels_stay_anamorphic",
    "colours without a tag": "test_untagged_colours_are_taken_by_size_and_tagged_ones_by_their_tag",
    "HDR (PQ, HLG)": "test_hdr_is_tone_mapped_and_said_once",
    "times": "test_an_avi_has_the_rate_and_the_frames",
    "an odd side": "test_own_alphas_of_odd_sizes_are_masks",
    "dropped frames, long last frames, wrong counts in headers": "test_an_avi_with_dropped_frames_is_whole",
}


def test_what_is_said_of_videos_is_held_by_a_test() -> None:
    assert list(_table("of a video")) == list(BEHAVIOUR)
    tests = "".join(path.read_text() for path in Path(__file__).parents[1].glob("m*/test_*.py"))
    assert all(f"def {name}(" in tests for name in BEHAVIOUR.values())


@pytest.mark.parametrize(
    ("codec", "pixels", "suffix"),
    [
        ("mpeg2video", "yuv420p", ".ts"),
        ("mpeg2video", "yuv420p", ".mxf"),
        ("mpeg1video", "yuv420p", ".mpg"),
        ("wmv2", "yuv420p", ".wmv"),
        ("flv1", "yuv420p", ".flv"),
        ("mjpeg", "yuvj444p", ".avi"),
        ("huffyuv", "yuv422p", ".avi"),
        ("png", "rgb24", ".mov"),
        ("rawvideo", "uyvy422", ".mov"),
        ("qtrle", "rgb24", ".mov"),
        ("rawvideo", "yuv420p", ".y4m"),
        ("ffv1", "yuva444p", ".mkv"),
    ],
)
def test_other_containers_and_codecs(tmp_path: Path, codec: str, pixels: str, suffix: str) -> None:
    frames = moving_square(8, 96, 128)
    with VideoReader(tagged_clip(tmp_path / f"a{suffix}", frames, codec, pixels=pixels)) as video:
        back = list(video)
    assert len(back) == 8
    assert np.abs(back[0].astype(int) - frames[0]).mean() < 4


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
