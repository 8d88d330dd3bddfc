"""What clips become: every kind of output, faces in large frames, interrupted work, memory."""

import csv
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from clips import NTSC, moving_square, write_clip
from leaky_network import LeakyNetwork, leaky_alphas

from rvm_jax import matting
from rvm_jax.errors import UserError
from rvm_jax.matting.inputs import masks
from rvm_jax.matting.matter import Matter
from rvm_jax.matting.outputs import Outputs
from rvm_jax.matting.video import plan_video
from rvm_jax.media import live
from rvm_jax.media.backgrounds import make_background
from rvm_jax.media.face_tracks import read_faces
from rvm_jax.media.frame_folder import FrameFolder
from rvm_jax.media.frame_source import Frame, FrameSource
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import read_picture, write_picture
from rvm_jax.media.video_reader import VideoReader

FRAMES = moving_square(7)
ALPHAS = 255 * leaky_alphas(FRAMES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for t, frame in enumerate(FRAMES):
        write_picture(tmp_path / f"in/{t:03d}.png", frame)
    return tmp_path / "in"


def _matte(
    source: str | Path | FrameSource, out: Outputs, network: LeakyNetwork | Matter | None = None, **settings: Any
) -> matting.MattedVideo:
    settings = {"progress": False, "seq_chunk": 3} | settings
    return matting.matte_video(network or LeakyNetwork(foreground=True), source, outputs=out, **settings)


def _read(path: Path) -> np.ndarray:
    """Reads a picture with all its channels and bits, as OpenCV has it."""
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))


def _plate(what: str | Path, size: tuple[int, int]) -> np.ndarray:
    background = make_background(what)
    assert background is not None
    return np.asarray(background(size))


def _names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_folders_of_png_are_exact(folder: Path, tmp_path: Path) -> None:
    kinds = ("alpha", "foreground", "composition", "comparison")
    result = _matte(folder, {kind: tmp_path / f"{{stem}}_{kind}" for kind in kinds}, background="blue")
    assert result.frames == 7
    assert [path.name for _, path in result.outputs] == [f"in_{kind}" for kind in kinds]
    for t, (src, alpha) in enumerate(zip(FRAMES, ALPHAS, strict=True)):
        seen = read_mask(tmp_path / f"in_alpha/{t:03d}.png", rescale=False)
        assert np.abs(seen - alpha[..., 0]).max() <= 0.51
        assert (read_picture(tmp_path / f"in_foreground/{t:03d}.png") == 255 - src).all()
        blend = (255 - src) * (alpha / 255) + np.array((0, 0, 255)) * (1 - alpha / 255)
        composition = read_picture(tmp_path / f"in_composition/{t:03d}.png")
        assert np.abs(composition - blend).max() <= 1.6
        left, middle, right = np.split(read_picture(tmp_path / f"in_comparison/{t:03d}.png"), 3, axis=1)
        assert (left == src).all()
        assert (middle == seen[..., None]).all()
        assert (right == composition).all()


def test_sixteen_bits_and_straight_rgba(folder: Path, tmp_path: Path) -> None:
    out = {"alpha": tmp_path / "deep", "composition": tmp_path / "cut"}
    _matte(folder, out, background="transparent", alpha_bits=16)
    deep = _read(tmp_path / "deep/004.png")
    assert deep.dtype == np.uint16
    assert np.abs(deep - ALPHAS[4, ..., 0] * 257).max() <= 1
    cut = _read(tmp_path / "cut/004.png")
    assert cut.shape == (48, 64, 4)
    assert (cut[..., 3] == deep).all()
    assert (cut[..., 2::-1] == (255 - FRAMES[4]) * np.uint16(257)).all()


def test_every_form_of_video_at_once(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "walk.mp4", FRAMES, sound="aac")
    names = ("a.mp4", "a.mov", "a.webm", "a.mkv")
    out = {"alpha": [tmp_path / name for name in names]}
    out["comparison"] = [tmp_path / "c.mp4", tmp_path / "c.gif", tmp_path / "c.png"]
    _matte(source, out)
    for name in (*names, "c.mp4", "c.gif"):
        with VideoReader(tmp_path / name) as video:
            frames = np.stack(list(video))
            assert len(frames) == 7
            if not name.startswith("c"):
                assert video.rate == NTSC
                assert video.sound is not None
                assert np.abs(frames - ALPHAS).mean() < 4
            assert frames.shape[2] == (192 if name.startswith("c") else 64)
    assert read_picture(tmp_path / "c.png").shape[1] > 192


def test_two_networks_stand_below_each_other(folder: Path, tmp_path: Path) -> None:
    other = LeakyNetwork()
    other.share[...] = np.float32(0.25)
    _matte(folder, {"comparison": tmp_path / "both"}, compare_with=(other,))
    picture = read_picture(tmp_path / "both/000.png").astype(int)
    assert picture.shape == (96, 192, 3)
    assert np.abs(picture[20:40, 64:128] - 2 * picture[68:88, 64:128]).max() <= 2


def test_hidden_share_of_masked_faces(folder: Path, tmp_path: Path) -> None:
    mask = np.zeros((48, 64), np.uint8)
    mask[10:30, 20:50] = 255
    write_picture(tmp_path / "mask.png", mask)
    out = {"occluder": tmp_path / "hidden", "occlusion": tmp_path / "share.csv"}
    with pytest.raises(UserError, match="say where the whole face is"):
        _matte(folder, out)
    _matte(folder, out, face_mask=tmp_path / "mask.png")
    rows = list(csv.DictReader((tmp_path / "share.csv").read_text().splitlines()))
    assert [row["frame"] for row in rows] == [f"{t:03d}" for t in range(7)]
    for t, row in enumerate(rows):
        assert float(row["face_pixels"]) == 600
        expected = 1 - ALPHAS[t, 10:30, 20:50].mean() / 255
        assert float(row["occluded_fraction"]) == pytest.approx(expected, abs=0.003)
        hidden = read_mask(tmp_path / f"hidden/{t:03d}.png", rescale=False)
        assert np.abs(hidden - mask / 255 * (255 - ALPHAS[t, ..., 0])).max() <= 1.1
    write_picture(tmp_path / "small.png", mask[:40])
    with pytest.raises(UserError, match=r"small\.png: mask 0 has 64x40 pixels, the frames 64x48"):
        _matte(folder, {"occluder": tmp_path / "x"}, face_mask=tmp_path / "small.png")
    few = masks(folder, (48, 64), None)
    with pytest.raises(UserError, match="fewer masks"):
        list(few)


def test_faces_are_cut_out_matted_apart_and_put_back(tmp_path: Path) -> None:
    frames = np.zeros((6, 120, 200, 3), np.uint8)
    frames[:, 40:80, 30:70] = 200
    frames[3:, 40:80, 130:170] = 100
    for t, frame in enumerate(frames):
        write_picture(tmp_path / f"in/{t}.png", frame)
    lines = ["frame,face,x,y,width,height"]
    lines += [f"{t},a,30,40,40,40" for t in range(6)] + [f"{t},b,130,40,40,40" for t in range(3, 6)]
    (tmp_path / "faces.csv").write_text("\n".join(lines))
    out = {"alpha": tmp_path / "alpha", "occlusion": tmp_path / "share.csv"}
    faces = read_faces(tmp_path / "faces.csv")
    _matte(tmp_path / "in", out, LeakyNetwork(), faces=faces, face_side=64, seq_chunk=2)
    alphas = np.stack([read_mask(tmp_path / f"alpha/{t}.png", rescale=False) for t in range(6)]).astype(int)
    for t in range(6):
        assert abs(alphas[t, 55, 50] - 200 * (1 - 0.5 ** (t + 1))) <= 2
        later = max(0, t - 2)  # the second face begins with a state of its own
        assert abs(alphas[t, 55, 150] - 100 * (1 - 0.5**later)) <= 2
    assert alphas[:, :5].max() == 0
    rows = list(csv.DictReader((tmp_path / "share.csv").read_text().splitlines()))
    assert [(row["frame"], row["face"]) for row in rows] == [
        (str(t), face) for t in range(6) for face in ("a", "b") if face == "a" or t >= 3
    ]


def test_broken_frames_are_bridged_and_named(folder: Path, tmp_path: Path) -> None:
    (folder / "000.png").write_text("no picture")
    (folder / "004.png").write_bytes((folder / "004.png").read_bytes()[:200])
    result = _matte(folder, {"alpha": tmp_path / "out"})
    assert (result.frames, result.bridged) == (7, [0, 4])
    seen = np.stack([read_mask(tmp_path / f"out/{t:03d}.png", rescale=False) for t in range(7)])
    expected = 255 * leaky_alphas(FRAMES[[1, 1, 2, 3, 3, 5, 6]])[..., 0]
    assert np.abs(seen - expected).max() <= 0.51
    with pytest.raises(UserError, match=r"000\.png: not a picture"):
        _matte(folder, {"alpha": tmp_path / "strict"}, bridge=False)


class _Stopping(FrameFolder):
    """A folder during whose matting the user presses Ctrl-C."""

    def frames(self) -> Iterator[Frame]:
        for number, frame in enumerate(super().frames()):
            if number == 5:
                raise KeyboardInterrupt
            yield frame


def test_interrupted_work_resumes_with_its_state(folder: Path, tmp_path: Path) -> None:
    network, out = LeakyNetwork(), {"alpha": tmp_path / "out"}
    with pytest.raises(KeyboardInterrupt):
        _matte(_Stopping(folder), out, network, seq_chunk=2)
    assert not (tmp_path / "out").exists()
    done = _names(tmp_path / ".out.partial")
    assert done == ["000.png", "001.png"] or done == [f"{t:03d}.png" for t in range(4)]
    (tmp_path / ".out.partial/000.png").write_bytes(b"mine")  # it is not written again
    assert _matte(FrameFolder(folder), out, network, seq_chunk=2).frames == 7
    assert (tmp_path / "out/000.png").read_bytes() == b"mine"
    for t in range(1, 7):
        seen = read_mask(tmp_path / f"out/{t:03d}.png", rescale=False)
        assert np.abs(seen - ALPHAS[t, ..., 0]).max() <= 0.51
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_other_settings_do_not_resume(folder: Path, tmp_path: Path) -> None:
    network, out = LeakyNetwork(), {"alpha": tmp_path / "out"}
    with pytest.raises(KeyboardInterrupt):
        _matte(_Stopping(folder), out, network, seq_chunk=2)
    (tmp_path / ".out.partial/000.png").write_bytes(b"stale")
    _matte(FrameFolder(folder), out, network, downsample_ratio=0.5)
    assert (tmp_path / "out/000.png").read_bytes() != b"stale"


def test_other_weights_of_the_same_network_do_not_resume(folder: Path, tmp_path: Path) -> None:
    """In memory there is no file whose time would tell them apart."""
    out, other = {"alpha": tmp_path / "out"}, LeakyNetwork()
    other.share[...] = np.float32(0.25)
    for matter in (lambda network: network, Matter):
        with pytest.raises(KeyboardInterrupt):
            _matte(_Stopping(folder), out, matter(LeakyNetwork()), seq_chunk=2)
        with pytest.raises(KeyboardInterrupt):
            _matte(_Stopping(folder), out, matter(other), seq_chunk=2)
        seen = read_mask(tmp_path / ".out.partial/000.png", rescale=False)
        assert np.abs(seen - FRAMES[0].mean(-1) / 4).max() <= 0.51


def test_interrupted_pictures_and_clips_resume(tmp_path: Path) -> None:
    for t, frame in enumerate(FRAMES):
        write_picture(tmp_path / f"in/cups/img/clip/{t:03d}.png", frame)
        write_picture(tmp_path / f"in/hats/img/{t}.png", frame)
    network = LeakyNetwork()

    calls: list[Path] = []

    def noting(path: Path, picture: np.ndarray) -> None:
        calls.append(path)
        write_picture(path, picture)

    def failing(path: Path, picture: np.ndarray) -> None:
        if path.name in ("005.png", "3.png") and path not in calls:
            calls.append(path)
            raise UserError(f"{path}: cannot be written (No space left on device)")
        noting(path, picture)

    def matte(write_file: Callable[[Path, np.ndarray], None]) -> list[Path]:
        out = tmp_path / "out"
        return matting.matte_pictures(network, tmp_path / "in", out, seq_chunk=2, progress=False, write_file=write_file)

    for _ in range(2):
        with pytest.raises(UserError, match="No space"):
            matte(failing)
    calls.clear()
    assert len(matte(noting)) == 14
    assert all(path.parent.name == "hats" for path in calls)  # the clip is done by now
    for t in range(7):
        seen = read_mask(tmp_path / f"out/cups/clip/{t:03d}.png", rescale=False)
        assert np.abs(seen - ALPHAS[t, ..., 0]).max() <= 0.51
    assert not [name for name in _names(tmp_path / "out") if "/." in name or name.startswith(".")]


def test_pictures_as_cutouts_and_by_pattern(folder: Path, tmp_path: Path) -> None:
    network = LeakyNetwork(foreground=True)
    written = matting.matte_pictures(
        network,
        f"{folder}/00[12].png",
        tmp_path / "cut",
        output_kind="composition",
        background="transparent",
        progress=False,
    )
    assert [path.name for path in written] == ["001.png", "002.png"]
    cut = _read(written[0])
    assert (cut[..., 2::-1] == 255 - FRAMES[1]).all()
    with pytest.raises(UserError, match="JPEG holds neither"):
        matting.matte_pictures(network, folder, tmp_path / "x", output_format="jpg", alpha_bits=16)


def test_backgrounds_cover_the_frame_and_videos_restart(tmp_path: Path) -> None:
    write_picture(tmp_path / "wide.png", np.full((10, 40, 3), 9, np.uint8))
    assert _plate(tmp_path / "wide.png", (30, 20)).shape == (30, 20, 3)
    clip = write_clip(tmp_path / "loop.mp4", moving_square(2))
    background = make_background(str(clip))
    assert background is not None
    plates = [background((48, 64)) for _ in range(5)]
    np.testing.assert_array_equal(plates[0], plates[2])
    assert make_background("transparent") is None
    assert tuple(_plate("#010203", (2, 2))) == (1, 2, 3)
    with pytest.raises(UserError, match="no such file"):
        make_background("absent.mp4")


def test_raw_frames_from_a_pipe() -> None:
    source = live.RawFrames(io.BytesIO(FRAMES.tobytes()), (48, 64), Fraction(10))
    assert [frame.time for frame in source.frames()] == [Fraction(t, 10) for t in range(7)]
    short = live.RawFrames(io.BytesIO(FRAMES.tobytes()[:-5]), (48, 64))
    with pytest.raises(UserError, match=r"frame 6 is cut short \(9211 of 9216 bytes\)"):
        list(short.frames())
    with pytest.raises(UserError, match="no frame came"):
        live.RawFrames(io.BytesIO(), (48, 64))


def test_webcam_until_it_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Camera:
        def __init__(self, index: int):
            self.left = 5 if index == 0 else 0

        def read(self) -> tuple[bool, np.ndarray]:
            self.left -= 1
            return self.left >= 0, FRAMES[0, ..., ::-1].copy()

        def get(self, what: int) -> float:
            return 30.0

        def release(self) -> None:
            pass

    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    shown = []

    def preview(picture: np.ndarray) -> bool:
        shown.append(picture.shape)
        return True

    result = _matte("webcam", {"alpha": tmp_path / "{stem}.mkv"}, preview=preview)
    assert result.outputs == [("alpha", tmp_path / "webcam.mkv")]
    assert result.frames == 4
    assert set(shown) == {(48, 192, 3)}
    _matte("webcam", {"alpha": tmp_path / "one.mkv"}, preview=lambda frame: False, seq_chunk=1)
    with VideoReader(tmp_path / "one.mkv") as video:
        assert len(list(video)) == 1
    with pytest.raises(UserError, match="webcam 1: no picture comes"):
        _matte("webcam:1", {"alpha": tmp_path / "x.mkv"})


def test_a_plan_says_all_and_does_nothing(folder: Path, tmp_path: Path) -> None:
    lines = plan_video(folder, tmp_path / "out", input_resize=(1080, 1920))
    assert "7 frames of 1920x1080 at 25 a second" in lines[0]
    assert "ratio 0.2667" in lines[1]
    assert "in_alpha.mp4: the alpha of the visible face (H.264 video, yuv420p)" in lines[2]
    assert not (tmp_path / "out").exists()


MEMORY = """
import resource, sys
sys.path[:0] = sys.argv[3:]
import numpy as np
from fractions import Fraction
from leaky_network import LeakyNetwork
from rvm_jax import matting
from rvm_jax.media.frame_source import Frame, Shown

class Clip:
    name, size, rate, damaged, sound, expected_frames = "clip", (128, 128), Fraction(30), [], None, None
    def frames(self):
        picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
        for number in range(int(sys.argv[1])):
            yield Frame(picture.copy(), Shown(number / self.rate, None, f"{number:05d}"))
    def close(self): pass

outputs = {"alpha": sys.argv[2] + ".mp4", "comparison": [sys.argv[2] + ".gif", sys.argv[2] + ".png"]}
matting.matte_video(LeakyNetwork(), Clip(), outputs=outputs, progress=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    tests = Path(__file__).resolve().parents[1]
    peaks = []
    for count in (200, 1000):
        command = [sys.executable, "-c", MEMORY, str(count), str(tmp_path / "out"), str(tests), str(tests.parent)]
        peaks.append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    # 800 frames would be 38 MB as they come in, 77 MB with what is made of them.
    assert peaks[1] - peaks[0] < 20
