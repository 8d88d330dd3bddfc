"""Video read and written by PyAV, and what is composed of its frames."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import NTSC, moving_square

from rvm_jax.errors import UserError
from rvm_jax.media import composite
from rvm_jax.media.video_reader import VideoReader
from rvm_jax.media.video_writer import VideoWriter


def _write(path: Path, frames: Iterable[np.ndarray], rate: Fraction = NTSC, codec: str | None = None) -> Path:
    with VideoWriter(path, rate, codec) as writer:
        for frame in frames:
            writer.write(frame)
    return path


@pytest.mark.parametrize(
    ("codec", "suffix", "pixels"),
    [
        ("libx264", ".mp4", "yuv420p"),
        ("mpeg4", ".mp4", "yuv420p"),
        ("libx264", ".mkv", "yuv420p"),
        ("prores_ks", ".mov", "yuv444p12le"),
        ("libvpx-vp9", ".webm", "yuv420p"),
        ("ffv1", ".mkv", "bgr0"),
    ],
)
def test_round_trip_keeps_count_rate_and_colours(tmp_path: Path, codec: str, suffix: str, pixels: str | None) -> None:
    frames = moving_square()
    path = _write(tmp_path / f"clip{suffix}", frames, codec=codec)
    with VideoReader(path) as video:
        back = np.stack(list(video))
    assert back.dtype == np.uint8
    assert back.shape == frames.shape
    assert video.size == (48, 64)
    assert video.rate == NTSC
    assert np.abs(back.astype(int) - frames).mean() < 4
    assert np.abs(back.mean((0, 1, 2)) - frames.mean((0, 1, 2))).max() < 2  # no shift of the colours or the range
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.pix_fmt == pixels
        assert stream.codec_context.colorspace == 1 or pixels == "bgr0"  # BT.709
        assert sum(1 for _ in container.decode(stream)) == len(frames)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_grey_frames_keep_black_white_and_middle(tmp_path: Path) -> None:
    levels = np.repeat(np.array([0, 85, 170, 255], np.uint8), 16)
    alpha = np.broadcast_to(levels[None, :, None], (32, 64, 1))
    path = _write(tmp_path / "alpha.mp4", [alpha] * 3)
    with VideoReader(path) as video:
        for frame in video:
            assert np.abs(frame[:, 8::16].astype(int) - alpha[:, 8::16]).max() <= 3


def test_odd_sides_are_made_even_by_repetition(tmp_path: Path) -> None:
    frame = moving_square(1, 33, 47)[0]
    with VideoReader(_write(tmp_path / "odd.mp4", [frame] * 2)) as video:
        back = next(iter(video))
    assert back.shape == (34, 48, 3)
    assert np.abs(back[33].astype(int) - back[32]).max() <= 6


def test_header_tells_the_length_or_the_duration_does(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):  # Matroska holds no frame count
        with VideoReader(_write(tmp_path / f"clip{suffix}", moving_square())) as video:
            assert video.expected_frames == 8


@pytest.mark.skipif(not hasattr(av.VideoStream, "set_display_rotation"), reason="this PyAV writes no rotation")
@pytest.mark.parametrize(("counterclockwise", "turns"), [(90, 1), (-90, 3), (180, 2)])
def test_rotation_is_applied(tmp_path: Path, counterclockwise: int, turns: int) -> None:
    frames = moving_square(2)
    path = tmp_path / "phone.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=NTSC, options={"crf": "12"})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv444p"
        stream.set_display_rotation(counterclockwise)
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode(None))
    expected = np.rot90(frames[0], turns)
    with VideoReader(path) as video:
        assert video.size == expected.shape[:2]
        assert np.abs(next(iter(video)).astype(int) - expected).mean() < 4


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("no video at all " * 100)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    whole = _write(tmp_path / "whole.mp4", moving_square()).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) // 2])
    for path in (text, empty, cut, tmp_path / "absent.mp4", tmp_path):
        with pytest.raises(UserError, match=path.name):
            VideoReader(path)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(UserError, match=r"sound\.wav: holds no moving pictures, only audio"):
        VideoReader(path)


def test_no_frames_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "none.y4m"  # a header without frames
    path.write_bytes(b"YUV4MPEG2 W64 H48 F30:1 C420\n")
    with pytest.raises(UserError, match=r"none\.y4m"):
        VideoReader(path)


def test_damage_in_the_middle_names_the_frame(tmp_path: Path) -> None:
    path = _write(tmp_path / "clip.mp4", moving_square(12), codec="mpeg4")
    data = bytearray(path.read_bytes())
    third, half = len(data) // 3, len(data) // 2
    data[third:half] = b"\xff" * (half - third)
    path.write_bytes(data)
    with VideoReader(path) as video, pytest.raises(UserError, match=r"clip\.mp4: damaged at frame [1-9]"):
        list(video)


def test_nothing_is_left_of_a_failed_file(tmp_path: Path) -> None:
    old = _write(tmp_path / "clip.mp4", moving_square(2)).read_bytes()
    with pytest.raises(RuntimeError), VideoWriter(tmp_path / "clip.mp4", NTSC) as writer:
        writer.write(moving_square(1)[0])
        raise RuntimeError
    with pytest.raises(UserError, match=r"frame 1 has 32x32 pixels .* 48x64"):
        _write(tmp_path / "sizes.mp4", [moving_square(1)[0], moving_square(1, 32, 32)[0]])
    with pytest.raises(UserError, match="no frame"):
        _write(tmp_path / "none.mp4", [])
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]
    assert (tmp_path / "clip.mp4").read_bytes() == old


def test_targets_that_cannot_be_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        VideoWriter(tmp_path / "file" / "clip.mp4", NTSC)
    with pytest.raises(UserError, match=r"clip\.xyz: cannot hold libx264"):
        VideoWriter(tmp_path / "clip.xyz", NTSC)
    with pytest.raises(UserError, match=r"not the codec 'nonsense'; at hand: .*mpeg4"):
        VideoWriter(tmp_path / "clip.mp4", NTSC, codec="nonsense")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_composite_is_the_blend_rounded() -> None:
    rng = np.random.default_rng(0)
    fgr, bgr = rng.integers(0, 256, (2, 3, 16, 16, 3), dtype=np.uint8)
    pha = rng.integers(0, 256, (3, 16, 16, 1), dtype=np.uint8)
    alpha = pha / 255.0
    expected = np.round(fgr * alpha + bgr * (1 - alpha))
    np.testing.assert_array_equal(composite.composite(fgr, pha, bgr), expected)
    whole = np.concatenate([np.zeros_like(pha[:1]), np.full_like(pha[:1], 255)])
    blend = composite.composite(fgr[:2], whole, (10, 20, 30))
    assert (blend[0] == (10, 20, 30)).all()
    np.testing.assert_array_equal(blend[1], fgr[1])


def test_comparison_is_input_alpha_cutout() -> None:
    src = np.full((2, 4, 5, 3), 7, np.uint8)
    frame = composite.comparison(src, np.full((2, 4, 5, 1), 100, np.uint8), src + 1)
    assert frame.shape == (2, 4, 15, 3)
    assert [frame[0, 0, x, 2] for x in (4, 5, 10)] == [7, 100, 8]


def test_colours_by_name_and_number() -> None:
    assert composite.parse_color("white") == (255, 255, 255)
    assert composite.parse_color("#78ff9b") == composite.GREEN
    with pytest.raises(UserError, match="'greeen' is no colour"):
        composite.parse_color("greeen")
