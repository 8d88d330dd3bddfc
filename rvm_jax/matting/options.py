"""Every option of matting, declared once: keyword arguments, flags and --help all come from these fields.

Nothing here imports JAX or NumPy: --help is to be there at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from rvm_jax.errors import UserError

if TYPE_CHECKING:
    from rvm_jax.matting.guidance import GuidanceSource
    from rvm_jax.matting.weights import Weights
    from rvm_jax.media.face_tracks import FaceTracks

T = TypeVar("T")
Ratio = float | Literal["auto"]
Size = tuple[int, int]


@dataclass(frozen=True)
class Option:
    """What is declared of a field beside its type and its default.

    Attributes:
      help: what it is, for --help and for `help(Settings)`.
      flag: its flag's name; "" for the field's own, None where it has none.
      parse: makes the value of the flag's text; raises ValueError.
      written: how the flag's text looks, for --help and errors.
      choices: the texts that the flag takes.
      valid: whether a value will do.
      expected: what will.
      clips_only: whether it says nothing about pictures, which therefore refuse it.
      required: whether the flag must be given.
    """

    help: str
    flag: str | None = ""
    parse: Callable[[str], Any] | None = None
    written: str = ""
    choices: tuple[str, ...] = ()
    valid: Callable[[Any], bool] | None = None
    expected: str = ""
    clips_only: bool = False
    required: bool = False


def option(default: Any, help: str, **more: Any) -> Any:
    """Declares a field of a settings class; `more` are the attributes of `Option`."""
    return field(default=default, metadata={"option": Option(help, **more)})


def options(settings: type) -> dict[str, tuple[Any, Option]]:
    """Returns the options of a settings class by the name of the field: the field and what is declared of it."""
    return {each.name: (each, each.metadata["option"]) for each in fields(settings)}


def documented(settings: type[T]) -> type[T]:
    """Adds the help of all options to a class's docstring."""
    lines = [f"  {name}: {option.help}" for name, (_, option) in options(settings).items()]
    settings.__doc__ = f"{settings.__doc__}\n\nAttributes:\n" + "\n".join(lines) + "\n"
    return settings


def parse_size(text: str) -> Size:
    """Returns (height, width) of "<width>x<height>"."""
    width, height = text.lower().replace(",", "x").replace(" ", "x").split("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise ValueError
    return int(height), int(width)


def parse_ratio(text: str) -> Ratio:
    """Returns "auto", or the number."""
    return "auto" if text == "auto" else float(text)


def _positive(value: Any) -> bool:
    return value is None or value > 0


def _count(value: Any) -> bool:
    return value >= 1


def _is_size(size: Any) -> bool:
    return size is None or min(size) >= 1


_A_SIZE: dict[str, Any] = {
    "parse": parse_size,
    "written": "size; give width x height, such as 1280x720",
    "valid": _is_size,
    "expected": "a width and a height of 1 pixel or more",
}
_A_COUNT: dict[str, Any] = {"valid": _count, "expected": "a whole number of 1 or more"}


@dataclass(frozen=True)
class Checked:
    """Settings whose values are checked when they are made.

    Raises:
      UserError: if one is out of its range.
    """

    def __post_init__(self) -> None:
        for name, (_, declared) in options(type(self)).items():
            value = getattr(self, name)
            if declared.valid is not None and not declared.valid(value):
                shown = f"{value[1]}x{value[0]}" if isinstance(value, tuple) else value
                raise UserError(f"{name} is {shown}; give {declared.expected}")


@dataclass(frozen=True)
class InputSettings(Checked):
    """What is read, and how."""

    input_resize: Size | None = option(
        None, "Size, (height, width) in Python, to which frames are brought first; results have it.", **_A_SIZE
    )
    input_size: Size | None = option(
        None, "Size, (height, width) in Python, of the raw frames on the standard input.", clips_only=True, **_A_SIZE
    )
    input_rate: Fraction = option(
        Fraction(25),
        "Frames per second of folders and raw frames: 25 or 30000/1001.",
        parse=Fraction,
        valid=_positive,
        expected="frames per second above 0",
    )
    input_stream: int = option(0, "Which of a file's video streams, from 0.", clips_only=True)
    bridge: bool = option(
        True,
        "Whether a broken frame is replaced by the one before, named and counted; otherwise it is an error.",
        flag=None,
        clips_only=True,
    )
    progress: bool = option(True, "Show a bar with frames per second and the time left.")


@dataclass(frozen=True)
class NetworkSettings(Checked):
    """How the network is run."""

    downsample_ratio: Ratio = option(
        "auto",
        "The network sees frames of this share of their sides; auto: at most 512 pixels for RVM, full size for others.",
        parse=parse_ratio,
    )
    seq_chunk: int = option(
        4, "How many frames go to the device at once; more is faster on a GPU and takes more memory.", **_A_COUNT
    )
    dtype: str = option("float32", "What the network computes in.", choices=("float32", "bfloat16"))
    scene_cut: float | None = option(
        None, "Begin anew where frames differ by this many percent (10 is usual); by default never."
    )
    pad_to: int = option(1, "Pad to a multiple of this, so that pictures of many sizes compile once.", **_A_COUNT)
    preparation: str | None = option(
        None,
        "How the still-picture network of a .pth was trained to see pictures (docs/networks.md); of the first network.",
        choices=("published", "original"),
    )
    guidance: "GuidanceSource | None" = option(
        None, "Where the masks or trimaps come from that a guided network wants.", flag=None
    )
    compare_with: "tuple[Weights, ...]" = option((), "Further networks for the comparison.", flag=None)


@dataclass(frozen=True)
class OutputSettings(Checked):
    """What results look like."""

    background: "str | Path | tuple[int, int, int]" = option(
        "#78ff9b",
        "Behind the face: a colour (name or #rrggbb), a picture, a video, or transparent (comparisons then keep to the "
        "plain green).",
    )
    alpha_bits: int = option(
        8, "8 or 16, for alphas as PNG, ProRes and FFV1.", valid=lambda bits: bits in (8, 16), expected="8 or 16"
    )
    video_codec: str | None = option(
        None, "An encoder for all videos, instead of the suffix's.", flag="output_codec", clips_only=True
    )
    video_mbps: float | None = option(
        None,
        "Megabits per second of videos; by default a quality is kept.",
        flag="output_video_mbps",
        valid=_positive,
        expected="megabits per second above 0",
        clips_only=True,
    )


@dataclass(frozen=True)
class FaceSettings(Checked):
    """Where faces are."""

    faces: "FaceTracks | None" = option(
        None, "Where faces are: they are cut out, matted each with a state of its own, and put back.", flag=None
    )
    face_side: int = option(
        512,
        "Pixels of the square in which a face is matted.",
        valid=lambda side: side >= 16,
        expected="a whole number of 16 or more",
    )
    face_mask: str | Path | None = option(
        None,
        "Masks of whole faces, hidden parts too: of a clip a picture, a folder of frames, or a video; of pictures a "
        "folder like the results'.",
    )


@documented
@dataclass(frozen=True)
class Settings(InputSettings, NetworkSettings, OutputSettings, FaceSettings):
    """How clips and pictures are matted.

    Raises:
      UserError: if a value is out of its range.
    """


@documented
@dataclass(frozen=True)
class PictureSettings(Settings):
    """How pictures are matted: `Settings`, and what is for them alone.

    Raises:
      UserError: if a value is out of its range, or concerns clips alone.
    """

    sequence: bool = option(
        False, "Take the pictures of a folder as the frames of one clip (folders of clips always are)."
    )
    output_kind: str = option(
        "alpha",
        "What is made of pictures.",
        flag="output_picture",
        choices=("alpha", "foreground", "composition", "occluder", "comparison"),
    )
    output_format: str = option("png", "The format of pictures' results.", choices=("png", "jpg"))
    faithful: bool = option(False, "Round pictures' alphas as a still-picture network's project did.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, (each, declared) in options(type(self)).items():
            if declared.clips_only and getattr(self, name) != each.default:
                flag = f" (--{declared.flag})" if declared.flag else ""
                raise UserError(
                    f"{name}{flag} is for clips; leave it out for pictures, or take their folder as a clip by naming "
                    "an output such as --output_alpha"
                )


@dataclass(frozen=True)
class CommandOptions(Checked):
    """What the command alone is given."""

    checkpoint: tuple[str, ...] = option(
        (),
        "A work directory, one of its steps, or a .pth or .safetensors file. Given several times, the comparison shows "
        "the others below the first.",
        required=True,
    )
    input_source: str = option(
        "",
        "A video, a picture, a folder of pictures, a tree of categories, a pattern such as 'clips/*.mp4', - for raw RGB "
        "frames on the standard input, or webcam (webcam:1 for the second).",
        required=True,
    )
    output_dir: str | None = option(
        None, "The folder for results that no --output_… flag names; made where missing."
    )
    output_type: str | None = option(
        None, "What outputs are; by default their suffix tells.", choices=("video", "png_sequence")
    )
    output_alpha: tuple[str, ...] = option(
        (),
        "Alpha: .mp4 (H.264), .mov (ProRes 4444), .webm (VP9), .mkv (FFV1), or without suffix a folder of PNG; {stem} "
        "stands for the input's name.",
    )
    output_foreground: tuple[str, ...] = option((), "Foreground colours; files as for alpha.")
    output_composition: tuple[str, ...] = option(
        (), "The face on the background; files as for alpha. --background=transparent makes it RGBA."
    )
    output_occluder: tuple[str, ...] = option(
        (), "The alpha of what hides the face; files as for alpha. Needs --face_mask, or faces."
    )
    output_occlusion: tuple[str, ...] = option(
        (), "The hidden share of the face per frame, .csv. Needs --face_mask, or faces."
    )
    output_comparison: tuple[str, ...] = option(
        (), "Input, alpha and cut-out side by side; files as for alpha, or .gif, or .png: a contact sheet."
    )
    guidance: str | None = option(
        None,
        "The masks or trimaps that a guided network wants: a picture, a folder like the results' or a benchmark; of a "
        "clip a folder of frames or a video.",
    )
    guidance_alpha: str | None = option(
        None,
        "Alphas from which masks or trimaps are derived, laid out so too: a segmentation, another network's, the truth.",
    )
    guidance_checkpoint: str | None = option(
        None, "A network that mattes first; masks or trimaps are derived from its alphas."
    )
    face_file: str | None = option(
        None,
        "A CSV of boxes or landmarks per frame of a clip, or per picture of a folder: matte these faces alone.",
    )
    face_model: str | None = option(None, "A YuNet .onnx of OpenCV's model zoo that finds the faces.")
    max_faces: int = option(4, "At most so many of the faces that are found.", **_A_COUNT)
    preview: bool | None = option(None, "Show a window; by default for a webcam where there is a screen.")
    dry_run: bool = option(False, "Say what would be done, and do nothing.")
