"""The command `rvm-matte`, the same as scripts/matte.py of a checkout: mattes videos, cameras and pictures.

    rvm-matte --checkpoint=rvm_mobilenetv3.pth --input_source=clip.mp4 --output_alpha=alpha.mov

docs/matting.md shows what else it can do.
"""

import glob
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rvm_jax import cli
from rvm_jax.errors import UserError
from rvm_jax.matting import option_flags
from rvm_jax.matting.command_options import CommandOptions
from rvm_jax.matting.options import PictureSettings, Settings

if TYPE_CHECKING:
    from rvm_jax.matting.formats import Format
    from rvm_jax.matting.guidance import GuidanceSource
    from rvm_jax.matting.weights import Loader, Weights
    from rvm_jax.media.face_tracks import FaceTracks
    from rvm_jax.media.preview import PreviewWindow

_KINDS = ("alpha", "foreground", "composition", "occluder", "occlusion", "comparison")
_NAMED = 20

for _options in (CommandOptions, PictureSettings):
    option_flags.define(_options)


def run(usage: str | None = None) -> None:
    """Runs the installed command; `usage` is what --help says above the flags."""
    cli.run(main, usage or __doc__, option_flags)


def main(argv: list[str], *, load: "Loader | None" = None, formats: "Mapping[str, Format] | None" = None) -> None:
    """Reads the flags and calls `matte_pictures` or `matte_video`.

    Args:
      argv: the command line without its flags.
      load, formats: see `matte_video`.

    Raises:
      UserError: if there is a mistake in the flags, or in what they name.
    """
    del argv
    given = CommandOptions(**option_flags.read(CommandOptions))
    sources = _sources(given.input_source)
    if all(_is_for_pictures(source, given) for source in sources):
        if len(sources) > 1:
            _check_pictures(sources, given)
        for source in sources:
            _matte_pictures(source, given, load)
        return
    failed = []
    command = _ClipCommand(given, load, formats)
    command.check(sources)
    shared = command.shared_matter() if len(sources) > 1 and not given.dry_run else None
    for source in sources:
        try:
            command.matte(source, shared)
        except UserError as error:
            if len(sources) == 1:
                raise
            failed.append(str(error))
    if failed:
        raise UserError(f"{len(failed)} of {len(sources)} clips failed, the others are matted: " + "; ".join(failed))


def _matte_pictures(source: str, given: CommandOptions, load: "Loader | None") -> None:
    from rvm_jax.matting.pictures import matte_pictures, plan_pictures

    if given.output_dir is None:
        raise UserError("give --output_dir, the folder for the pictures' results")
    if given.preview:
        raise UserError("--preview is for clips; leave it out for pictures")
    settings = {**option_flags.read(PictureSettings), **_derived(given)}
    how = PictureSettings(**settings)
    if given.dry_run:
        for group in plan_pictures(source, given.output_dir, how):
            what = "frames of a clip" if group.related else "pictures"
            print(f"{group.sources[0].parent}: {len(group.sources)} {what}, would write {group.targets[0]} …")
        return
    written = matte_pictures(given.checkpoint[0], source, given.output_dir, load=load, **settings)
    print(f"{len(written)} pictures in {given.output_dir}")


def _check_pictures(sources: list[str], given: CommandOptions) -> None:
    """Raises UserError if results of several folders would replace each other, or a picture of another."""
    from rvm_jax.media.picture_folders import find_pictures, results
    from rvm_jax.output_paths import check_outputs

    if given.output_dir is None:
        raise UserError("give --output_dir, the folder for the pictures' results")
    how = option_flags.read(PictureSettings)
    sequence, output_format = how["sequence"], how["output_format"]
    groups = [
        group
        for source in sources
        for group in find_pictures(source, given.output_dir, sequence=sequence, output_format=output_format)
    ]
    check_outputs(results(groups), [path for group in groups for path in group.sources])


class _ClipCommand:
    """What the command does about clips."""

    def __init__(self, given: CommandOptions, load: "Loader | None", formats: "Mapping[str, Format] | None"):
        own = option_flags.given(PictureSettings)
        for name in ("faithful", "output_kind", "output_format"):
            if name in own:
                raise UserError(f"--{own[name]} is for pictures, and for folders of frames without an --output_… flag")
        self._given, self._load = given, load
        self._formats: dict[str, Any] = {"formats": formats} if formats is not None else {}
        self._settings = {**option_flags.read(Settings), **_derived(given)}
        self._outputs = _outputs(given)

    def check(self, sources: list[str]) -> None:
        """Raises UserError if an output of any clip would replace one of another, or anything that is read."""
        from rvm_jax.matting.inputs import input_paths, source_paths
        from rvm_jax.matting.video import planned_outputs
        from rvm_jax.matting.weights import weights_paths
        from rvm_jax.output_paths import check_outputs

        how, given = Settings(**self._settings), self._given
        planned = {
            source: [path for _, path in planned_outputs(source, given.output_dir, self._outputs, how, **self._formats)]
            for source in sources
        }
        read = [path for source in sources for path in source_paths(source)]
        read += [path for each in given.checkpoint for path in weights_paths(each)]
        read += [Path(path) for path in (given.face_file, given.face_model) if path]
        check_outputs(planned, [*read, *input_paths(how)])

    def matte(self, source: str, shared: "Weights | None") -> None:
        """Mattes a clip, with the network that several share, and says what was written."""
        from rvm_jax.matting.video import matte_video, plan_video
        from rvm_jax.matting.weights import auto_side_of

        given, settings = self._given, self._settings
        if given.dry_run:
            side = auto_side_of(given.checkpoint[0])
            lines = plan_video(
                source, given.output_dir, outputs=self._outputs, auto_side=side, **self._formats, **settings
            )
            print("\n".join(lines))
            return
        weights: Weights = given.checkpoint[0]
        if shared is not None:
            weights, settings = shared, settings | {"preparation": None}
        window = _window(source, given)
        try:
            result = matte_video(
                weights,
                source,
                given.output_dir,
                outputs=self._outputs,
                preview=window,
                load=self._load,
                **self._formats,
                **settings,
            )
        finally:
            if window:
                window.close()
        print(f"{result.frames} frames in {', '.join(str(path) for _, path in result.outputs)}")
        if result.bridged:
            named = ", ".join(map(str, result.bridged[:_NAMED])) + (" …" if len(result.bridged) > _NAMED else "")
            print(
                f"warning: {source}: {len(result.bridged)} broken frames were bridged by their neighbours: {named}",
                file=sys.stderr,
            )

    def shared_matter(self) -> "Weights":
        """Returns the network of several clips, compiled once for all if it takes frames alone."""
        from rvm_jax.matting.guidance import is_guided
        from rvm_jax.matting.make_backend import as_matter
        from rvm_jax.matting.weights import loader_for

        how = Settings(**self._settings)
        if how.guidance is not None and how.guidance.path is not None:
            raise UserError(f"{how.guidance.path}: is of one clip; give the clips of {self._given.input_source} singly")
        network = (self._load or loader_for(how))(self._given.checkpoint[0], how.preparation)
        return cast("Weights", network if is_guided(network) else as_matter(network, how))


def _sources(given: str) -> list[str]:
    """The clips that --input_source names; pictures, and the frames of one clip, stay together."""
    if not given.strip():
        raise UserError("--input_source is empty; give a video, a picture, or a folder of pictures")
    if not glob.has_magic(given) or Path(given).exists():
        return _clips_in(Path(given)) or [given]
    from rvm_jax.media.pictures import PICTURE_SUFFIXES

    found = sorted(glob.glob(given, recursive=True))  # noqa: PTH207  patterns may be absolute
    if not found:
        raise UserError(f"{given}: matches no file")
    if all(Path(path).suffix.lower() in PICTURE_SUFFIXES for path in found):
        return [given]
    return found


def _clips_in(folder: Path) -> list[str]:
    """The clips of a folder that holds no pictures."""
    from rvm_jax.media.pictures import list_pictures
    from rvm_jax.media.video_formats import VIDEO_SUFFIXES

    if not folder.is_dir() or any(path.suffix.lower() != ".gif" for path in list_pictures(folder)):
        return []
    return sorted(
        str(path)
        for path in folder.iterdir()
        if path.suffix.lower() in (*VIDEO_SUFFIXES, ".gif") and not path.name.startswith(".")
    )


def _is_for_pictures(source: str, given: CommandOptions) -> bool:
    from rvm_jax.media.pictures import PICTURE_SUFFIXES

    path = Path(source)
    if not path.is_dir() and path.suffix.lower() not in PICTURE_SUFFIXES:
        return False
    return given.output_type is None and not _named_outputs(given)


def _named_outputs(given: CommandOptions) -> dict[str, tuple[str, ...]]:
    return {kind: paths for kind in _KINDS if (paths := getattr(given, f"output_{kind}"))}


def _outputs(given: CommandOptions) -> dict[str, tuple[str, ...]]:
    """The outputs of clips by kind; none for those by default. Raises UserError if names and type disagree."""
    outputs = _named_outputs(given)
    if not outputs and given.output_dir is not None and given.output_type == "png_sequence":
        return {kind: (f"{given.output_dir}/{{stem}}_{kind}",) for kind in ("alpha", "comparison")}
    for kind, paths in outputs.items():
        for path in paths if kind != "occlusion" else ():
            if given.output_type == "png_sequence" and Path(path).suffix:
                raise UserError(f"{path}: --output_type=png_sequence writes folders; give a name without a suffix")
            if given.output_type == "video" and not Path(path).suffix:
                raise UserError(f"{path}: --output_type=video needs a suffix, such as .mp4 or .mov")
    return outputs


def _derived(given: CommandOptions) -> dict[str, Any]:
    """The settings that several flags make up."""
    from rvm_jax.media.backgrounds import make_background

    make_background(option_flags.read(Settings)["background"])  # a mistake shows now
    return {"guidance": _guidance(given), "faces": _faces(given), "compare_with": given.checkpoint[1:]}


def _guidance(given: CommandOptions) -> "GuidanceSource | None":
    named = {"files": given.guidance, "alphas": given.guidance_alpha, "network": given.guidance_checkpoint}
    chosen = {name: value for name, value in named.items() if value}
    if len(chosen) > 1:
        raise UserError("give one of --guidance, --guidance_alpha and --guidance_checkpoint")
    if not chosen:
        return None
    from rvm_jax.matting.guidance import GuidanceSource

    return GuidanceSource(**chosen)


def _faces(given: CommandOptions) -> "FaceTracks | None":
    from rvm_jax.media.face_tracks import YuNetTracks, read_faces

    if given.face_file and given.face_model:
        raise UserError("give --face_file or --face_model, not both")
    if given.face_file:
        return read_faces(given.face_file, given.face_gap, given.face_template)
    if given.face_model:
        return YuNetTracks(given.face_model, given.max_faces, gap=given.face_gap, template=given.face_template)
    if given.face_template:
        raise UserError("--face_template says how faces are cut out; give --face_file or --face_model, which find them")
    return None


def _window(source: str, given: CommandOptions) -> "PreviewWindow | None":
    from rvm_jax.matting.inputs import is_live
    from rvm_jax.media.preview import PreviewWindow, has_screen

    wanted = given.preview
    if wanted is None:
        wanted = is_live(source) and source != "-" and has_screen()
    return PreviewWindow(f"rvm-matte: {source}") if wanted else None
