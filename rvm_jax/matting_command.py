"""The command `rvm-matte`, the same as scripts/test.py of a checkout: mattes videos, cameras and pictures.

    rvm-matte --checkpoint=rvm_mobilenetv3.pth --input_source=clip.mp4 --output_alpha=alpha.mov

docs/matting.md shows what else it can do.
"""

import glob
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from absl import flags

from rvm_jax import cli
from rvm_jax.errors import UserError

_CHECKPOINT = flags.DEFINE_multi_string(
    "checkpoint",
    None,
    "A work directory, one of its steps, or a .pth or .safetensors file. Given several times, the comparison shows the "
    "others below the first.",
    required=True,
)
_INPUT_SOURCE = flags.DEFINE_string(
    "input_source",
    None,
    "A video, a picture, a folder of pictures, a tree of categories, a pattern such as 'clips/*.mp4', - for raw RGB "
    "frames on the standard input, or webcam (webcam:1 for the second).",
    required=True,
)
_INPUT_RESIZE = flags.DEFINE_string("input_resize", None, "Width x height to which frames are brought first: 1280x720.")
_INPUT_SIZE = flags.DEFINE_string("input_size", None, "Width x height of the raw frames on the standard input.")
_INPUT_RATE = flags.DEFINE_string("input_rate", "25", "Frames per second of folders and raw frames: 25 or 30000/1001.")
_INPUT_STREAM = flags.DEFINE_integer("input_stream", 0, "Which of a file's video streams.", 0)
_SEQUENCE = flags.DEFINE_bool(
    "sequence", False, "Take the pictures of a folder as the frames of one clip (folders of clips always are)."
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "The folder for results that no --output_… flag names; made where missing."
)
_OUTPUT_TYPE = flags.DEFINE_enum(
    "output_type", None, ["video", "png_sequence"], "What outputs are; by default their suffix tells."
)
_OUTPUTS = {
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
_OUTPUT_FORMAT = flags.DEFINE_enum("output_format", "png", ["png", "jpg"], "The format of pictures' results.")
_OUTPUT_PICTURE = flags.DEFINE_enum(
    "output_picture", "alpha", ["alpha", "foreground", "composition"], "What is made of pictures."
)
_OUTPUT_VIDEO_MBPS = flags.DEFINE_float("output_video_mbps", None, "Megabits per second; by default a quality is kept.")
_OUTPUT_CODEC = flags.DEFINE_string("output_codec", None, "An encoder for all videos, instead of the suffix's.")
_ALPHA_BITS = flags.DEFINE_integer("alpha_bits", 8, "8 or 16, for alphas as PNG, ProRes and FFV1.")
_BACKGROUND = flags.DEFINE_string(
    "background", "#78ff9b", "Behind the face: a colour (name or #rrggbb), a picture, a video, or transparent."
)
_DOWNSAMPLE_RATIO = flags.DEFINE_string(
    "downsample_ratio", "auto", "The network sees frames of this share of their sides; auto: at most 512 pixels."
)
_SEQ_CHUNK = flags.DEFINE_integer("seq_chunk", 4, "How many frames go to the device at once.", 1)
_DTYPE = flags.DEFINE_enum("dtype", "float32", ["float32", "bfloat16"], "What the network computes in.")
_SCENE_CUT = flags.DEFINE_float(
    "scene_cut", None, "Begin anew where frames differ by this many percent (10 is usual); by default never."
)
_PAD_TO = flags.DEFINE_integer("pad_to", 1, "Pad pictures to a multiple of this, so that many sizes compile once.", 1)
_FACE_FILE = flags.DEFINE_string("face_file", None, "A CSV of boxes or landmarks per frame: matte these faces alone.")
_FACE_MODEL = flags.DEFINE_string("face_model", None, "A YuNet .onnx of OpenCV's model zoo that finds the faces.")
_MAX_FACES = flags.DEFINE_integer("max_faces", 4, "At most so many of the faces that are found.", 1)
_FACE_SIDE = flags.DEFINE_integer("face_side", 512, "Pixels of the square in which a face is matted.", 16)
_FACE_MASK = flags.DEFINE_string("face_mask", None, "Masks of whole faces: a picture, a folder of frames, or a video.")
_PREVIEW = flags.DEFINE_bool("preview", None, "Show a window; by default for a webcam where there is a screen.")
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Say what would be done, and do nothing.")
_PROGRESS = flags.DEFINE_bool("progress", True, "Show a bar with frames per second and the time left.")


def run() -> None:
    """What the installed command calls."""
    # --help shows the flags and the text of what was started, a stub without either.
    for flag in flags.FLAGS.get_key_flags_for_module(sys.modules[__name__]):
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    sys.modules["__main__"].__doc__ = sys.modules["__main__"].__doc__ or __doc__
    cli.run(main)


def main(argv: list[str]) -> None:
    """Reads the flags and calls `matte_pictures` or `matte_video`. Raises UserError for a mistake in them."""
    del argv
    sources = _sources(_INPUT_SOURCE.value)
    if all(_is_for_pictures(source) for source in sources):
        for source in sources:
            _matte_pictures(source)
        return
    failed = []
    shared = _shared_matter() if len(sources) > 1 and not _DRY_RUN.value else None
    for source in sources:
        try:
            _matte_video(source, shared)
        except UserError as error:
            if len(sources) == 1:
                raise
            failed.append(str(error))
    if failed:
        raise UserError(f"{len(failed)} of {len(sources)} clips failed, the others are matted: " + "; ".join(failed))


def _matte_pictures(source: str) -> None:
    from rvm_jax import matting
    from rvm_jax.media.picture_tree import find_pictures

    if len(_CHECKPOINT.value) > 1:
        raise UserError(
            "several checkpoints are compared on a clip; give one for pictures, or --sequence and an output"
        )
    if _OUTPUT_DIR.value is None:
        raise UserError("give --output_dir, the folder for the pictures' results")
    if _DRY_RUN.value:
        groups = find_pictures(source, _OUTPUT_DIR.value, sequence=_SEQUENCE.value, output_format=_OUTPUT_FORMAT.value)
        for group in groups:
            what = "frames of a clip" if group.related else "pictures"
            print(f"{group.sources[0].parent}: {len(group.sources)} {what}, would write {group.targets[0]} …")
        return
    written = matting.matte_pictures(
        _CHECKPOINT.value[0],
        source,
        _OUTPUT_DIR.value,
        sequence=_SEQUENCE.value,
        output_kind=_OUTPUT_PICTURE.value,
        output_format=_OUTPUT_FORMAT.value,
        pad_to=_PAD_TO.value,
        downsample_ratio=_ratio(),
        seq_chunk=_SEQ_CHUNK.value,
        dtype=_DTYPE.value,
        scene_cut=_SCENE_CUT.value,
        background=_background(),
        alpha_bits=_ALPHA_BITS.value,
        progress=_PROGRESS.value,
    )
    print(f"{len(written)} pictures in {_OUTPUT_DIR.value}")


def _matte_video(source: str, shared: Any) -> None:
    from rvm_jax import matting
    from rvm_jax.matting.clips import plan_video

    settings = _settings()
    outputs = _outputs()
    if _DRY_RUN.value:
        print("\n".join(plan_video(source, _OUTPUT_DIR.value, outputs=outputs, **settings)))
        return
    window = _window(source)
    try:
        result = matting.matte_video(
            shared or _CHECKPOINT.value[0], source, _OUTPUT_DIR.value, outputs=outputs, preview=window, **settings
        )
    finally:
        if window:
            window.close()
    print(f"{result.frames} frames in {', '.join(str(path) for _, path in result.outputs)}")
    if result.bridged:
        named = ", ".join(map(str, result.bridged[:20])) + (" …" if len(result.bridged) > 20 else "")
        print(
            f"warning: {source}: {len(result.bridged)} broken frames were bridged by their neighbours: {named}",
            file=sys.stderr,
        )


def _sources(given: str) -> list[str]:
    if not glob.has_magic(given) or Path(given).exists():
        return [given]
    from rvm_jax.media.pictures import PICTURE_SUFFIXES

    found = sorted(glob.glob(given, recursive=True))  # noqa: PTH207  patterns may be absolute
    if not found:
        raise UserError(f"{given}: matches no file")
    if all(Path(path).suffix.lower() in PICTURE_SUFFIXES for path in found):
        return [given]  # pictures, or the frames of one clip
    return found


def _is_for_pictures(source: str) -> bool:
    from rvm_jax.media.pictures import PICTURE_SUFFIXES

    path = Path(source)
    if not path.is_dir() and path.suffix.lower() not in PICTURE_SUFFIXES:
        return False
    return _OUTPUT_TYPE.value is None and not any(flag.value for flag in _OUTPUTS.values())


def _settings() -> dict[str, Any]:
    from rvm_jax.media.face_tracks import YuNetTracks, read_faces

    if _FACE_FILE.value and _FACE_MODEL.value:
        raise UserError("give --face_file or --face_model, not both")
    faces = read_faces(_FACE_FILE.value) if _FACE_FILE.value else None
    if _FACE_MODEL.value:
        faces = YuNetTracks(_FACE_MODEL.value, _MAX_FACES.value)
    return {
        "downsample_ratio": _ratio(),
        "seq_chunk": _SEQ_CHUNK.value,
        "dtype": _DTYPE.value,
        "scene_cut": _SCENE_CUT.value,
        "input_resize": _size("input_resize", _INPUT_RESIZE.value),
        "input_size": _size("input_size", _INPUT_SIZE.value),
        "input_rate": _rate(),
        "input_stream": _INPUT_STREAM.value,
        "background": _background(),
        "alpha_bits": _ALPHA_BITS.value,
        "video_codec": _OUTPUT_CODEC.value,
        "video_mbps": _OUTPUT_VIDEO_MBPS.value,
        "faces": faces,
        "face_side": _FACE_SIDE.value,
        "face_mask": _FACE_MASK.value,
        "compare_with": tuple(_CHECKPOINT.value[1:]),
        "progress": _PROGRESS.value,
    }


def _outputs() -> dict[str, list[str]]:
    outputs = {kind: flag.value for kind, flag in _OUTPUTS.items() if flag.value}
    kind_of_output = _OUTPUT_TYPE.value
    if not outputs and _OUTPUT_DIR.value is not None and kind_of_output == "png_sequence":
        return {kind: [f"{_OUTPUT_DIR.value}/{{stem}}_{kind}"] for kind in ("alpha", "comparison")}
    for kind, paths in outputs.items():
        for path in paths if kind != "occlusion" else []:
            if kind_of_output == "png_sequence" and Path(path).suffix:
                raise UserError(f"{path}: --output_type=png_sequence writes folders; give a name without a suffix")
            if kind_of_output == "video" and not Path(path).suffix:
                raise UserError(f"{path}: --output_type=video needs a suffix, such as .mp4 or .mov")
    return outputs


def _window(source: str) -> Any:
    from rvm_jax.matting.inputs import is_live
    from rvm_jax.media.preview import PreviewWindow, has_screen

    wanted = _PREVIEW.value
    if wanted is None:
        wanted = is_live(source) and source != "-" and has_screen()
    return PreviewWindow(f"rvm-matte: {source}") if wanted else None


def _shared_matter() -> Any:
    from rvm_jax.matting.settings import Settings, as_matter
    from rvm_jax.matting.weights import load_network

    return as_matter(load_network(_CHECKPOINT.value[0]), Settings(**_settings()))


def _background() -> str:
    from rvm_jax.media.backgrounds import make_background

    make_background(_BACKGROUND.value)  # a mistake shows now
    return _BACKGROUND.value


def _ratio() -> Any:
    return "auto" if _DOWNSAMPLE_RATIO.value == "auto" else _number("downsample_ratio", _DOWNSAMPLE_RATIO.value, float)


def _rate() -> Fraction:
    return _number("input_rate", _INPUT_RATE.value, Fraction)


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
