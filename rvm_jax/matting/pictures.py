"""Pictures, and the frames of clips in folders, into alphas or compositions of their names."""

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tqdm import tqdm

from rvm_jax.errors import UserError
from rvm_jax.matting.guidance import find_guidance
from rvm_jax.matting.outputs import Render, renderer
from rvm_jax.matting.picture_group import IN_FLIGHT, GroupWork, PictureReader
from rvm_jax.matting.picture_networks import picture_network
from rvm_jax.matting.settings import Settings, check_guidance
from rvm_jax.matting.weights import StrPath, Weights, load_network, weights_stamp
from rvm_jax.media.picture_tree import PictureGroup, find_pictures
from rvm_jax.media.pictures import write_bytes

_NAMED_ERRORS = 20
_MARKER = ".matting.json"
PICTURE_KINDS = ("alpha", "foreground", "composition")
# The settings that change what is written.
_MATTERING = ("downsample_ratio", "dtype", "scene_cut", "background", "alpha_bits", "preparation")


def matte_pictures(
    weights: Weights,
    source: StrPath,
    output_dir: StrPath,
    *,
    sequence: bool = False,
    output_kind: str = "alpha",
    output_format: str = "png",
    pad_to: int = 1,
    faithful: bool = False,
    **settings: Any,
) -> list[Path]:
    """Mattes pictures into `<output_dir>/[<category>/][<clip>/]<name>.<output_format>`.

        rvm_jax.matte_pictures("mgmatting.pth", "benchmark", "out", guidance=GuidanceSource(alphas="benchmark"))

    Interrupted work goes on: the same call passes over what an earlier one has written, and takes up a clip in its
    middle with the state that it had there.

    Args:
      weights: a network, or the path of one (see `load_network`).
      source: a picture; a folder of pictures; a tree `<category>/img/<name>` or `<category>/img/<clip>/<frame>`; or one
        category of such a tree. The frames of a clip carry the recurrent state, where the network has one; other
        pictures start from a zero state each.
      output_dir: where the results go; it is made where it is missing.
      sequence: take the pictures of a folder, too, as the frames of one clip.
      output_kind: "alpha" (grey), "foreground", or "composition" on the background; "transparent" makes that RGBA with
        straight alpha.
      output_format: "png" or "jpg".
      pad_to: see `Matter`: pictures of many sizes share compilations. Networks for still pictures pad by themselves to
        multiples of 32; this is beside it.
      faithful: round as the project did that a network for still pictures comes from; see `PictureMatter`.
      settings: the fields of `Settings` that concern pictures: downsample_ratio, seq_chunk, dtype, scene_cut,
        background, alpha_bits, preparation, guidance, progress.

    Returns the files written, in the order of their sources; those of an earlier call too where it went on.

    Raises UserError where `source` holds no pictures, two of them would get one name, the weights cannot be read,
    guidance is missing or superfluous, or `output_dir` cannot be written; and, after all others are matted, where
    pictures, or their masks or trimaps, could not be read or do not fit.
    """
    how = Settings(**settings)
    groups = find_pictures(source, output_dir, sequence=sequence, output_format=output_format)
    render = _picture_renderer(output_kind, output_format, how)
    total = sum(len(group.sources) for group in groups)
    output_dir = Path(output_dir)
    network = load_network(weights, how.preparation)
    kind = check_guidance(network, how)
    read = PictureReader()
    if kind is not None and how.guidance is not None and how.guidance.path is not None:
        read = PictureReader(find_guidance(how.guidance, kind, groups, output_dir), how.guidance, kind)
    mattes = picture_network(network, how, pad_to, faithful)
    _check_writable(output_dir)
    job = {"source": str(source), "weights": weights_stamp(weights), "kind": output_kind, "pad_to": pad_to}
    job |= {"faithful": faithful, "guidance": how.guidance.stamp if how.guidance else None}
    job |= {"settings": {key: getattr(how, key) for key in _MATTERING}}
    goes_on = _begin(output_dir / _MARKER, job)
    written: list[Path] = []
    unreadable: list[str] = []
    with (
        ThreadPoolExecutor(IN_FLIGHT) as pool,
        tqdm(total=total, desc=Path(source).name, unit="frame", disable=not how.progress) as bar,
    ):
        for group in groups:
            work = GroupWork(group, mattes, read, job, goes_on, unreadable)
            written += work.done
            bar.update(len(work.done))
            for target in work.write(pool, render):
                written.append(target)
                bar.update()
    with contextlib.suppress(OSError):
        (output_dir / _MARKER).unlink()
    if unreadable:
        more = f"; and {len(unreadable) - _NAMED_ERRORS} more" if len(unreadable) > _NAMED_ERRORS else ""
        raise UserError(
            f"{len(unreadable)} of {total} pictures could not be matted, all others are: "
            + "; ".join(unreadable[:_NAMED_ERRORS])
            + more
        )
    return sorted(written, key={path: i for i, path in enumerate(_targets(groups))}.__getitem__)


def _picture_renderer(kind: str, output_format: str, how: Settings) -> Render:
    if kind not in PICTURE_KINDS:
        raise UserError(f"output '{kind}' is unknown for pictures; use one of {', '.join(PICTURE_KINDS)}")
    is_rgba = kind == "composition" and how.background == "transparent"
    if output_format == "jpg" and (is_rgba or how.alpha_bits == 16):
        raise UserError("JPEG holds neither transparency nor 16 bits; use the output format png")
    return renderer(kind, how, ["network"], how.alpha_bits)


def _check_writable(folder: Path) -> None:
    """Makes the folder and tries it, so that a mistake shows before the network is compiled."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror})") from error


def _begin(marker: Path, job: dict[str, Any]) -> bool:
    """Marks the folder as unfinished; True where the same job has left it so."""
    text = json.dumps(job, sort_keys=True, default=str)
    try:
        goes_on = marker.read_text() == text
    except (OSError, UnicodeDecodeError):
        goes_on = False
    write_bytes(marker, text.encode())
    return goes_on


def _targets(groups: list[PictureGroup]) -> list[Path]:
    return [target for group in groups for target in group.targets]
