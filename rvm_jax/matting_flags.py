"""The flags of the command `rvm-matte`, and what they come to."""

import glob
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from absl import flags

from rvm_jax.errors import UserError

CHECKPOINT = flags.DEFINE_multi_string(
    "checkpoint",
    None,
    "A work directory, one of its steps, or a .pth or .safetensors file. Given several times, the comparison shows the "
    "others below the first.",
    required=True,
)
INPUT_SOURCE = flags.DEFINE_string(
    "input_source",
    None,
    "A video, a picture, a folder of pictures, a tree of categories, a pattern such as 'clips/*.mp4', - for raw RGB "
    "frames on the standard input, or webcam (webcam:1 for the second).",
    required=True,
)
INPUT_RESIZE = flags.DEFINE_string("input_resize", None, "Width x height to which frames are brought first: 1280x720.")
INPUT_SIZE = flags.DEFINE_string("input_size", None, "Width x height of the raw frames on the standard input.")
INPUT_RATE = flags.DEFINE_string("input_rate", "25", "Frames per second of folders and raw frames: 25 or 30000/1001.")
INPUT_STREAM = flags.DEFINE_integer("input_stream", 0, "Which of a file's video streams.", 0)
SEQUENCE = flags.DEFINE_bool(
    "sequence", False, "Take the pictures of a folder as the frames of one clip (folders of clips always are)."
)
OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "The folder for results that no --output_… flag names; made where missing."
)
OUTPUT_TYPE = flags.DEFINE_enum(
    "output_type", None, ["video", "png_sequence"], "What outputs are; by default their suffix tells."
)
OUTPUTS = {
    kind: flags.DEFINE_multi_string(f"output_{kind}", None, text)
    for kind, text in {
        "alpha": "Alpha: .mp4 (H.264), .mov (ProRes 4444), .webm (VP9), .mkv (FFV1), or without suffix a folder of "
        "PNG; {stem} stands for the input's name.",
        "foreground": "Foreground colours; files as for alpha.",
        "composition": "The face on the background; files as for alpha. --background=transparent makes it RGBA.",
        "occluder": "The alpha of what hides the face; files as for alpha. Needs --face_mask, or faces.",
        "occlusion": "The hidden share of the face per frame, .csv. Needs --face_mask, or faces.",
        "comparison": "Input, alpha and cut-out side by side; files as for alpha, or .gif, or .png: a contact sheet.",
    }.items()
}
OUTPUT_FORMAT = flags.DEFINE_enum("output_format", "png", ["png", "jpg"], "The format of pictures' results.")
OUTPUT_PICTURE = flags.DEFINE_enum(
    "output_picture", "alpha", ["alpha", "foreground", "composition"], "What is made of pictures."
)
OUTPUT_VIDEO_MBPS = flags.DEFINE_float("output_video_mbps", None, "Megabits per second; by default a quality is kept.")
OUTPUT_CODEC = flags.DEFINE_string("output_codec", None, "An encoder for all videos, instead of the suffix's.")
ALPHA_BITS = flags.DEFINE_integer("alpha_bits", 8, "8 or 16, for alphas as PNG, ProRes and FFV1.")
BACKGROUND = flags.DEFINE_string(
    "background", "#78ff9b", "Behind the face: a colour (name or #rrggbb), a picture, a video, or transparent."
)
DOWNSAMPLE_RATIO = flags.DEFINE_string(
    "downsample_ratio",
    "auto",
    "The network sees frames of this share of their sides; auto: at most 512 pixels for RVM, full size for others.",
)
SEQ_CHUNK = flags.DEFINE_integer("seq_chunk", 4, "How many frames go to the device at once.", 1)
DTYPE = flags.DEFINE_enum("dtype", "float32", ["float32", "bfloat16"], "What the network computes in.")
ENGINE = flags.DEFINE_enum(
    "engine",
    "auto",
    ["jax", "onnxruntime", "auto"],
    "What computes; auto: ONNX Runtime on a CPU that has it.",
)
SCENE_CUT = flags.DEFINE_float(
    "scene_cut", None, "Begin anew where frames differ by this many percent (10 is usual); by default never."
)
PAD_TO = flags.DEFINE_integer("pad_to", 1, "Pad pictures to a multiple of this, so that many sizes compile once.", 1)
PREPARATION = flags.DEFINE_enum(
    "preparation",
    None,
    ["published", "original"],
    "How the still-picture network of a .pth was trained to see pictures (docs/networks.md); the first --checkpoint.",
)
FAITHFUL = flags.DEFINE_bool("faithful", False, "Round pictures' alphas as a still-picture network's project did.")
GUIDANCE = flags.DEFINE_string(
    "guidance",
    None,
    "The masks or trimaps that a guided network wants: a picture, a folder like the results' or a benchmark; of a clip "
    "a folder of frames or a video.",
)
GUIDANCE_ALPHA = flags.DEFINE_string(
    "guidance_alpha",
    None,
    "Alphas from which masks or trimaps are derived, laid out so too: a segmentation, another network's, the truth.",
)
GUIDANCE_CHECKPOINT = flags.DEFINE_string(
    "guidance_checkpoint", None, "A network that mattes first; masks or trimaps are derived from its alphas."
)
FACE_FILE = flags.DEFINE_string("face_file", None, "A CSV of boxes or landmarks per frame: matte these faces alone.")
FACE_MODEL = flags.DEFINE_string("face_model", None, "A YuNet .onnx of OpenCV's model zoo that finds the faces.")
MAX_FACES = flags.DEFINE_integer("max_faces", 4, "At most so many of the faces that are found.", 1)
FACE_SIDE = flags.DEFINE_integer("face_side", 512, "Pixels of the square in which a face is matted.", 16)
FACE_MASK = flags.DEFINE_string("face_mask", None, "Masks of whole faces: a picture, a folder of frames, or a video.")
PREVIEW = flags.DEFINE_bool("preview", None, "Show a window; by default for a webcam where there is a screen.")
DRY_RUN = flags.DEFINE_bool("dry_run", False, "Say what would be done, and do nothing.")
PROGRESS = flags.DEFINE_bool("progress", True, "Show a bar with frames per second and the time left.")


def sources(given: str) -> list[str]:
    """The clips that --input_source names; pictures, and the frames of one clip, stay together."""
    if not glob.has_magic(given) or Path(given).exists():
        return [given]
    from rvm_jax.media.pictures import PICTURE_SUFFIXES

    found = sorted(glob.glob(given, recursive=True))  # noqa: PTH207  patterns may be absolute
    if not found:
        raise UserError(f"{given}: matches no file")
    if all(Path(path).suffix.lower() in PICTURE_SUFFIXES for path in found):
        return [given]
    return found


def settings() -> dict[str, Any]:
    """The arguments of `Settings` for clips. Raises UserError for a mistake."""
    from rvm_jax.media.face_tracks import YuNetTracks, read_faces

    if FACE_FILE.value and FACE_MODEL.value:
        raise UserError("give --face_file or --face_model, not both")
    faces = read_faces(FACE_FILE.value) if FACE_FILE.value else None
    if FACE_MODEL.value:
        faces = YuNetTracks(FACE_MODEL.value, MAX_FACES.value)
    return {
        **picture_settings(),
        "input_resize": _size("input_resize", INPUT_RESIZE.value),
        "input_size": _size("input_size", INPUT_SIZE.value),
        "input_rate": _rate(),
        "input_stream": INPUT_STREAM.value,
        "video_codec": OUTPUT_CODEC.value,
        "video_mbps": OUTPUT_VIDEO_MBPS.value,
        "faces": faces,
        "face_side": FACE_SIDE.value,
        "face_mask": FACE_MASK.value,
        "compare_with": tuple(CHECKPOINT.value[1:]),
    }


def picture_settings() -> dict[str, Any]:
    """Those of them that concern pictures, too."""
    return {
        "downsample_ratio": _ratio(),
        "seq_chunk": SEQ_CHUNK.value,
        "dtype": DTYPE.value,
        "scene_cut": SCENE_CUT.value,
        "engine": ENGINE.value,
        "background": _background(),
        "alpha_bits": ALPHA_BITS.value,
        "preparation": PREPARATION.value,
        "guidance": _guidance(),
        "progress": PROGRESS.value,
    }


def outputs() -> dict[str, list[str]]:
    """The outputs of clips by kind; none for those by default. Raises UserError where names and type disagree."""
    outputs = {kind: flag.value for kind, flag in OUTPUTS.items() if flag.value}
    kind_of_output = OUTPUT_TYPE.value
    if not outputs and OUTPUT_DIR.value is not None and kind_of_output == "png_sequence":
        return {kind: [f"{OUTPUT_DIR.value}/{{stem}}_{kind}"] for kind in ("alpha", "comparison")}
    for kind, paths in outputs.items():
        for path in paths if kind != "occlusion" else []:
            if kind_of_output == "png_sequence" and Path(path).suffix:
                raise UserError(f"{path}: --output_type=png_sequence writes folders; give a name without a suffix")
            if kind_of_output == "video" and not Path(path).suffix:
                raise UserError(f"{path}: --output_type=video needs a suffix, such as .mp4 or .mov")
    return outputs


def _guidance() -> Any:
    given = {"files": GUIDANCE.value, "alphas": GUIDANCE_ALPHA.value, "network": GUIDANCE_CHECKPOINT.value}
    chosen = {name: value for name, value in given.items() if value}
    if len(chosen) > 1:
        raise UserError("give one of --guidance, --guidance_alpha and --guidance_checkpoint")
    if not chosen:
        return None
    from rvm_jax.matting import GuidanceSource

    return GuidanceSource(**chosen)


def _background() -> str:
    from rvm_jax.media.backgrounds import make_background

    make_background(BACKGROUND.value)  # a mistake shows now
    return BACKGROUND.value


def _ratio() -> Any:
    return "auto" if DOWNSAMPLE_RATIO.value == "auto" else _number("downsample_ratio", DOWNSAMPLE_RATIO.value, float)


def _rate() -> Fraction:
    return _number("input_rate", INPUT_RATE.value, Fraction)


def _number(name: str, text: str, kind: Callable[[str], Any]) -> Any:
    try:
        return kind(text)
    except (ValueError, ZeroDivisionError) as error:
        raise UserError(f"--{name}={text} is no number") from error


def _size(name: str, text: str | None) -> tuple[int, int] | None:
    """Returns (height, width) of "<width>x<height>"."""
    if text is None:
        return None
    parts = text.lower().replace(",", "x").replace(" ", "x").split("x")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise UserError(f"--{name}={text} is no size; give width x height, such as 1280x720")
    return int(parts[1]), int(parts[0])
