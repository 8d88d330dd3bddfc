"""What people give to the matting: odd sizes, hidden faces, single pictures, folders of clips, many sizes."""

import csv
import os
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl import flags
from clips import moving_square, tagged_clip, write_clip
from flax import nnx
from leaky_network import LeakyNetwork
from PIL import Image, ImageCms

import rvm_jax
from rvm_jax import matte_pictures, matte_video
from rvm_jax.errors import UserError
from rvm_jax.matting import command
from rvm_jax.matting.matted import Matted
from rvm_jax.matting.matter import Matter
from rvm_jax.matting.occlusion import occluded_fraction
from rvm_jax.matting.options import PictureSettings
from rvm_jax.matting.picture_sizes import settle_padding
from rvm_jax.matting.weights import Weights, load_network
from rvm_jax.media.face_alignment import Pose, crop, face_ellipse, paste, pose_from_box, pose_from_landmarks
from rvm_jax.media.face_tracks import YuNetTracks, read_faces
from rvm_jax.media.frame_source import Frame
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import read_picture, write_picture
from rvm_jax.media.video_reader import VideoReader
from rvm_jax.media.video_writer import VideoWriter
from rvm_jax.networks.api import InputSpec, Matte, Network
from rvm_jax.networks.layers.arithmetic import global_mean
from rvm_jax.networks.layers.shown import only_shown
from rvm_jax.notices import Notice

FRAMES = moving_square(4)


def _matte(source: Path | str, outputs: dict[str, Path], **settings: Any) -> None:
    network = LeakyNetwork(foreground=settings.pop("foreground", False))
    matte_video(network, source, outputs=outputs, progress=False, **settings)


def _run(*arguments: str) -> None:
    """Runs the command on the leaky network, in this process."""

    def load(weights: Weights, preparation: str | None = None, /) -> Network | Matter:
        return cast(Network, LeakyNetwork()) if weights == "net" else load_network(weights, preparation)

    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    flags.FLAGS(["rvm-matte", "--noprogress", "--checkpoint=net", *arguments])
    command.main(["rvm-matte"], load=load)


@pytest.fixture(autouse=True)
def _flags() -> Iterator[None]:
    yield
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    flags.FLAGS.mark_as_parsed()  # grain asks for that


# Transparent results.


@pytest.mark.parametrize("bits", [8, 16])
def test_colours_under_no_alpha_are_black_unless_they_are_to_be_kept(tmp_path: Path, bits: int) -> None:
    frame = np.full((16, 16, 3), 90, np.uint8)
    frame[:, 8:] = 0  # of which the network makes an alpha of 0, and a foreground of 255
    write_picture(tmp_path / "in/0.png", frame)
    for keeps in (False, True):
        out = tmp_path / f"cut{keeps}"
        _matte(
            tmp_path / "in",
            {"composition": out},
            background="transparent",
            keep_hidden_colours=keeps,
            foreground=True,
            alpha_bits=bits,
        )
        cut = cv2.imread(str(out / "0.png"), cv2.IMREAD_UNCHANGED)
        assert cut is not None and cut[..., 3][:, 8:].max() == 0
        assert cut[:, 8:, :3].max() == ((2**bits - 1) if keeps else 0)
        assert (cut[:, :8, :3] == 165 * (1 if bits == 8 else 257)).all()


# Faces that are hidden.


def test_a_face_of_a_file_has_a_row_for_every_frame_while_it_is_hidden(tmp_path: Path) -> None:
    """Eleven frames at 60 a second are a fifth of one."""
    with VideoWriter(tmp_path / "clip.mkv", Fraction(60)) as writer:
        for number in range(31):
            frame = np.full((64, 64, 3), 255, np.uint8)
            if 10 <= number <= 20:
                frame[:] = 0  # the network sees nothing of it
            writer.write(frame)
    rows = [f"{n},16,16,24,24" for n in range(31) if not 10 <= n <= 20]
    (tmp_path / "faces.csv").write_text("\n".join(["frame,x,y,width,height", *rows]))
    faces = read_faces(tmp_path / "faces.csv")
    _matte(tmp_path / "clip.mkv", {"occlusion": tmp_path / "h.csv"}, faces=faces, face_side=32)
    with (tmp_path / "h.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [(int(row["frame"]), row["face"]) for row in table] == [(n, "0") for n in range(31)]
    hidden = [float(row["occluded_fraction"]) for row in table]
    assert min(hidden[16:21]) > 0.97  # what is left is the memory of the network
    assert max(hidden[6:10]) < 0.03
    faces.begin(60, Fraction(1))
    assert sorted(face for n in range(10, 21) for face in faces(n)) == ["0"] * 11
    short = read_faces(tmp_path / "faces.csv", gap=0.1)
    _matte(tmp_path / "clip.mkv", {"occlusion": tmp_path / "short.csv"}, faces=short, face_side=32)
    assert short(15) == {}
    with (tmp_path / "short.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [(int(row["frame"]), row["face"]) for row in table] == [(n, "0") for n in range(31)]
    gone = [(row["face_pixels"], row["occluded_fraction"]) for row in table[10:21]]
    assert gone == [("0.0", "")] * 11 and all(row["occluded_fraction"] for row in (*table[:10], *table[21:]))


class _Detector:
    """Answers as YuNet does: a face of 40 pixels at (x, y), or none."""

    def __init__(self) -> None:
        self.found: tuple[float, float] | None = None

    def setInputSize(self, size: tuple[int, int]) -> None:
        pass

    def detect(self, picture: np.ndarray) -> tuple[int, np.ndarray | None]:
        if self.found is None:
            return 1, None
        x, y = self.found
        landmarks = [x + 12, y + 15, x + 28, y + 15, x + 20, y + 22, x + 14, y + 30, x + 26, y + 30]
        return 1, np.array([[x, y, 40, 40, *landmarks, 0.9]], np.float32)


def test_a_detected_face_is_who_it_was_after_a_long_cover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detector = _Detector()
    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *arguments: detector)
    (tmp_path / "model.onnx").write_bytes(b"x")
    frame = np.zeros((100, 200, 3), np.uint8)
    for rate, covered, kept in ((60, 120, 120), (10, 60, 20)):
        tracks = YuNetTracks(tmp_path / "model.onnx", gap=2.0)
        tracks.begin(rate, Fraction(1))
        detector.found = (10, 10)
        assert list(tracks(0, frame)) == ["0"]
        detector.found = None
        seen = [list(tracks(n, frame)) for n in range(covered)]
        assert seen == [["0"]] * kept + [[]] * (covered - kept)
        detector.found = (35, 12)  # it has moved meanwhile, by more than its boxes would overlap
        assert list(tracks(0, frame)) == ["0"]
        detector.found = (140, 12)
        assert "1" in tracks(0, frame)  # somebody else


def test_faces_of_anamorphic_clips_are_cut_out_in_proportion() -> None:
    aspect = Fraction(2)
    shown = np.zeros((100, 200, 3), np.uint8)
    cv2.circle(shown, (120, 50), 20, (255, 255, 255), -1)
    frame = cv2.resize(shown, (100, 100), interpolation=cv2.INTER_AREA)
    pose = Pose(120, 50, 60, 0)
    square = crop(frame, pose, 60, aspect)
    direct = crop(shown, pose, 60)
    assert np.abs(square.astype(int) - direct).mean() < 6
    back = paste(square[..., 0], pose, (100, 100), aspect)
    assert np.abs(back.astype(int) - frame[..., 0]).mean() < 3
    region = face_ellipse(pose, (100, 100), aspect)
    assert np.nonzero(region)[1].mean() == pytest.approx(60, abs=1)


def test_boxes_count_the_pixels_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("frame,x,y,width,height\n0,10,10,20,40\n")
    tracks = read_faces(tmp_path / "f.csv")
    tracks.begin(25, Fraction(2))
    assert tracks(0)["0"] == pose_from_box(20, 10, 40, 40)


def test_an_anamorphic_clip_through_the_matting(tmp_path: Path) -> None:
    def setup(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    source = tagged_clip(tmp_path / "dv.mp4", FRAMES, setup=setup)
    outputs = {"alpha": tmp_path / "a.mov", "composition": tmp_path / "c.mp4"}
    _matte(source, outputs)
    for path in outputs.values():
        with VideoReader(path) as video:
            assert (video.size, video.pixel_aspect) == ((48, 64), Fraction(4, 3))
    _matte(source, {"alpha": tmp_path / "b.mp4"}, input_resize=(48, 84))
    with VideoReader(tmp_path / "b.mp4") as video:  # the picture's proportions stay
        assert float(video.pixel_aspect * Fraction(84, 48)) == pytest.approx(16 / 9, rel=0.02)
    _matte(source, {"comparison": tmp_path / "c.gif"})
    with VideoReader(tmp_path / "c.gif") as video:  # has square pixels alone
        assert video.size == (48, 256)


def test_a_free_face_counts_as_nearly_not_hidden_and_a_covered_one_as_hidden() -> None:
    """The landmarks are those that YuNet finds; the alpha is the true one of the visible face."""
    landmarks = np.array([(208.9, 180.3), (293.9, 189.1), (246.9, 231.2), (202.6, 262.9), (280.5, 270.7)])
    alpha = read_mask(ASTRONAUT / "mask/astronaut.png", rescale=False)
    region = face_ellipse(pose_from_landmarks(landmarks), (alpha.shape[0], alpha.shape[1]))
    frame = Frame(np.zeros((*alpha.shape, 3), np.uint8), None)
    for cover, least, most in ((0, 0.0, 0.03), (235, 0.4, 0.6), (512, 1.0, 1.0)):
        covered = alpha.copy()
        covered[:cover] = 0
        share = occluded_fraction(Matted(frame, covered[..., None], frame.rgb), region)
        assert share is not None and least <= share <= most


YUNET = Path(os.environ.get("RVM_YUNET", Path(__file__).parents[3] / "shared/models/face_detection_yunet_2023mar.onnx"))
CARPHONE = Path(__file__).parents[3] / "shared/samples/video/carphone.mp4"
ASTRONAUT = Path(__file__).parents[2] / "docs/samples/faces"


@pytest.mark.skipif(not YUNET.exists(), reason="the detector is not here; RVM_YUNET names it")
@pytest.mark.parametrize("width", [320, 640, 1920])
def test_the_documented_detector_finds_faces_at_every_size(width: int) -> None:
    face = read_picture(ASTRONAUT / "img/astronaut.jpg")
    scene = np.full((width * 9 // 16, width, 3), 60, np.uint8)
    side = scene.shape[0] * 2 // 3
    scene[10 : 10 + side, 20 : 20 + side] = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    (pose,) = YuNetTracks(YUNET)(0, scene).values()
    assert 20 < pose.x < 20 + side and 10 < pose.y < 10 + side
    assert 0.3 * side < pose.side < 1.5 * side


@pytest.mark.skipif(not (YUNET.exists() and CARPHONE.exists()), reason="the detector or the clip is not here")
@pytest.mark.parametrize("size", [None, (360, 440), (720, 880)])
def test_the_documented_command_follows_one_face(tmp_path: Path, size: tuple[int, int] | None) -> None:
    with VideoReader(CARPHONE) as video:
        frames = [frame for frame, _ in zip(video, range(12), strict=False)]
    with VideoWriter(tmp_path / "car.mkv", Fraction(30)) as writer:
        for frame in frames:
            writer.write(frame if size is None else cv2.resize(frame, size[::-1]))
    _run(
        f"--input_source={tmp_path / 'car.mkv'}",
        f"--face_model={YUNET}",
        "--face_side=64",
        f"--output_occlusion={tmp_path / 'h.csv'}",
    )
    with (tmp_path / "h.csv").open() as file:
        assert [(row["frame"], row["face"]) for row in csv.DictReader(file)] == [(f"{n:05d}", "0") for n in range(12)]


# Single pictures, folders, formats.


def test_a_single_picture_with_named_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "photo[1].jpg"):
        Image.fromarray(FRAMES[0]).save(name, quality=95)
        stem = Path(name).stem
        _run(f"--input_source={name}", f"--output_alpha={stem}_a.png", "--output_alpha=folder_{stem}")
        alpha = read_mask(f"{stem}_a.png", rescale=False)
        np.testing.assert_array_equal(alpha, read_mask(f"folder_{stem}/{stem}.png", rescale=False))
        assert np.abs(alpha - FRAMES[0].mean(-1) / 2).max() < 12
        _run(f"--input_source={name}", f"--output_comparison={stem}_c.png", f"--output_composition={stem}.webp")
        assert read_picture(f"{stem}_c.png").shape == (48, 192, 3)
        assert read_picture(f"{stem}.webp").shape == (48, 64, 3)
    _run("--input_source=photo.jpg", "--output_composition=cut.png", "--background=transparent")
    cut = cv2.imread("cut.png", cv2.IMREAD_UNCHANGED)
    assert cut is not None and cut.shape == (48, 64, 4)
    with pytest.raises(UserError, match=r"cut\.jpg: '\.jpg' holds no transparency; name it \.png"):
        _run("--input_source=photo.jpg", "--output_composition=cut.jpg", "--background=transparent")
    write_clip(Path("clip.mp4"), FRAMES)
    with pytest.raises(UserError, match=r"a\.png: is one picture, but the alpha of a clip are many"):
        _run("--input_source=clip.mp4", "--output_alpha=a.png")
    with pytest.raises(UserError, match=r"absent\.jpg: no such file"):
        _run("--input_source=absent.jpg", "--output_alpha=a.png")


def test_a_folder_of_clips_is_matted_clip_by_clip(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mkv"):
        write_clip(tmp_path / "clips" / name, FRAMES) if (tmp_path / "clips").exists() else None
    (tmp_path / "clips").mkdir()
    for name in ("a.mp4", "b.mkv"):
        write_clip(tmp_path / "clips" / name, FRAMES)
    _run(f"--input_source={tmp_path / 'clips'}", f"--output_dir={tmp_path / 'out'}")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"{stem}_{kind}.mp4" for stem in "ab" for kind in ("alpha", "comparison")
    ]


def test_files_that_are_left_out_are_said(tmp_path: Path) -> None:
    write_picture(tmp_path / "in/a.jpg", FRAMES[0])
    Image.fromarray(FRAMES[0]).save(tmp_path / "in/b.jfif", "JPEG")
    (tmp_path / "in/c.dng").touch()
    (tmp_path / "in/notes.txt").touch()
    said = r"in: 2 files left out \(c\.dng, notes\.txt\); one is a camera's raw picture"
    with pytest.warns(Notice, match=said):
        written = matte_pictures(LeakyNetwork(), tmp_path / "in", tmp_path / "out", progress=False)
    assert [path.name for path in written] == ["a.png", "b.png"]
    with pytest.warns(Notice, match=said):
        _matte(tmp_path / "in", {"alpha": tmp_path / "clip"})


def test_a_tiled_avif_is_read_whole(tmp_path: Path) -> None:
    Image.fromarray(cv2.resize(FRAMES[0], (640, 480))).save(tmp_path / "a.avif", quality=90)
    (alpha,) = matte_pictures(LeakyNetwork(), tmp_path / "a.avif", tmp_path / "out", progress=False)
    assert read_mask(alpha, rescale=False).shape == (480, 640)
    (tmp_path / "b.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    if ".heic" not in rvm_jax.media.pictures.PICTURE_SUFFIXES:
        with pytest.raises(UserError, match=r"b\.heic: is HEIC; `pip install pillow-heif`"):
            _matte(tmp_path / "b.heic", {"alpha": tmp_path / "x.mp4"})


def test_a_pictures_profile_is_kept_by_what_shows_its_colours(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    (tmp_path / "in").mkdir()
    Image.fromarray(FRAMES[0]).save(tmp_path / "in/a.jpg", icc_profile=profile)
    for kind, form, kept in (("composition", "jpg", True), ("foreground", "png", True), ("alpha", "png", False)):
        (path,) = matte_pictures(
            LeakyNetwork(),
            tmp_path / "in",
            tmp_path / kind,
            output_kind=kind,
            output_format=form,
            progress=False,
        )
        with Image.open(path) as picture:
            assert (picture.info.get("icc_profile") == profile) is kept
    _matte(tmp_path / "in", {"composition": tmp_path / "clip"})
    _matte(tmp_path / "in/a.jpg", {"composition": tmp_path / "one.png"})
    for path in (tmp_path / "clip/a.png", tmp_path / "one.png"):
        with Image.open(path) as picture:
            assert picture.info.get("icc_profile") == profile


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_own_alphas_of_odd_sizes_are_masks(tmp_path: Path, suffix: str) -> None:
    source = tagged_clip(tmp_path / "odd.mkv", moving_square(3, 33, 47), "ffv1", pixels="bgr0")
    _matte(source, {"alpha": tmp_path / f"a{suffix}"})
    with VideoReader(tmp_path / f"a{suffix}") as video:
        assert video.size == (34, 48)
    for resize in (None, (24, 30)):
        out = tmp_path / f"h{resize is None}.csv"
        _matte(source, {"occlusion": out}, face_mask=tmp_path / f"a{suffix}", input_resize=resize)
        assert len(out.read_text().splitlines()) == 4
    with pytest.raises(UserError, match="mask 0 has 48x34 pixels, the frames 64x48"):
        write_clip(tmp_path / "even.mp4", FRAMES[:3])
        _matte(tmp_path / "even.mp4", {"occlusion": tmp_path / "x.csv"}, face_mask=tmp_path / f"a{suffix}")


def test_a_clip_from_a_pipe(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", FRAMES, sound="aac")
    os.mkfifo(tmp_path / "pipe")
    thread = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(source.read_bytes()))
    thread.start()
    _matte(tmp_path / "pipe", {"alpha": tmp_path / "a.mkv"})
    thread.join()
    with VideoReader(tmp_path / "a.mkv") as video:
        assert len(list(video)) == 4


def test_a_background_video_keeps_its_times_in_a_composition(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "behind.mkv", Fraction(10)) as writer:
        for number in range(4):
            writer.write(np.full((16, 16, 3), 60 * number, np.uint8))
    with VideoWriter(tmp_path / "black.mkv", Fraction(30)) as writer:
        for _ in range(15):
            writer.write(np.zeros((16, 16, 3), np.uint8))
    _matte(tmp_path / "black.mkv", {"composition": tmp_path / "c.mkv"}, background=tmp_path / "behind.mkv")
    with VideoReader(tmp_path / "c.mkv") as video:
        assert [int(frame[8, 8, 0]) for frame in video] == [60 * (t // 3 % 4) for t in range(15)]


# Pictures of many sizes.


class _Mean(nnx.Module):
    """Its alpha is the mean of the whole picture."""

    name, inputs, foreground = "mean", InputSpec(state=True), False

    def __call__(self, src: jax.Array, rec: Any = None, downsample_ratio: float = 1.0) -> Matte:
        means = global_mean(src.reshape(-1, *src.shape[-3:])).mean(-1, keepdims=True)
        pha = jnp.broadcast_to(means.reshape(*src.shape[:2], 1, 1, 1), (*src.shape[:4], 1))
        return Matte(None, pha, (jnp.zeros((src.shape[0], 1, 1, 1)),))


def test_averages_leave_out_what_is_padded() -> None:
    x = jnp.asarray(np.random.default_rng(0).random((2, 12, 10, 3), np.float32))
    with only_shown(jnp.array([0.25, 0.75, 0.0, 0.5])):
        np.testing.assert_allclose(global_mean(x), x[:, 3:9, :5].mean((1, 2), keepdims=True), rtol=1e-5)
    with only_shown(jnp.array([0.0, 1.0, 0.0, 1.0])):
        np.testing.assert_allclose(global_mean(x), x.mean((1, 2), keepdims=True), rtol=1e-5)
    np.testing.assert_array_equal(global_mean(x), x.mean((1, 2), keepdims=True))
    frame = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    frame[:, 40:] = 255  # what lies at the edge would weigh most
    exact = np.asarray(Matter(_Mean())(frame).pha)
    np.testing.assert_allclose(Matter(_Mean(), pad_to=64)(frame).pha, exact, rtol=1e-4)


def test_pictures_of_many_sizes_are_padded_with_a_word(tmp_path: Path) -> None:
    for number in range(5):
        write_picture(tmp_path / f"in/{number}.png", moving_square(1, 40 + number, 50)[0])
    settings = PictureSettings()
    paths = sorted((tmp_path / "in").iterdir())
    assert settle_padding(settings, paths[:3]).pad_to == 1
    assert settle_padding(PictureSettings(pad_to=7), paths).pad_to == 7
    with pytest.warns(Notice, match=r"in: pictures of 4 sizes or more are padded to multiples of 64"):
        assert settle_padding(settings, paths).pad_to == 64
    with pytest.warns(Notice, match="multiples of 64"):
        written = matte_pictures(LeakyNetwork(), tmp_path / "in", tmp_path / "out", progress=False)
    for path, source in zip(written, paths, strict=True):  # a network that sees single pixels
        assert np.abs(read_mask(path, rescale=False) - read_picture(source).mean(-1) / 2).max() <= 1
