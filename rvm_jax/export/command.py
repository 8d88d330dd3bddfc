"""The command `rvm-export`, the same as scripts/export.py of a checkout: a network as a file for other programs.

    rvm-export --checkpoint=rvm_mobilenetv3.pth --output=rvm.onnx
    rvm-export --checkpoint=work/face --output=xseg_1.onnx --as=facefusion

Each file is run in ONNX Runtime beside JAX before it is written. docs/export.md says what each program wants.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from absl import flags

from rvm_jax import cli
from rvm_jax.errors import UserError

if TYPE_CHECKING:
    from rvm_jax.networks.api import Network

_NAMES = ("rvm", "picture", "facefusion", "visomaster", "visomaster_xseg", "deepfacelab", "stablehlo")

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "A work directory, one of its steps, or a .pth or .safetensors file.", required=True
)
_OUTPUT = flags.DEFINE_string("output", None, "Where to write: *.onnx; *.stablehlo for that.", required=True)
_AS = flags.DEFINE_enum(
    "as", None, _NAMES, "The contract; by default rvm for RVM, and picture for networks for still pictures."
)
_SIZE = flags.DEFINE_string("size", None, "Width x height of the frames, such as 1920x1080; any where not given.")
_RATIO = flags.DEFINE_float("downsample_ratio", None, "RVM's, baked in; else an input, or with --size RVM's rule.")
_BATCH = flags.DEFINE_integer("batch", None, "Streams or pictures a call; any number where not given.", 1)
_CHUNK = flags.DEFINE_integer("chunk", 1, "Frames of each stream a call.", 1)
_DTYPE = flags.DEFINE_enum("dtype", "float32", ["float32", "float16"], "What convolutions compute in.")
_RUNTIME = flags.DEFINE_enum("runtime", "onnxruntime", ["onnxruntime", "openvino"], "Whose kernels to arrange it for.")
_CHECK = flags.DEFINE_bool("check", True, "Run the file in ONNX Runtime beside JAX before it is written.")
_BOUND = flags.DEFINE_float("bound", None, "The largest difference that is accepted: 1e-4, and 1e-2 for float16.")
_NAME = flags.DEFINE_string("name", None, "The network's name in the file's metadata.")
_REVISION = flags.DEFINE_string("revision", None, "Its revision there; by default the checksum of its weights.")
_LICENCE = flags.DEFINE_string("licence", None, "The licence of the weights there.")
_PREPARATION = flags.DEFINE_enum(
    "preparation",
    None,
    ["published", "original"],
    "How the still-picture network of a .pth was trained to see its pictures.",
)


def run(usage: str | None = None) -> None:
    """Runs the installed command; `usage` is what --help says above the flags."""
    cli.run(main, usage or __doc__, sys.modules[__name__])


def main(argv: list[str]) -> None:
    """Reads the flags and exports.

    Raises:
        UserError: if there is a mistake in them.
    """
    del argv
    size = _size()
    from rvm_jax.export.onnx_file import need_onnx
    from rvm_jax.matting.weights import load_network, weights_paths
    from rvm_jax.output_paths import check_outputs

    beside = [Path(_OUTPUT.value).with_suffix(".hash")] if _AS.value == "facefusion" else []
    check_outputs([_OUTPUT.value, *beside], weights_paths(_CHECKPOINT.value))
    if _AS.value == "stablehlo":
        from rvm_jax.export.stablehlo import export_stablehlo

        network = cast("Network", load_network(_CHECKPOINT.value, _PREPARATION.value))
        written = export_stablehlo(network, _OUTPUT.value, size=size, downsample_ratio=_RATIO.value, check=_CHECK.value)
        print(_told(str(written.path), written.size, written.difference))
        return
    need_onnx()
    from rvm_jax.export import export_onnx

    result = export_onnx(
        cast("Network", load_network(_CHECKPOINT.value, _PREPARATION.value)),
        _OUTPUT.value,
        _AS.value,
        size=size,
        downsample_ratio=_RATIO.value,
        batch=_BATCH.value,
        chunk=_CHUNK.value,
        dtype=_DTYPE.value,
        runtime=_RUNTIME.value,
        check=_CHECK.value,
        bound=_BOUND.value,
        name=_NAME.value,
        revision=_REVISION.value,
        licence=_LICENCE.value,
    )
    print(_told(" and ".join(map(str, result.paths)), result.size, result.difference) + f", {result.nodes} nodes")


def _told(paths: str, size: int, difference: float | None) -> str:
    checked = "not checked" if difference is None else f"differs from JAX by at most {difference:.1e}"
    return f"{paths}: {size / 1e6:.1f} MB, {checked}"


def _size() -> tuple[int, int] | None:
    """Returns (height, width) of "<width>x<height>"."""
    if _SIZE.value is None:
        return None
    parts = _SIZE.value.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise UserError(f"--size={_SIZE.value} is no size; give width x height, such as 1280x720")
    return int(parts[1]), int(parts[0])
