"""Pictures, and the frames of clips in folders, into alphas or compositions of their names."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from tqdm import tqdm

from rvm_jax.errors import UserError
from rvm_jax.matting.backends import Backend
from rvm_jax.matting.faces import tracked
from rvm_jax.matting.guides import PictureGuides
from rvm_jax.matting.inputs import input_paths
from rvm_jax.matting.make_backend import guided_kinds, make_backend
from rvm_jax.matting.matted import Matted
from rvm_jax.matting.option import options
from rvm_jax.matting.options import PictureSettings
from rvm_jax.matting.outputs import check_kinds, write_behind
from rvm_jax.matting.picture_sizes import settle_padding
from rvm_jax.matting.pipeline import run
from rvm_jax.matting.resume import BEGINNING, ResumeState, Start, beside, job_of
from rvm_jax.matting.weights import Loader, StrPath, Weights, loader_for, weights_name
from rvm_jax.media.backgrounds import TRANSPARENT, make_background
from rvm_jax.media.face_tracks import FileTracks
from rvm_jax.media.picture_folders import PictureFolder, PictureGroup, find_pictures, results
from rvm_jax.media.picture_formats import left_out, left_out_line
from rvm_jax.media.picture_writers import PictureFilesWriter
from rvm_jax.notices import notice
from rvm_jax.output_paths import check_outputs

_NAMED_ERRORS = 20
_MARKER = ".matting.npz"
_AHEAD = 2


def matte_pictures(
    weights: Weights,
    source: StrPath,
    output_dir: StrPath,
    *,
    load: Loader | None = None,
    write_file: Callable[[Path, np.ndarray], None] | None = None,
    **settings: Any,
) -> list[Path]:
    """Mattes pictures into `<output_dir>/[<category>/][<clip>/]<name>.<output_format>`.

        rvm_jax.matte_pictures("mgmatting.pth", "benchmark", "out", guidance=GuidanceSource(alphas="benchmark"))

    Interrupted work is resumed: the same call passes over what an earlier one has written, and takes up a clip in its
    middle with the state that it had there.

    Args:
      weights: a network, or the path of one (see `load_network`).
      source: a picture; a folder of pictures; a tree `<category>/img/<name>` or `<category>/img/<clip>/<frame>`; or one
        category of such a tree. The frames of a clip carry the recurrent state, if the network has one; other pictures
        start from a zero state each.
      output_dir: where the results go; it is made if it is missing.
      load: how the paths of networks are read, `load_network` by default.
      write_file: writes a result; the suffix of its path is the format. By default `write_picture`.
      settings: the fields of `PictureSettings`.

    Returns:
      The files written, in the order of their sources; those of an earlier call too if it was resumed.

    Raises:
      UserError: if `source` holds no pictures, two of them would get one name, a setting is for clips alone, the
        weights cannot be read, guidance is missing or superfluous, or `output_dir` cannot be written; and, after all
        others are matted, if pictures, or their masks or trimaps, could not be read or do not fit.
    """
    how, output_dir = PictureSettings(**settings), Path(output_dir)
    groups = plan_pictures(source, output_dir, how)
    how = settle_padding(how, (path for group in groups for path in group.sources))
    load = load or loader_for(how)
    networks = [load(weights, how.preparation), *map(load, how.compare_with)]
    kinds = guided_kinds(networks, how)
    complete = PictureGuides(groups, output_dir, how, kinds)
    backends = [make_backend(each, how, for_pictures=True, faithful=how.faithful) for each in networks]
    names = [weights_name(each) for each in (weights, *how.compare_with)]
    _check_writable(output_dir)
    job = job_of(weights, how, source=str(source))
    marker = ResumeState(output_dir / _MARKER, job)
    resumes = marker.load() is not None
    marker.save(Start(0, ()))
    total = sum(len(group.sources) for group in groups)
    written: list[Path] = []
    unreadable: list[str] = []
    with tqdm(total=total, desc=Path(source).name, unit="frame", disable=not how.progress) as bar:
        for group in groups:
            failed = _matte_group(group, backends, names, how, complete, job, resumes, write_file, bar)
            written += [target for target in group.targets if target not in failed]
            unreadable += failed.values()
    marker.remove()
    if unreadable:
        more = f"; and {len(unreadable) - _NAMED_ERRORS} more" if len(unreadable) > _NAMED_ERRORS else ""
        raise UserError(
            f"{len(unreadable)} of {total} pictures could not be matted, all others are: "
            + "; ".join(unreadable[:_NAMED_ERRORS])
            + more
        )
    return written


def plan_pictures(source: StrPath, output_dir: StrPath, how: PictureSettings) -> list[PictureGroup]:
    """Returns the folders that `matte_pictures` would matte.

    Raises:
      UserError: if there are none, or the settings do not go with them.
    """
    groups = find_pictures(source, output_dir, sequence=how.sequence, output_format=how.output_format)
    check_outputs(results(groups), input_paths(how))
    if Path(source).is_dir():
        for group in groups:
            if others := left_out(group.sources[0].parent):
                notice(left_out_line(others))
    kinds = options(PictureSettings)["output_kind"][1].choices
    if how.output_kind not in kinds:
        raise UserError(f"output '{how.output_kind}' is unknown for pictures; use one of {', '.join(kinds)}")
    is_rgba = how.output_kind == "composition" and how.background == TRANSPARENT
    if how.output_format == "jpg" and (is_rgba or how.alpha_bits == 16):
        raise UserError("JPEG holds neither transparency nor 16 bits; use the output format png")
    check_kinds([how.output_kind], how, f"output_kind={how.output_kind}")
    make_background(how.background)  # a mistake shows now
    for name in ("input_rate", "scene_cut", "smooth"):
        if getattr(how, name) != options(PictureSettings)[name][0].default and not any(each.related for each in groups):
            raise UserError(
                f"{name} is for the frames of clips, and {source} holds none; leave it out, or take the pictures of a "
                "folder as one clip (sequence)"
            )
    if isinstance(how.faces, FileTracks) and len(groups) > 1:
        raise UserError(
            f"{source}: a file of faces counts the frames of one clip, or the pictures of one folder; here are "
            f"{len(groups)} folders: give them singly, or a detector"
        )
    return groups


def _matte_group(
    group: PictureGroup,
    backends: Sequence[Backend],
    names: Sequence[str],
    how: PictureSettings,
    complete: PictureGuides,
    job: dict[str, Any],
    resumes: bool,
    write_file: Callable[[Path, np.ndarray], None] | None,
    bar: "tqdm[Any]",
) -> dict[Path, str]:
    """Mattes what is left of one folder; returns the errors of what could not be, by their targets."""
    in_order = group.related and any(backend.has_state for backend in backends)
    state = ResumeState(beside(group.targets[0].parent), job) if in_order else None
    done = {target for target in group.targets if resumes and target.exists()}
    start = BEGINNING
    if state is not None and len(done) < len(group.targets):
        # A clip resumes at its saved state, or starts again.
        start = (state.load() if resumes else None) or BEGINNING
        done = set(group.targets[: start.position])
    bar.update(len(done))
    folder = PictureFolder(group, complete, done, how.input_rate)
    frames = folder.frames()
    if how.faces is not None:
        frames = tracked(frames, how.faces, float(how.input_rate), in_order)

    def after_each(count: int, matted: Matted) -> bool:
        bar.update()
        return True

    writer = PictureFilesWriter(write_file)
    output = write_behind(writer, how.output_kind, how, names, how.alpha_bits)
    run(
        frames,
        backends,
        [output],
        related=in_order,
        ahead=_AHEAD,
        start=start,
        resume=state,
        after_each=after_each,
    )
    return folder.unreadable


def _check_writable(folder: Path) -> None:
    """Makes the folder and tries it, so that a mistake shows before the network is compiled."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror})") from error
