"""Every option of matting, declared once: keyword arguments, flags and --help all come from these fields.

Nothing here imports JAX or NumPy: --help is to be there at once.
"""
# ruff: noqa: RUF009  the values of these fields cannot be changed

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rvm_jax.errors import UserError
from rvm_jax.matting.option import Checked, documented, option, options

if TYPE_CHECKING:
    from rvm_jax.matting.guidance import GuidanceSource
    from rvm_jax.matting.weights import Weights
    from rvm_jax.media.face_tracks import FaceTracks

Ratio = float | Literal["auto"]
Size = tuple[int, int]
ENGINES = ("auto", "jax", "onnxruntime", "openvino")


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
    return value is None or bool(value > 0)


def _count(value: Any) -> bool:
    return bool(value >= 1)


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
class InputSettings(Checked):
    """Says what is read, and how."""

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
    input_stream: int = option(
        0,
        "Which of a file's video streams, from 0.",
        valid=lambda stream: stream >= 0,
        expected="a whole number of 0 or more",
        clips_only=True,
    )
    bridge: bool = option(
        True,
        "Whether a broken frame is replaced by the one before, named and counted; otherwise it is an error.",
        flag=None,
        clips_only=True,
    )
    progress: bool = option(True, "Show a bar with frames per second and the time left.")


@dataclass(frozen=True)
class NetworkSettings(Checked):
    """Says how the network is run."""

    downsample_ratio: Ratio = option(
        "auto",
        "The network sees frames of this share of their sides; auto: at most 512 pixels for RVM, full size for others.",
        parse=parse_ratio,
    )
    seq_chunk: int = option(
        4, "How many frames go to the device at once; more is faster on a GPU and takes more memory.", **_A_COUNT
    )
    precision: str = option(
        "float32",
        "Of the network's products: float32, the same everywhere; the others are faster on a GPU or TPU.",
        choices=("float32", "tensorfloat32", "bfloat16"),
    )
    dtype: str | None = option(None, "The former name of --precision.", choices=("float32", "bfloat16"))
    engine: str = option(
        "auto",
        "What runs the network; auto: on a CPU OpenVINO or ONNX Runtime if one is installed and the network allows it, "
        "else JAX.",
        choices=ENGINES,
    )
    scene_cut: float | None = option(
        None, "Reset the state where frames differ by this many percent (10 is usual); by default never."
    )
    pad_to: int = option(
        0,
        "Pad to a multiple of this, so that pictures of many sizes compile once; 0: to 64 for pictures of more than 3 "
        "sizes, else not at all.",
        valid=lambda multiple: multiple >= 0,
        expected="a whole number of 1 or more, or 0",
    )
    preparation: str | None = option(
        None,
        "How the still-picture network of a .pth was trained to see pictures (docs/networks.md); of the first network.",
        choices=("published", "original"),
    )
    guidance: "GuidanceSource | None" = option(
        None, "Where the masks or trimaps come from that a guided network wants.", flag=None
    )
    compare_with: "tuple[Weights, ...]" = option((), "Further networks for the comparison.", flag=None)

    @property
    def products(self) -> str:
        """Returns the precision, by today's name or by its former one."""
        return self.dtype or self.precision


@dataclass(frozen=True)
class OutputSettings(Checked):
    """Says what results look like."""

    background: "str | Path | tuple[int, int, int]" = option(
        "#78ff9b",
        "Behind the face: a colour (name or #rrggbb), a picture, a video, or transparent (comparisons then keep to the "
        "plain green).",
    )
    keep_hidden_colours: bool = option(
        False, "Keep the colours under an alpha of 0 in transparent results; by default they are black."
    )
    smooth: float = option(
        0.0,
        "Average alphas over time where a clip stands still, so that edges do not flicker: 0 not, 0.8 much.",
        valid=lambda strength: 0 <= strength < 1,
        expected="a number from 0 up to 1, exclusive",
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
    """Says where faces are."""

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
    """Says how clips and pictures are matted.

    Raises:
      UserError: if a value is out of its range.
    """


@documented
@dataclass(frozen=True)
class PictureSettings(Settings):
    """Says how pictures are matted: `Settings`, and what is for them alone.

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
