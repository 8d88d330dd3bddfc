"""Options are declared once: flags, --help, keyword arguments and their defaults agree."""

import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from absl import flags

from rvm_jax.errors import UserError
from rvm_jax.matting import command, option_flags
from rvm_jax.matting.command_options import CommandOptions
from rvm_jax.matting.option import options
from rvm_jax.matting.options import PictureSettings, Settings

ROOT = Path(__file__).resolve().parents[2]
# The flags of earlier versions, which commands in use name, and of this one.
# fmt: off
FLAGS = [
    "alpha_bits", "background", "checkpoint", "downsample_ratio", "dry_run",
    "dtype", "engine", "face_file", "face_gap", "face_mask", "face_model", "face_side",
    "face_template", "faithful",
    "guidance", "guidance_alpha", "guidance_checkpoint", "input_rate", "input_resize",
    "input_size", "input_source", "input_stream", "keep_hidden_colours", "max_faces",
    "output_alpha", "output_codec", "output_comparison", "output_composition", "output_dir",
    "output_foreground", "output_format", "output_occluder",
    "output_occlusion", "output_picture", "output_type", "output_video_mbps", "pad_to",
    "precision", "preparation", "preview", "progress", "scene_cut", "seq_chunk",
    "sequence", "smooth",
]
# fmt: on


@pytest.fixture
def parsed() -> Iterator[None]:
    """Leaves the flags as they were."""
    _parse("--checkpoint=net", "--input_source=clip.mp4")
    yield
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    flags.FLAGS.mark_as_parsed()


def _parse(*arguments: str) -> None:
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    flags.FLAGS(["rvm-matte", *arguments])


def test_every_flag_comes_from_a_declaration() -> None:
    declared = [
        option.flag or name
        for settings in (CommandOptions, PictureSettings)
        for name, (_, option) in options(settings).items()
        if option.flag is not None
    ]
    assert sorted(declared) == sorted(FLAGS)
    assert sorted(flag.name for flag in flags.FLAGS.get_key_flags_for_module(option_flags)) == sorted(FLAGS)


@pytest.mark.usefixtures("parsed")
def test_flags_left_out_are_the_keywords_defaults() -> None:
    assert PictureSettings(**option_flags.read(PictureSettings)) == PictureSettings()
    assert Settings(**option_flags.read(Settings)) == Settings()
    assert option_flags.given(PictureSettings) == {}
    flags.FLAGS["checkpoint"].unparse()
    assert option_flags.read(CommandOptions)["checkpoint"] == CommandOptions().checkpoint == ("face",)


@pytest.mark.usefixtures("parsed")
def test_texts_become_values() -> None:
    _parse(
        "--checkpoint=a",
        "--checkpoint=b",
        "--input_source=x",
        "--input_resize=1280x720",
        "--input_rate=30000/1001",
        "--downsample_ratio=0.25",
        "--output_codec=ffv1",
    )
    read = Settings(**option_flags.read(Settings))
    assert (read.input_resize, read.input_rate) == ((720, 1280), Fraction(30000, 1001))
    assert (read.downsample_ratio, read.video_codec) == (0.25, "ffv1")
    assert option_flags.read(CommandOptions)["checkpoint"] == ("a", "b")
    _parse("--checkpoint=a", "--input_source=x", "--input_rate=1/0")
    with pytest.raises(UserError, match="--input_rate=1/0 is no number"):
        option_flags.read(Settings)


def test_values_out_of_range_are_named() -> None:
    for settings, said in (
        ({"seq_chunk": 0}, "seq_chunk is 0; give a whole number of 1 or more"),
        ({"input_resize": (0, 5)}, "input_resize is 5x0; give a width and a height of 1 pixel or more"),
        ({"input_rate": 0}, "input_rate is 0; give frames per second above 0"),
        ({"alpha_bits": 12}, "alpha_bits is 12; give 8 or 16"),
        ({"input_stream": -1}, "input_stream is -1; give a whole number of 0 or more"),
    ):
        with pytest.raises(UserError) as caught:
            Settings(**settings)
        assert str(caught.value) == said


def test_what_is_for_clips_alone_is_refused_for_pictures() -> None:
    for name, value in (
        ("input_size", (4, 4)),
        ("input_stream", 1),
        ("video_codec", "ffv1"),
        ("video_mbps", 3.0),
        ("bridge", False),
    ):
        assert getattr(Settings(**{name: value}), name) == value  # type: ignore[arg-type]
        with pytest.raises(UserError, match=f"^{name}.* is for clips; leave it out for pictures"):
            PictureSettings(**{name: value})  # type: ignore[arg-type]


def test_help_comes_from_the_declarations() -> None:
    assert "seq_chunk: How many frames go to the device at once" in (Settings.__doc__ or "")
    run = subprocess.run(
        [sys.executable, "scripts/matte.py", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert run.stdout.startswith("python scripts/matte.py --checkpoint=work/quickstart")
    words = " ".join(run.stdout.split())
    for settings in (CommandOptions, PictureSettings):
        for name, (_, option) in options(settings).items():
            if option.flag is not None:
                assert f"{option.flag or name}: " in words
                assert " ".join(option.help.split()) in words
    assert command.__doc__ is not None
