"""python scripts/test.py --checkpoint=work/quickstart --input_source=clip.mp4 --output_dir=out

Mattes a video, or pictures, with a trained network.

A video becomes out/clip_alpha.mp4 and out/clip_comparison.mp4 (input, alpha, face cut out on a plain colour), of its
frame count and rate. A picture, a folder of pictures, or a tree <category>/img/<name> or <category>/img/<clip>/<frame>
becomes alphas out/[<category>/][<clip>/]<name>.png, which scripts/eval.py takes as --pred_dir.
"""

from pathlib import Path

import _checkout  # noqa: F401
from absl import flags

from rvm_jax import cli

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    None,
    "A work directory, one of its steps, or a .pth or .safetensors file.",
    required=True,
)
_INPUT_SOURCE = flags.DEFINE_string(
    "input_source", None, "A video, a picture, a folder of pictures, or a tree of categories.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The folder to write to; made where missing.", required=True)
_OUTPUT_FORMAT = flags.DEFINE_enum("output_format", "png", ["png", "jpg"], "The format of pictures' alphas.")
_DOWNSAMPLE_RATIO = flags.DEFINE_float("downsample_ratio", 1.0, "The network sees frames of this share of their sides.")
_SEQ_CHUNK = flags.DEFINE_integer("seq_chunk", 4, "How many frames go to the device at once.", 1)
_SEQUENCE = flags.DEFINE_bool(
    "sequence", False, "Take the pictures of a folder as the frames of one clip (folders of clips always are)."
)
_BACKGROUND = flags.DEFINE_string("background", "#78ff9b", "The colour behind a video's cut-out: a name or #rrggbb.")


def main(argv: list[str]) -> None:
    del argv
    from rvm_jax import matting
    from rvm_jax.media.composite import parse_color
    from rvm_jax.media.pictures import PICTURE_SUFFIXES

    source = Path(_INPUT_SOURCE.value)
    background = parse_color(_BACKGROUND.value)
    if source.is_dir() or source.suffix.lower() in PICTURE_SUFFIXES:
        written = matting.matte_pictures(
            _CHECKPOINT.value,
            source,
            _OUTPUT_DIR.value,
            sequence=_SEQUENCE.value,
            output_format=_OUTPUT_FORMAT.value,
            downsample_ratio=_DOWNSAMPLE_RATIO.value,
            seq_chunk=_SEQ_CHUNK.value,
        )
        print(f"{len(written)} alphas in {_OUTPUT_DIR.value}")
    else:
        video = matting.matte_video(
            _CHECKPOINT.value,
            source,
            _OUTPUT_DIR.value,
            downsample_ratio=_DOWNSAMPLE_RATIO.value,
            seq_chunk=_SEQ_CHUNK.value,
            background=background,
        )
        print(f"{video.frames} frames in {video.alpha} and {video.comparison}")


if __name__ == "__main__":
    cli.run(main)
