"""Videos as other programs and phones write them: what a player shows is what is read, and what is written plays so."""

import os
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace, VideoReformatter
from clips import NTSC, moving_square, tagged_clip, write_clip
from PIL import Image

from data_pipeline.sources.video_frames import read_frames
from rvm_jax.errors import UserError
from rvm_jax.media import hdr
from rvm_jax.media.backgrounds import make_background
from rvm_jax.media.frame_conversion import ACCURATE
from rvm_jax.media.frame_source import Frame, Shown
from rvm_jax.media.gif_writer import GifWriter
from rvm_jax.media.matroska_aspect import write_display_size
from rvm_jax.media.video_reader import VideoReader
from rvm_jax.media.video_writer import VideoWriter
from rvm_jax.notices import Notice


def _first(path: Path) -> np.ndarray:
    with VideoReader(path) as video:
        return next(iter(video))


def _copy(source: Path, target: Path) -> None:
    """Writes what is read of a clip, as an output of the matting is written."""
    with (
        VideoReader(source) as video,
        VideoWriter(target, video.rate, sound=video.sound, pixel_aspect=video.pixel_aspect) as writer,
    ):
        for frame in video.frames():
            writer.write(frame.rgb, frame)


def _end(path: Path) -> Fraction:
    with VideoReader(path) as video:
        last = list(video.frames())[-1]
    return last.time + (last.duration or 0)


@pytest.mark.parametrize("flips", [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_rotated_and_mirrored_clips_are_shown_as_players_do(
    tmp_path: Path, quarter_turns: int, flips: tuple[bool, bool]
) -> None:
    frames = moving_square(2)

    def setup(stream: av.VideoStream) -> None:
        stream.set_display_rotation(90 * quarter_turns, hflip=flips[0], vflip=flips[1])

    path = tagged_clip(tmp_path / "phone.mp4", frames, setup=setup)
    shown = np.rot90(frames[0], quarter_turns)
    shown = shown[:, ::-1] if flips[0] else shown[::-1] if flips[1] else shown
    assert np.abs(_first(path).astype(int) - shown).mean() < 4
    trained = read_frames(str(path), "phone", [0])[0]  # the same in training data
    assert np.abs(trained.astype(int) - shown).mean() < 4


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi"])
def test_anamorphic_pixels_stay_anamorphic(tmp_path: Path, suffix: str) -> None:
    def setup(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(32, 27)

    source = tagged_clip(tmp_path / "dv.mp4", moving_square(3, 48, 72), setup=setup)
    _copy(source, tmp_path / f"out{suffix}")
    for path in (source, tmp_path / f"out{suffix}"):
        with VideoReader(path) as video:
            assert video.size == (48, 72)
            assert float(video.pixel_aspect) == pytest.approx(32 / 27, rel=0.02)
        with av.open(str(path)) as container:
            stated = container.streams.video[0].sample_aspect_ratio
            assert stated is not None and float(stated * Fraction(72, 48)) == pytest.approx(16 / 9, rel=0.01)


def test_codecs_that_cannot_say_the_aspect_are_named(tmp_path: Path) -> None:
    with pytest.warns(Notice, match="does not say that pixels are not square"):
        VideoWriter(tmp_path / "out.avi", NTSC, "ffv1", pixel_aspect=Fraction(4, 3)).discard()


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_a_matroska_header_is_whole_with_the_size_as_shown(tmp_path: Path, suffix: str) -> None:
    """Its sound, its places of seeking and its checksums, too."""
    source = write_clip(tmp_path / "in.mkv", moving_square(8, 480, 720), sound="aac")
    for name, aspect in (("square", Fraction(1)), ("wide", Fraction(32, 27))):
        with (
            VideoReader(source) as video,
            VideoWriter(tmp_path / f"{name}{suffix}", video.rate, sound=video.sound, pixel_aspect=aspect) as writer,
        ):
            for frame in video.frames():
                writer.write(frame.rgb, frame)
    square, wide = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("square", "wide"))
    assert len(square) == len(wide)
    with av.open(str(tmp_path / f"wide{suffix}"), options={"err_detect": "crccheck+explode"}) as container:
        stream = container.streams.video[0]
        assert stream.sample_aspect_ratio == Fraction(853, 720)  # the width as shown is whole pixels
        assert len(container.streams.audio) == 1 and container.duration
        container.seek(200_000, any_frame=True, backward=True)
        assert sum(packet.size > 0 for packet in container.demux(stream)) > 0
    with VideoReader(tmp_path / f"square{suffix}") as one, VideoReader(tmp_path / f"wide{suffix}") as other:
        assert one.pixel_aspect == 1
        for plain, shown in zip(one.frames(), other.frames(), strict=True):
            assert plain.time == shown.time
            np.testing.assert_array_equal(plain.rgb, shown.rgb)


def test_a_header_without_room_is_left_as_it_is(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mkv", NTSC) as writer:
        writer.write(moving_square(1)[0])
    whole = (tmp_path / "a.mkv").read_bytes()
    for data in (whole[:40], whole[:100], whole[:200], b"", b"\x1a\x45\xdf\xa3", whole.replace(b"\xec", b"\xed", 1)):
        (tmp_path / "b.mkv").write_bytes(data)
        assert not write_display_size(tmp_path / "b.mkv", 4, 3)
        assert (tmp_path / "b.mkv").read_bytes() == data


def test_anamorphic_pixels_turn_with_the_picture(tmp_path: Path) -> None:
    def setup(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.set_display_rotation(90)

    with VideoReader(tagged_clip(tmp_path / "turned.mp4", moving_square(2), setup=setup)) as video:
        assert video.size == (64, 48)
        assert video.pixel_aspect == Fraction(3, 4)


def _patches(height: int, width: int) -> np.ndarray:
    colours = np.array([(220, 30, 30), (30, 200, 30), (200, 40, 200), (210, 150, 120)], np.uint8)
    return np.repeat(np.repeat(colours[None], height, 0), width // 4, 1)


def _by_matrix(path: Path, rgb: np.ndarray, matrix: Colorspace, tag: int | None) -> Path:
    """Writes a picture converted by a matrix, tagged as told or not at all."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "4"})
        stream.height, stream.width, stream.pix_fmt = *rgb.shape[:2], "yuv420p"
        if tag is not None:
            stream.codec_context.colorspace = tag
        frame = VideoReformatter().reformat(
            av.VideoFrame.from_ndarray(rgb), format="yuv420p", dst_colorspace=matrix, interpolation=ACCURATE
        )
        frame.colorspace = 2 if tag is None else tag
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("size", "matrix", "tag"),
    [
        ((720, 1280), Colorspace.ITU709, None),
        ((1280, 720), Colorspace.ITU709, None),
        ((480, 640), Colorspace.ITU601, None),
        ((480, 640), Colorspace.ITU709, 1),
        ((720, 1280), Colorspace.ITU601, 6),
    ],
)
def test_untagged_colours_are_taken_by_size_and_tagged_ones_by_their_tag(
    tmp_path: Path, size: tuple[int, int], matrix: Colorspace, tag: int | None
) -> None:
    rgb = _patches(*size)
    path = _by_matrix(tmp_path / "clip.mp4", rgb, matrix, tag)
    middle = size[1] // 8
    seen = _first(path)[size[0] // 2, middle :: size[1] // 4].astype(int)
    assert np.abs(seen - rgb[0, middle :: size[1] // 4]).max() <= 5


@pytest.mark.parametrize(("curve", "name"), [(hdr.PQ, "PQ"), (hdr.HLG, "HLG")])
def test_hdr_is_tone_mapped_and_said_once(tmp_path: Path, curve: int, name: str) -> None:
    """Greys of SDR, written as the light that BT.2408 makes of them, come back."""
    levels = np.array([40, 80, 120, 160, 190])
    light = (levels / 255) ** 2.4  # of white
    if curve == hdr.PQ:
        power = (light * 203 / 10_000) ** (2610 / 16384)
        code = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    else:
        scene = (light * 203 / 1000) ** (1 / 1.2)
        code = np.where(
            scene <= 1 / 12,
            np.sqrt(3 * scene),
            0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073,
        )
    grey = np.repeat(np.round(code * 255).astype(np.uint8), 16)
    frames = np.broadcast_to(grey[None, None, :, None], (3, 32, 80, 3))

    def setup(stream: av.VideoStream) -> None:
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, curve, 9

    path = tagged_clip(tmp_path / f"{name}.mp4", frames, setup=setup, pixels="yuv420p10le")
    with (
        pytest.warns(Notice, match=rf"{name}\.mp4: its colours are HDR \({name}\)") as said,
        VideoReader(path) as video,
    ):
        back = np.stack(list(video))
    assert np.abs(back[0, 16, 8::16].astype(int) - levels[:, None]).max() <= 8
    assert len({str(each.message) for each in said}) == 1


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4"])
def test_an_avi_with_dropped_frames_is_whole(tmp_path: Path, codec: str) -> None:
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    numbers = [0, 1, 2, 5, 6, 7]
    path = tagged_clip(tmp_path / "capture.avi", moving_square(6), codec, pixels=pixels, numbers=numbers)
    with VideoReader(path) as video:
        assert [round(25 * frame.time) for frame in video.frames()] == numbers


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_a_last_frame_that_stands_long_keeps_its_time(tmp_path: Path, suffix: str) -> None:
    frames = moving_square(4)
    with VideoWriter(tmp_path / "slides.mp4", Fraction(25)) as writer:
        for number, rgb in enumerate(frames):
            length = Fraction(3) if number == 3 else Fraction(1, 25)
            writer.write(rgb, Frame(rgb, Shown(Fraction(number, 25), length, str(number))))
    _copy(tmp_path / "slides.mp4", tmp_path / f"out{suffix}")
    for path in (tmp_path / "slides.mp4", tmp_path / f"out{suffix}"):
        assert float(_end(path)) == pytest.approx(3.12, abs=0.01)
        with av.open(str(path)) as container:
            assert container.duration is not None
            assert container.duration / av.time_base == pytest.approx(3.12, abs=0.01)


def test_packets_copied_to_matroska_with_a_long_last_frame_are_whole(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "slides.mp4", moving_square(4), times=[0, 40, 80, 3080], rate=Fraction(25))
    with av.open(str(source)) as given, av.open(str(tmp_path / "copy.mkv"), "w") as copy:
        stream = copy.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    data = bytearray((tmp_path / "copy.mkv").read_bytes())
    place = data.find(b"00:00:0")  # the tag beside the stream: a duration far beyond the last frame
    if place > 0:
        data[place : place + 8] = b"00:00:59"
    (tmp_path / "copy.mkv").write_bytes(data)
    with VideoReader(tmp_path / "copy.mkv") as video:
        assert len(list(video)) == 4


def test_the_last_frame_of_a_gif_keeps_its_time(tmp_path: Path) -> None:
    writer = GifWriter(tmp_path / "slides.gif", Fraction(10))
    for number, rgb in enumerate(moving_square(3)):
        length = Fraction(2) if number == 2 else Fraction(1, 10)
        writer.write(rgb, Frame(rgb, Shown(Fraction(number, 10), length, str(number))))
    writer.close()
    assert float(_end(tmp_path / "slides.gif")) == pytest.approx(2.2, abs=0.011)


def test_an_avi_has_the_rate_and_the_frames(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", moving_square(8))
    _copy(source, tmp_path / "out.avi")
    with VideoReader(tmp_path / "out.avi") as video:
        assert video.rate == NTSC
        assert video.expected_frames == 8
        assert [frame.time for frame in video.frames()] == [t / NTSC for t in range(8)]


def _levels(path: Path, count: int, rate: int, codec: str | None = None) -> Path:
    with VideoWriter(path, Fraction(rate), codec) as writer:
        for number in range(count):
            writer.write(np.full((16, 16, 3), 10 * number, np.uint8))
    return path


def test_a_background_video_keeps_its_own_rate(tmp_path: Path) -> None:
    background = make_background(_levels(tmp_path / "slow.mkv", 20, 10))
    assert background is not None
    seen = [int(np.asarray(background((16, 16), Fraction(t, 30)))[8, 8, 0]) for t in range(75)]
    assert seen == [10 * (t // 3 % 20) for t in range(75)]  # two seconds, and then anew
    fast = make_background(_levels(tmp_path / "fast.mkv", 20, 60))
    assert fast is not None
    assert [int(np.asarray(fast((16, 16), Fraction(t, 20)))[8, 8, 0]) for t in range(6)] == [0, 30, 60, 90, 120, 150]


def test_a_gif_behind_keeps_its_delays(tmp_path: Path) -> None:
    writer = GifWriter(tmp_path / "behind.gif", Fraction(10))
    start = Fraction(0)
    for level, length in ((0, Fraction(1, 2)), (100, Fraction(1, 10)), (200, Fraction(1))):
        picture = np.full((16, 16, 3), level, np.uint8)
        writer.write(picture, Frame(picture, Shown(start, length, "")))
        start += length
    writer.close()
    background = make_background(tmp_path / "behind.gif")
    assert background is not None
    seen = [round(int(np.asarray(background((16, 16), Fraction(t, 10)))[8, 8, 0]), -2) for t in range(18)]
    assert seen == [0] * 5 + [100] + [200] * 10 + [0] * 2


def test_a_video_from_a_pipe_and_from_an_address(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", moving_square(5), sound="aac")
    os.mkfifo(tmp_path / "pipe")
    thread = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(source.read_bytes()))
    thread.start()
    with VideoReader(tmp_path / "pipe") as video:
        assert video.sound is None  # nothing is read twice
        assert len(list(video)) == 5
    thread.join()
    with VideoReader(f"file://{source}") as video:
        assert len(list(video)) == 5
    with pytest.raises(UserError, match="not a video that FFmpeg can read"):
        VideoReader("nonsense://example.invalid/clip.mp4")


def test_a_title_in_another_encoding_is_passed_over(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "plain.mkv", moving_square(3))
    with av.open(str(source)) as given, av.open(str(tmp_path / "titled.mkv"), "w") as copy:
        copy.metadata["title"] = "Caf\u00e9"
        stream = copy.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                copy.mux(packet)
    data = (tmp_path / "titled.mkv").read_bytes()
    assert "Caf\u00e9".encode() in data
    (tmp_path / "titled.mkv").write_bytes(data.replace("Caf\u00e9".encode(), b"Caf\xe9!"))
    with VideoReader(tmp_path / "titled.mkv") as video:
        assert len(list(video)) == 3
    assert len(read_frames(str(tmp_path / "titled.mkv"), "titled", [0, 2])) == 2


@pytest.mark.parametrize("shorten", [lambda data: data[: len(data) * 2 // 3], lambda data: data[:-50]])
def test_a_cut_file_is_named_before_any_work(tmp_path: Path, shorten: Callable[[bytes], bytes]) -> None:
    for name, codec in (("a.avi", "mpeg4"), ("a.mkv", "mpeg4")):
        path = tagged_clip(tmp_path / name, moving_square(30), codec)
        path.write_bytes(shorten(path.read_bytes()))
        with pytest.raises(UserError, match=r"cut short|not a video"):
            VideoReader(path)


@pytest.mark.parametrize(
    "name", ["a:b.mkv", "file:a.mp4", "-lead.mov", "100%d.avi", "a b\u00fc\u65e5.webm", "x|y?#.mp4"]
)
def test_names_that_mean_something_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Relative ones, too: FFmpeg takes what stands before a colon for a protocol."""
    monkeypatch.chdir(tmp_path)
    source = write_clip(tmp_path / "in.mkv", moving_square(2), sound="aac")
    source.rename(tmp_path / f"in:{name}.mkv")
    _copy(Path(f"in:{name}.mkv"), Path(name))
    assert _first(Path(name)).shape == (48, 64, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((f"in:{name}.mkv", name))


def test_a_gif_whose_frames_have_no_times_is_named(tmp_path: Path) -> None:
    first, *others = (Image.fromarray(frame) for frame in moving_square(3))
    first.save(tmp_path / "plain.gif", save_all=True, append_images=others)
    with pytest.raises(
        UserError, match=r"plain\.gif: its frames have no times, and FFmpeg takes them for one; save it"
    ):
        VideoReader(tmp_path / "plain.gif")
    first.save(tmp_path / "timed.gif", save_all=True, append_images=others, duration=80)
    with VideoReader(tmp_path / "timed.gif") as video:
        assert [frame.time for frame in video.frames()] == [Fraction(2 * number, 25) for number in range(3)]
