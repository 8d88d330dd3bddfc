"""The command `rvm-matte`, the same as scripts/matte.py of a checkout: mattes videos, cameras and pictures.

    rvm-matte --checkpoint=rvm_mobilenetv3.pth --input_source=clip.mp4 --output_alpha=alpha.mov

docs/matting.md shows what else it can do.
"""

import sys
from pathlib import Path
from typing import Any

from absl import flags

from rvm_jax import cli
from rvm_jax.errors import UserError
from rvm_jax.matting import flags as given


def run() -> None:
    """What the installed command calls."""
    # --help shows the flags and the text of what was started, a stub without either.
    for flag in flags.FLAGS.get_key_flags_for_module(given):
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    sys.modules["__main__"].__doc__ = sys.modules["__main__"].__doc__ or __doc__
    cli.run(main)


def main(argv: list[str]) -> None:
    """Reads the flags and calls `matte_pictures` or `matte_video`. Raises UserError for a mistake in them."""
    del argv
    sources = given.sources(given.INPUT_SOURCE.value)
    if all(_is_for_pictures(source) for source in sources):
        for source in sources:
            _matte_pictures(source)
        return
    failed = []
    shared = _shared_matter() if len(sources) > 1 and not given.DRY_RUN.value else None
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

    if len(given.CHECKPOINT.value) > 1:
        raise UserError(
            "several checkpoints are compared on a clip; give one for pictures, or --sequence and an output"
        )
    if given.OUTPUT_DIR.value is None:
        raise UserError("give --output_dir, the folder for the pictures' results")
    if given.DRY_RUN.value:
        sequence, output_format = given.SEQUENCE.value, given.OUTPUT_FORMAT.value
        for group in find_pictures(source, given.OUTPUT_DIR.value, sequence=sequence, output_format=output_format):
            what = "frames of a clip" if group.related else "pictures"
            print(f"{group.sources[0].parent}: {len(group.sources)} {what}, would write {group.targets[0]} …")
        return
    written = matting.matte_pictures(
        given.CHECKPOINT.value[0],
        source,
        given.OUTPUT_DIR.value,
        sequence=given.SEQUENCE.value,
        output_kind=given.OUTPUT_PICTURE.value,
        output_format=given.OUTPUT_FORMAT.value,
        pad_to=given.PAD_TO.value,
        faithful=given.FAITHFUL.value,
        **given.picture_settings(),
    )
    print(f"{len(written)} pictures in {given.OUTPUT_DIR.value}")


def _matte_video(source: str, shared: Any) -> None:
    from rvm_jax import matting
    from rvm_jax.matting.clips import plan_video

    if given.FAITHFUL.value:
        raise UserError("--faithful is for pictures, and for folders of frames without an --output_… flag")
    settings = given.settings()
    outputs = given.outputs()
    if given.DRY_RUN.value:
        print("\n".join(plan_video(source, given.OUTPUT_DIR.value, outputs=outputs, **settings)))
        return
    weights = given.CHECKPOINT.value[0]
    if shared is not None:
        weights, settings["preparation"] = shared, None
    window = _window(source)
    try:
        result = matting.matte_video(
            weights, source, given.OUTPUT_DIR.value, outputs=outputs, preview=window, **settings
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


def _is_for_pictures(source: str) -> bool:
    from rvm_jax.media.pictures import PICTURE_SUFFIXES

    path = Path(source)
    if not path.is_dir() and path.suffix.lower() not in PICTURE_SUFFIXES:
        return False
    return given.OUTPUT_TYPE.value is None and not any(flag.value for flag in given.OUTPUTS.values())


def _window(source: str) -> Any:
    from rvm_jax.matting.inputs import is_live
    from rvm_jax.media.preview import PreviewWindow, has_screen

    wanted = given.PREVIEW.value
    if wanted is None:
        wanted = is_live(source) and source != "-" and has_screen()
    return PreviewWindow(f"rvm-matte: {source}") if wanted else None


def _shared_matter() -> Any:
    """The network of several clips, compiled once for all where it takes frames alone."""
    from rvm_jax.matting.guidance import is_guided
    from rvm_jax.matting.settings import Settings, as_matter
    from rvm_jax.matting.weights import load_network

    settings = Settings(**given.settings())
    if settings.guidance is not None and settings.guidance.path is not None:
        raise UserError(
            f"{settings.guidance.path}: is of one clip; give the clips of {given.INPUT_SOURCE.value} singly"
        )
    network = load_network(given.CHECKPOINT.value[0], settings.preparation)
    return network if is_guided(network) else as_matter(network, settings)
