"""Every video format read back by PyAV: pixel format, alpha, count, times, sound; and damaged files."""

from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from clips import NTSC, moving_square, write_clip

from rvm_jax.errors import UserError
from rvm_jax.media import video_formats
from rvm_jax.media.frame_source import Frame, Shown
from rvm_jax.media.gif_writer import GifWriter
from rvm_jax.media.picture_writers import ContactSheetWriter, PictureFolderWriter
from rvm_jax.media.pictures import read_picture
from rvm_jax.media.video_reader import VideoReader
from rvm_jax.media.video_writer import VideoWriter


def _rgba(count: int = 4, height: int = 48, width: int = 64) -> np.ndarray:
    alpha = np.broadcast_to(np.linspace(0, 255, width, dtype=np.uint8)[None, None, :, None], (count, height, width, 1))
    return np.concatenate([moving_square(count, height, width), alpha], axis=-1)


def _shown(picture: np.ndarray, time: Fraction, number: int) -> Frame:
    return Frame(picture, Shown(time, None, f"{number:05d}"))


def _decode(path: Path, pixels: str, decoder: str | None = None) -> np.ndarray:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if decoder is None:
            return np.stack([frame.to_ndarray(format=pixels) for frame in container.decode(stream)])
        codec = cast(av.VideoCodecContext, av.CodecContext.create(decoder, "r"))
        codec.extradata = stream.codec_context.extradata
        frames = [
            frame for packet in container.demux(stream) for frame in codec.decode(packet if packet.size else None)
        ]
        assert {frame.format.name for frame in frames} == {"yuva420p"}
        return np.stack([frame.to_ndarray(format=pixels) for frame in frames])


@pytest.mark.parametrize(
    ("name", "pixels", "decoder", "tolerance"),
    [
        ("cut.mov", "yuva444p12le", None, 2),
        ("cut.webm", None, "libvpx-vp9", 4),
        ("cut.mkv", "bgra", None, 0),
    ],
)
def test_transparency_is_straight_and_read_back(
    tmp_path: Path, name: str, pixels: str | None, decoder: str | None, tolerance: int
) -> None:
    frames = _rgba()
    with VideoWriter(tmp_path / name, NTSC) as writer:
        for frame in frames:
            writer.write(frame)
    if pixels:
        with av.open(str(tmp_path / name)) as container:
            assert container.streams.video[0].pix_fmt == pixels
    back = _decode(tmp_path / name, "rgba", decoder).astype(int)
    assert back.shape == frames.shape
    assert np.abs(back[..., 3] - frames[..., 3]).max() <= tolerance
    colours = np.abs(back[..., :3] - frames[..., :3])
    assert colours.mean() < 4  # also where alpha is 0: nothing is multiplied by it


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)
    alpha = np.broadcast_to(ramp[None, :, None], (48, 64, 1))
    for name, tolerance in (("deep.mkv", 0), ("deep.mov", 400)):  # lossless, and ten bits with a little loss
        with VideoWriter(tmp_path / name, NTSC) as writer:
            writer.write(alpha)
        assert np.abs(_decode(tmp_path / name, "gray16le")[0].astype(int) - alpha[..., 0]).max() <= tolerance
    rgba = np.concatenate([np.repeat(alpha, 3, axis=2), alpha[:, ::-1]], axis=-1)
    with VideoWriter(tmp_path / "cut.mkv", NTSC) as writer:
        writer.write(rgba)
    np.testing.assert_array_equal(_decode(tmp_path / "cut.mkv", "rgba64le")[0], rgba)


def test_what_a_codec_cannot_hold_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"H\.264 cannot hold transparency; name the file \.mov"),
        VideoWriter(tmp_path / "cut.mp4", NTSC) as writer,
    ):
        writer.write(_rgba(1)[0])
    assert list(tmp_path.iterdir()) == []


def test_a_build_without_a_codec_names_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av, "codecs_available", {"mpeg4", "ffv1"})
    assert video_formats.choose_codec(tmp_path / "clip.mp4") == "mpeg4"
    with pytest.raises(UserError, match=r"has not the codec 'prores_ks'; at hand: mpeg4 .*, ffv1"):
        VideoWriter(tmp_path / "clip.mov", NTSC)


@pytest.mark.parametrize(
    ("codec", "name", "expected"),
    [("aac", "a.mp4", "aac"), ("aac", "a.mov", "aac"), ("aac", "a.mkv", "aac"), ("aac", "a.webm", "opus")],
)
def test_sound_is_copied_in_step(tmp_path: Path, codec: str, name: str, expected: str) -> None:
    source = write_clip(tmp_path / "in.mp4", moving_square(30), sound=codec)
    with VideoReader(source) as video, VideoWriter(tmp_path / name, video.rate, sound=video.sound) as writer:
        for frame in video.frames():
            writer.write(frame.rgb, frame)
    with av.open(str(tmp_path / name)) as container:
        assert container.streams.audio[0].codec_context.name == expected
        sound = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)]).astype(float)
        assert 0.9 < len(sound) / 48000 < 1.15
        assert sound.std() > 0
        assert container.duration is not None
        assert container.duration / av.time_base == pytest.approx(1.0, abs=0.1)
    with av.open(str(tmp_path / name)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 30


def test_times_of_a_variable_rate_are_kept(tmp_path: Path) -> None:
    times = [0, 40, 50, 200, 210, 400, 433, 500]
    source = write_clip(tmp_path / "in.mkv", moving_square(8), times=times, rate=Fraction(25))
    for name in ("out.mp4", "out.mkv", "out.mov", "out.webm"):
        with VideoReader(source) as video, VideoWriter(tmp_path / name, video.rate) as writer:
            for frame in video.frames():
                writer.write(frame.rgb, frame)
        with VideoReader(tmp_path / name) as video:
            assert [round(1000 * frame.time) for frame in video.frames()] == pytest.approx(times, abs=1)


def test_a_constant_rate_stays_exact_through_matroska_milliseconds(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", moving_square(30))
    with VideoReader(source) as video, VideoWriter(tmp_path / "out.mp4", video.rate) as writer:
        for frame in video.frames():
            writer.write(frame.rgb, frame)
    with VideoReader(tmp_path / "out.mp4") as video:
        assert video.rate == NTSC
        assert [frame.time for frame in video.frames()] == [t / NTSC for t in range(30)]


def test_ten_bits_and_a_second_stream_are_read(tmp_path: Path) -> None:
    frames = moving_square(3)
    with av.open(str(tmp_path / "deep.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv444p10le"
        for rgb in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb)))
        container.mux(stream.encode(None))
    with VideoReader(tmp_path / "deep.mkv") as video:
        assert np.abs(next(iter(video)).astype(int) - frames[0]).mean() < 3
    two = write_clip(tmp_path / "two.mkv", frames, streams=2)
    with VideoReader(two, stream=1) as video:
        assert np.abs(next(iter(video)).astype(int) - (255 - frames[0])).mean() < 5
    with pytest.raises(UserError, match=r"two\.mkv: holds 2 video streams"):
        VideoReader(two, stream=2)


def test_a_broken_frame_is_bridged_and_counted(tmp_path: Path) -> None:
    frames = moving_square(12)
    path = tmp_path / "clip.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "rgb24"
        for t, rgb in enumerate(frames):
            for packet in stream.encode(av.VideoFrame.from_ndarray(rgb)):
                if t in (0, 5, 6):
                    broken = av.Packet(b"no picture at all")
                    broken.pts, broken.dts, broken.time_base = packet.pts, packet.dts, packet.time_base
                    broken.stream = stream
                    packet = broken
                container.mux(packet)
        container.mux(stream.encode(None))
    with pytest.raises(UserError, match=r"clip\.mov: damaged at frame 0"), VideoReader(path) as video:
        list(video)
    with VideoReader(path, bridge=True) as video:
        back = list(video.frames())
        assert video.damaged == [0, 5, 6]
    assert [round(frame.time * 25) for frame in back] == list(range(12))
    np.testing.assert_array_equal([frame.rgb for frame in back], frames[[1, 1, 2, 3, 4, 4, 4, 7, 8, 9, 10, 11]])


@pytest.mark.parametrize("name", ["cut.avi", "cut.mkv", "cut.mp4"])
def test_a_video_that_is_cut_short_is_named(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path / name, moving_square(100), codec="mpeg4", options={"movflags": "faststart"})
    if name.endswith("mp4"):
        with (
            av.open(str(path)) as source,
            av.open(str(tmp_path / "fast.mp4"), "w", options={"movflags": "faststart"}) as copy,
        ):
            stream = copy.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    copy.mux(packet)
        path = tmp_path / "fast.mp4"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    for bridge in (False, True):
        with pytest.raises(UserError, match=r"cut short|damaged at frame"):  # noqa: SIM117
            with VideoReader(path, bridge=bridge) as video:
                list(video)


def test_gif_keeps_count_and_colours(tmp_path: Path) -> None:
    frames = moving_square(5)
    writer = GifWriter(tmp_path / "walk.gif", Fraction(10))
    for t, frame in enumerate(frames):
        writer.write(frame, _shown(frame, Fraction(t, 10), t))
    writer.close()
    with VideoReader(tmp_path / "walk.gif") as video:
        back = np.stack(list(video))
        assert video.rate == 10
    assert back.shape == frames.shape
    assert np.abs(back.astype(int) - frames).mean() < 12
    assert [p.name for p in tmp_path.iterdir()] == ["walk.gif"]


def test_contact_sheet_spreads_over_any_length(tmp_path: Path) -> None:
    for count in (1, 5, 100):
        writer = ContactSheetWriter(tmp_path / "sheet.png")
        for t in range(count):
            frame = np.full((20, 30, 3), 2 * t, np.uint8)
            writer.write(frame, _shown(frame, Fraction(t), t))
        writer.close()
        sheet = read_picture(tmp_path / "sheet.png")
        levels = np.unique(sheet[sheet < 255])
        assert len(levels) == min(count, 12)
        assert levels[0] == 0
        assert levels[-1] >= 2 * (count - 1) * 0.85


def test_a_folder_of_frames_has_its_name_when_it_is_complete(tmp_path: Path) -> None:
    writer = PictureFolderWriter(tmp_path / "frames")
    frame = np.zeros((4, 4, 1), np.uint8)
    writer.write(frame, _shown(frame, Fraction(0), 0))
    assert not (tmp_path / "frames").exists()
    writer.close()
    assert [p.name for p in tmp_path.iterdir()] == ["frames"]
    with pytest.raises(UserError, match="frames: exists already"):
        PictureFolderWriter(tmp_path / "frames")
