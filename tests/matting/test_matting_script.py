"""Videos and folders matted on the disk, and what the command says to a mistake."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from leaky_network import LeakyNetwork, leaky_alphas

from rvm_jax import matting
from rvm_jax.errors import UserError
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import write_picture
from rvm_jax.media.video_reader import VideoReader
from rvm_jax.media.video_writer import VideoWriter

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "matte.py"
NTSC = Fraction(30000, 1001)
CLIP = np.random.default_rng(0).integers(0, 256, (5, 16, 24, 3), dtype=np.uint8)


def _video(path: Path, count: int = 7, height: int = 48, width: int = 64) -> Path:
    shade = np.linspace(20, 230, width, dtype=np.uint8)
    with VideoWriter(path, NTSC) as writer:
        for t in range(count):
            writer.write(np.broadcast_to(np.roll(shade, 5 * t)[None, :, None], (height, width, 3)))
    return path


def _names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("foreground", [False, True])
def test_video_becomes_alpha_and_comparison(tmp_path: Path, foreground: bool) -> None:
    source = _video(tmp_path / "walk.mp4")
    result = matting.matte_video(
        LeakyNetwork(foreground), source, tmp_path / "out", seq_chunk=3, background=(0, 0, 255), progress=False
    )
    alpha_path, comparison_path = tmp_path / "out/walk_alpha.mp4", tmp_path / "out/walk_comparison.mp4"
    assert result == ([("alpha", alpha_path), ("comparison", comparison_path)], 7, [])
    assert _names(tmp_path / "out") == ["walk_alpha.mp4", "walk_comparison.mp4"]
    with VideoReader(source) as video:
        src = np.stack(list(video)).astype(float)
    with VideoReader(alpha_path) as video:
        alpha = np.stack(list(video))
        assert video.rate == NTSC
    with VideoReader(comparison_path) as video:
        left, middle, right = np.split(np.stack(list(video)), 3, axis=2)
        assert video.rate == NTSC
    expected = 255 * leaky_alphas(src)
    assert alpha.shape == left.shape == src.shape
    for seen, wanted in (
        (alpha, expected),
        (left, src),
        (middle, expected),
        (right, expected / 255 * (255 - src if foreground else src) + (255 - expected) * (0, 0, 1)),
    ):
        assert np.abs(seen - wanted).mean() < 6  # the loss of the codec


def test_failure_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    source = _video(tmp_path / "walk.mp4")
    with pytest.raises(UserError, match="no such checkpoint"):
        matting.matte_video(tmp_path / "absent", source, tmp_path / "out", progress=False)
    (tmp_path / "out/walk_comparison.mp4").mkdir(parents=True)  # cannot be replaced by a file: closing fails
    with pytest.raises(UserError, match="walk_comparison"):
        matting.matte_video(LeakyNetwork(), source, tmp_path / "out", progress=False)
    assert [path for path in _names(tmp_path / "out") if "partial" in path] == []


def test_unrelated_pictures_of_mixed_sizes_start_from_zero_each(tmp_path: Path) -> None:
    pictures = {"b": CLIP[1], "a": CLIP[0], "c": CLIP[2, :9], "d": CLIP[3]}
    for name, picture in pictures.items():
        write_picture(tmp_path / f"in/{name}.png", picture)
    written = matting.matte_pictures(LeakyNetwork(), tmp_path / "in", tmp_path / "out", progress=False)
    assert written == [tmp_path / f"out/{name}.png" for name in "abcd"]
    for name, picture in pictures.items():
        expected = np.round(255 * leaky_alphas(picture[None])[0, ..., 0])
        assert np.abs(read_mask(tmp_path / f"out/{name}.png") - expected).max() <= 1


def test_sequence_carries_the_state_in_the_order_of_the_numbers(tmp_path: Path) -> None:
    for t, picture in enumerate(CLIP):
        write_picture(tmp_path / f"in/{t + 7}.png", picture)  # 7, 8, 9, 10, 11: not the order of the letters
    written = matting.matte_pictures(
        LeakyNetwork(), tmp_path / "in", tmp_path / "out", sequence=True, seq_chunk=2, progress=False
    )
    assert [path.stem for path in written] == ["7", "8", "9", "10", "11"]
    alphas = np.stack([read_mask(path) for path in written])
    assert np.abs(alphas - np.round(255 * leaky_alphas(CLIP)[..., 0])).max() <= 1


def test_tree_of_pictures_and_clips(tmp_path: Path) -> None:
    for t, picture in enumerate(CLIP[:3]):
        write_picture(tmp_path / f"in/hands/img/clip1/{t:05d}.png", picture)
        write_picture(tmp_path / f"in/hands/img/clip2/{t:05d}.png", picture)
    write_picture(tmp_path / "in/cups/img/mug.one.jpg", CLIP[0])
    write_picture(tmp_path / "in/cups/mask/mug.one.png", CLIP[0, ..., 0])
    write_picture(tmp_path / "in/hands/mask/clip1/00000.png", CLIP[0, ..., 0])
    matting.matte_pictures(LeakyNetwork(), tmp_path / "in", tmp_path / "out", output_format="jpg", progress=False)
    clips = [f"hands/{clip}/{t:05d}.jpg" for clip in ("clip1", "clip2") for t in range(3)]
    assert _names(tmp_path / "out") == ["cups/mug.one.jpg", *clips]

    written = matting.matte_pictures(LeakyNetwork(), tmp_path / "in/hands", tmp_path / "one", progress=False)
    assert written[0] == tmp_path / "one/hands/clip1/00000.png"
    alphas = np.stack([read_mask(path) for path in written])
    expected = np.round(255 * leaky_alphas(CLIP[:3])[..., 0])
    assert np.abs(alphas[:3] - expected).max() <= 1
    np.testing.assert_array_equal(alphas[3:], alphas[:3])  # each clip begins from a zero state


@pytest.mark.parametrize("sequence", [False, True])
def test_unreadable_pictures_are_named_after_the_others_are_matted(tmp_path: Path, sequence: bool) -> None:
    for t, picture in enumerate(CLIP):
        write_picture(tmp_path / f"in/{t}.png", picture)
    whole = (tmp_path / "in/1.png").read_bytes()
    (tmp_path / "in/1.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "in/3.png").write_text("no picture")
    with pytest.raises(UserError, match=r"2 of 5 pictures .*in/1\.png: .*cut short.*; .*in/3\.png: "):
        matting.matte_pictures(LeakyNetwork(), tmp_path / "in", tmp_path / "out", sequence=sequence, progress=False)
    assert _names(tmp_path / "out") == ["0.png", "2.png", "4.png"]
    seen = leaky_alphas(CLIP[[0, 2, 4]])[2] if sequence else leaky_alphas(CLIP[4:])[0]
    assert np.abs(read_mask(tmp_path / "out/4.png") - np.round(255 * seen[..., 0])).max() <= 1


def test_folders_that_cannot_be_matted_are_named(tmp_path: Path) -> None:
    def matte(source: str, out: str = "out", **options: Any) -> None:
        matting.matte_pictures(LeakyNetwork(), tmp_path / source, tmp_path / out, progress=False, **options)

    (tmp_path / "empty/cups/img").mkdir(parents=True)
    with pytest.raises(UserError, match=r"empty: holds no pictures; give .*<category>/img"):
        matte("empty")
    with pytest.raises(UserError, match="absent: no such file or folder"):
        matte("absent")
    write_picture(tmp_path / "in/a.png", CLIP[0])
    with pytest.raises(UserError, match=r"in/a\.png: its result would replace it"):
        matte("in", "in")
    with pytest.raises(UserError, match="output format 'gif'"):
        matte("in", output_format="gif")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file: cannot be written"):
        matte("in", "file")
    write_picture(tmp_path / "in/a.jpg", CLIP[0])
    with pytest.raises(UserError, match=r"in/a\.jpg and .*in/a\.png would both become .*out/a\.png"):
        matte("in")
    assert not (tmp_path / "out").exists()


def test_single_picture(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "face.jpg"), CLIP[0])
    assert matting.matte_pictures(
        LeakyNetwork(), tmp_path / "face.jpg", tmp_path / "out", sequence=True, progress=False
    ) == [tmp_path / "out/face.png"]


@pytest.mark.parametrize(
    ("source", "checkpoint", "background", "message"),
    [
        ("absent.mp4", "weights", "green", "absent.mp4: no such file"),
        ("notes.mp4", "weights", "green", "notes.mp4: not a video"),
        ("empty", "weights", "green", "empty: holds no pictures"),
        ("walk.mp4", "absent.pth", "green", "absent.pth: no such checkpoint"),
        ("walk.mp4", "weights", "gren", "'gren' is no colour"),
    ],
)
def test_command_says_a_mistake_in_one_sentence(
    tmp_path: Path, source: str, checkpoint: str, background: str, message: str
) -> None:
    _video(tmp_path / "walk.mp4")
    (tmp_path / "notes.mp4").write_text("no video " * 100)
    (tmp_path / "empty").mkdir()
    command = [
        sys.executable,
        str(SCRIPT),
        f"--input_source={tmp_path / source}",
        f"--checkpoint={tmp_path / checkpoint}",
    ]
    command += [f"--output_dir={tmp_path / 'out'}", f"--background={background}"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("error: ")
    assert message in run.stderr
    assert not (tmp_path / "out").exists() or _names(tmp_path / "out") == []
