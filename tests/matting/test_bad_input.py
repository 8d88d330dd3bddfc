"""Mistakes of all kinds end in one sentence that names the file, with nothing half written."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from absl import flags
from clips import moving_square, write_clip
from leaky_network import LeakyNetwork

from rvm_jax.errors import UserError
from rvm_jax.matting import command
from rvm_jax.matting.formats import FORMATS, Format
from rvm_jax.matting.matter import Matter
from rvm_jax.matting.weights import Weights, load_network
from rvm_jax.media.frame_source import Frame
from rvm_jax.media.pictures import write_picture
from rvm_jax.media.video_writer import VideoWriter
from rvm_jax.networks.api import Network


def _load(weights: Weights, preparation: str | None = None, /) -> Network | Matter:
    """Returns the leaky network for the path "net"."""
    return cast(Network, LeakyNetwork()) if weights == "net" else load_network(weights, preparation)


Run = Callable[..., None]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs the command's `main` in this process, in the test's folder, on the leaky network."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **injected: Any) -> None:
        flags.FLAGS.unparse_flags()
        for name in flags.FLAGS:
            flags.FLAGS[name].unparse()
        own = () if "checkpoint" in str(arguments) else ("--checkpoint=net",)
        flags.FLAGS(["rvm-matte", "--noprogress", *own, *arguments])
        command.main(["rvm-matte"], load=_load, **injected)

    yield run
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    flags.FLAGS.mark_as_parsed()  # grain asks for that


def _left(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def _sound(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))


CASES = {
    "truncated video": ("cut.mp4", ["--output_alpha=out/a.mp4"], r"cut\.mp4: not a video"),
    "truncated in the middle": ("half.avi", ["--output_alpha=out/a.mp4"], r"half\.avi: (cut short|damaged)"),
    "audio only": ("sound.wav", ["--output_alpha=out/a.mp4"], r"sound\.wav: holds no moving pictures, only audio"),
    "zero frames": ("none.y4m", ["--output_alpha=out/a.mp4"], r"none\.y4m"),
    "text as a video": ("notes.mp4", ["--output_alpha=out/a.mp4"], r"notes\.mp4: not a video"),
    "absent": ("absent.mp4", ["--output_alpha=out/a.mp4"], r"absent\.mp4: no such file"),
    "nothing matches": ("*.mxf", ["--output_dir=out"], r"\*\.mxf: matches no file"),
    "empty folder": ("empty", ["--output_dir=out"], "empty: holds no pictures"),
    "nothing to write": ("clip.mp4", [], "nothing to write; give output_dir"),
    "unknown suffix": ("clip.mp4", ["--output_alpha=out/a.xyz"], r"a\.xyz: unknown output '\.xyz'"),
    "unknown codec": ("clip.mp4", ["--output_alpha=out/a.mp4", "--output_codec=h266"], "not the codec 'h266'; at hand"),
    "codec of another container": (
        "clip.mp4",
        ["--output_alpha=out/a.webm", "--output_codec=prores_ks"],
        "cannot hold prores",
    ),
    "transparent mp4": (
        "clip.mp4",
        ["--output_composition=out/c.mp4", "--background=transparent"],
        "cannot hold transp",
    ),
    "absent network": (
        "clip.mp4",
        ["--output_alpha=out/a.mp4", "--checkpoint=absent.pth"],
        "absent.pth: no such checkp",
    ),
    "network that is none": ("clip.mp4", ["--output_alpha=out/a.mp4", "--checkpoint=notes.mp4"], r"notes\.mp4"),
    "absent face model": (
        "clip.mp4",
        ["--output_alpha=out/a.mp4", "--face_model=yunet.onnx"],
        r"yunet\.onnx: no such file",
    ),
    "face model that is none": (
        "clip.mp4",
        ["--output_alpha=out/a.mp4", "--face_model=notes.mp4"],
        "not a YuNet model",
    ),
    "face file that is none": (
        "clip.mp4",
        ["--output_alpha=out/a.mp4", "--face_file=notes.mp4"],
        "must name the columns",
    ),
    "two outputs of one name": (
        "clip.mp4",
        ["--output_alpha=out/a.mp4", "--output_foreground=out/a.mp4"],
        "two outputs",
    ),
    "output over a file": ("clip.mp4", ["--output_alpha=notes.mp4/a.mp4"], r"a\.mp4: cannot be written"),
    "folder that is full": ("clip.mp4", ["--output_alpha=faces"], "faces: exists already"),
    "colour that is none": ("clip.mp4", ["--output_alpha=out/a.mp4", "--background=gren"], "'gren' is no colour"),
    "size that is none": (
        "clip.mp4",
        ["--output_alpha=out/a.mp4", "--input_resize=big"],
        "--input_resize=big is no size",
    ),
    "ratio that is none": ("clip.mp4", ["--output_alpha=out/a.mp4", "--downsample_ratio=2"], "downsample_ratio is 2"),
    "bits that are none": (
        "clip.mp4",
        ["--output_alpha=out/a.mp4", "--alpha_bits=12"],
        "alpha_bits is 12; give 8 or 16",
    ),
    "raw frames of no size": ("-", ["--output_alpha=out/a.mp4"], "give input_size"),
    "no such stream": ("clip.mp4", ["--output_alpha=out/a.mp4", "--input_stream=3"], "holds 1 video streams"),
    "no face for the hidden share": ("clip.mp4", ["--output_occlusion=out/a.csv"], "say where the whole face is"),
    "share not as CSV": ("clip.mp4", ["--output_occlusion=out/a.txt"], r"name the file \.csv"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_ends_in_one_sentence(tmp_path: Path, run: Run, case: str) -> None:
    write_clip(tmp_path / "clip.mp4", moving_square(4))
    whole = (tmp_path / "clip.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    long = write_clip(tmp_path / "half.avi", moving_square(40), codec="mpeg4", options={})
    long.write_bytes(long.read_bytes()[:-2000])
    (tmp_path / "notes.mp4").write_text("no video " * 100)
    (tmp_path / "none.y4m").write_bytes(b"YUV4MPEG2 W64 H48 F30:1 C420\n")
    (tmp_path / "empty").mkdir()
    _sound(tmp_path / "sound.wav")
    write_picture(tmp_path / "faces/a.png", moving_square(1)[0])
    before = _left(tmp_path)
    source, arguments, message = CASES[case]
    with pytest.raises(UserError, match=message) as caught:
        run(f"--input_source={source}", *arguments)
    assert "\n" not in str(caught.value)
    assert _left(tmp_path) == before


@pytest.mark.parametrize("shape", [(1, 1, 3), (33, 47, 3), (20, 30), (20, 30, 4)], ids=["1x1", "odd", "grey", "alpha"])
def test_unusual_pictures_are_matted(tmp_path: Path, run: Run, shape: tuple[int, ...]) -> None:
    write_picture(tmp_path / "in/a.png", np.full(shape, 100, np.uint8))
    run("--input_source=in", "--output_dir=out")
    run("--input_source=in", "--output_alpha=a.mp4", "--output_comparison=c.webm", "--output_foreground=f.mov")
    assert _left(tmp_path) == ["a.mp4", "c.webm", "f.mov", "in/a.png", "out/a.png"]


class _FullDisk(VideoWriter):
    """A writer to a disk on which nothing fits."""

    def write(self, made: np.ndarray, frame: Frame | None = None) -> None:
        super().write(made, frame)
        raise UserError(f"{self.path}: cannot be written (No space left on device)")


def test_a_disk_that_is_full(tmp_path: Path, run: Run) -> None:
    write_clip(tmp_path / "clip.mp4", moving_square(4))
    formats = {**FORMATS, ".mp4": Format(_FullDisk, FORMATS[".mp4"].kinds)}
    with pytest.raises(UserError, match=r"out/a\.mp4: cannot be written \(No space left on device\)"):
        run("--input_source=clip.mp4", "--output_alpha=out/a.mp4", "--output_comparison=out/c.gif", formats=formats)
    assert _left(tmp_path) == ["clip.mp4"]


LIMITED = """
import resource, signal, sys
sys.path[:0] = sys.argv[1:3]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
from leaky_network import LeakyNetwork
from rvm_jax import matting
from rvm_jax.errors import UserError
try:
    matting.matte_video(LeakyNetwork(), "clip.mp4", outputs={sys.argv[3]: sys.argv[4]}, progress=False)
except UserError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.gif"])
def test_a_real_limit_of_the_file_system(tmp_path: Path, name: str) -> None:
    write_clip(tmp_path / "clip.mp4", np.random.default_rng(0).integers(0, 256, (8, 48, 64, 3), dtype=np.uint8))
    tests = Path(__file__).resolve().parents[1]
    kind = "comparison" if name.endswith("gif") else "foreground"
    arguments = [sys.executable, "-c", LIMITED, str(tests), str(tests.parent), kind, name]
    # JAX would leave cut entries in the compilation cache of all tests.
    environment = {key: value for key, value in os.environ.items() if key != "JAX_COMPILATION_CACHE_DIR"}
    ended = subprocess.run(arguments, capture_output=True, text=True, cwd=tmp_path, check=False, env=environment)
    assert f"{name}: cannot be written" in ended.stdout, ended.stderr
    assert ended.stdout.count("\n") == 1
    assert _left(tmp_path) == ["clip.mp4"]


def test_one_bad_clip_of_several_is_named_and_the_others_are_matted(tmp_path: Path, run: Run) -> None:
    for name in ("a.mp4", "c.mp4"):
        write_clip(tmp_path / name, moving_square(3))
    (tmp_path / "b.mp4").write_text("no video " * 100)
    with pytest.raises(UserError, match=r"1 of 3 clips failed, the others are matted: b\.mp4: not a video"):
        run("--input_source=*.mp4", "--output_alpha=out/{stem}.mkv")
    assert _left(tmp_path / "out") == ["a.mkv", "c.mkv"]


def test_guidance_at_the_command_line(tmp_path: Path, run: Run) -> None:
    write_clip(tmp_path / "clip.mp4", moving_square(3))
    write_picture(tmp_path / "in/a.png", moving_square(1)[0])
    for arguments, said in (
        (["--input_source=in", "--guidance=in", "--guidance_alpha=in"], "give one of --guidance, --guidance_alpha"),
        (["--input_source=in", "--guidance=masks"], "masks: no such file or folder"),
        (["--input_source=in", "--checkpoint=net", "--guidance_checkpoint=net"], "leaky takes the picture alone"),
        (["--input_source=clip.mp4", "--faithful"], "--faithful is for pictures"),
        (["--input_source=clip.mp4", "--guidance_alpha=in"], "leaky takes the picture alone"),
    ):
        with pytest.raises(UserError, match=said):
            run("--output_dir=out", *arguments)
    assert _left(tmp_path) == ["clip.mp4", "in/a.png"]


def test_dry_run_writes_nothing(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(tmp_path / "clip.mp4", moving_square(3))
    write_picture(tmp_path / "in/a.png", moving_square(1)[0])
    run("--input_source=clip.mp4", "--output_alpha=a.mov", "--dry_run")
    run("--input_source=in", "--output_dir=out", "--dry_run")
    printed = capsys.readouterr().out
    assert "a.mov: the alpha of the visible face (ProRes 4444 video, yuv444p10le)" in printed
    assert "1 pictures, would write out/a.png" in printed
    assert _left(tmp_path) == ["clip.mp4", "in/a.png"]
