"""A whole clip in one call: frames in, alpha and what is made of it out."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from rvm_jax.errors import UserError
from rvm_jax.matting import inputs
from rvm_jax.matting.faces import tracked
from rvm_jax.matting.formats import FORMATS, STILL_FORMATS, Format, is_folder
from rvm_jax.matting.guides import clip_frames
from rvm_jax.matting.inputs import input_paths, source_paths
from rvm_jax.matting.make_backend import guided_kinds, make_backend
from rvm_jax.matting.matted import Matted
from rvm_jax.matting.matter import AUTO_SIDE, auto_ratio
from rvm_jax.matting.options import Settings
from rvm_jax.matting.outputs import Items, Outputs, check_kinds, describe, listed, open_output
from rvm_jax.matting.pipeline import run
from rvm_jax.matting.resume import BEGINNING, ResumeState, Start, beside, job_of
from rvm_jax.matting.threads import WriteBehind
from rvm_jax.matting.weights import Loader, StrPath, Weights, loader_for, weights_name, weights_paths
from rvm_jax.media.composite import GREEN, comparison, composite
from rvm_jax.media.frame_source import FrameSource
from rvm_jax.output_paths import check_outputs

# Takes a comparison (H, 3·W, 3) of the newest frame; False ends the clip there.
Preview = Callable[[np.ndarray], bool]


class MattedVideo(NamedTuple):
    """Says what `matte_video` wrote: (kind, path) of each output, the frames in each, which of them were bridged."""

    outputs: list[tuple[str, Path]]
    frames: int
    bridged: list[int]


def matte_video(
    weights: Weights,
    source: StrPath | FrameSource,
    output_dir: StrPath | None = None,
    *,
    outputs: Outputs | None = None,
    preview: Preview | None = None,
    load: Loader | None = None,
    formats: Mapping[str, Format] = FORMATS,
    **settings: Any,
) -> MattedVideo:
    """Mattes a clip; what it writes has the frame count, rate, duration and sound of the source.

        rvm_jax.matte_video("rvm_mobilenetv3.pth", "clip.mp4", outputs={"alpha": "alpha.mov"})

    Reading, transfer, computation and writing overlap, and the memory does not grow with the length. Outputs appear
    under their names when all frames are matted, not before. If all of them are folders of PNG, an interrupted call
    leaves what it has done, and the same call resumes there.

    Args:
      weights: a network, or the path of one (see `load_network`).
      source: a video file; a folder of frames; "-" for raw frames on the standard input; "webcam" or "webcam:1"; or a
        `FrameSource`.
      output_dir: where `<stem>_alpha.mp4` and `<stem>_comparison.mp4` go unless `outputs` says otherwise.
      outputs: for each kind (see `outputs.KINDS`) a path or several: the suffix decides on the format, a name without
        one is a folder of PNG, "{stem}" stands for the source's name.
      preview: shown the newest frame of each chunk.
      load: how the paths of networks are read, `load_network` by default.
      formats: the formats by suffix.
      settings: the fields of `Settings`.

    Raises:
      UserError: if the source or the weights cannot be read, or an output cannot be written.
    """
    how = _settled(source, Settings(**settings))
    load = load or loader_for(how)
    formats = _formats(source, formats)
    pairs = planned_outputs(source, output_dir, outputs, how, formats)
    check_outputs([path for _, path in pairs], [*source_paths(source), *weights_paths(weights), *input_paths(how)])
    with closing(inputs.open_source(source, how)) as video:
        networks = [load(weights, how.preparation), *map(load, how.compare_with)]
        kinds = guided_kinds(networks, how)
        backends = [make_backend(network, how) for network in networks]
        names = [weights_name(each) for each in (weights, *how.compare_with)]
        resume = _resume(pairs, weights, source, video, how)
        start = (resume and resume.load()) or BEGINNING
        frames = clip_frames(video, how, kinds, start.position)
        if how.faces is not None:
            frames = tracked(frames, how.faces, float(video.rate), related=True)
        bar = tqdm(
            total=video.expected_frames,
            initial=start.position,
            desc=Path(video.name).name,
            unit="frame",
            disable=not how.progress,
        )

        def after_each(count: int, matted: Matted) -> bool:
            bar.update()
            return preview is None or count % how.seq_chunk > 0 or preview(_shown(matted))

        with bar:
            opened = _opened(pairs, video, how, names, start, formats)
            count = run(
                frames,
                backends,
                opened,
                related=True,
                ahead=2 * how.seq_chunk,
                start=start,
                resume=resume,
                after_each=after_each,
            )
        return MattedVideo(pairs, start.position + count, list(video.damaged))


def plan_video(
    source: StrPath | FrameSource,
    output_dir: StrPath | None = None,
    *,
    outputs: Outputs | None = None,
    formats: Mapping[str, Format] = FORMATS,
    auto_side: int = AUTO_SIDE,
    **settings: Any,
) -> list[str]:
    """Returns, line by line, what `matte_video` would do, and does none of it.

    Raises:
      UserError: if `matte_video` would, before its work begins.
    """
    how, formats = _settled(source, Settings(**settings)), _formats(source, formats)
    pairs = planned_outputs(source, output_dir, outputs, how, formats)
    check_outputs([path for _, path in pairs], [*source_paths(source), *input_paths(how)])
    with closing(inputs.open_source(source, how)) as video:
        height, width = how.input_resize or video.size
        count = f"about {video.expected_frames} frames" if video.expected_frames else "frames until it ends"
        sound = ", with sound" if video.sound else ""
        lines = [f"{video.name}: {count} of {width}x{height} at {float(video.rate):.6g} a second{sound}"]
    seen = (how.face_side, how.face_side) if how.faces else (height, width)
    ratio = auto_ratio(*seen, auto_side) if how.downsample_ratio == "auto" else how.downsample_ratio
    what = "the square of each face" if how.faces else "it"
    still = " (one for still pictures: 1)" if how.downsample_ratio == "auto" and ratio < 1 else ""
    lines.append(
        f"  the network sees {what} at ratio {ratio:.4g}{still}, {how.seq_chunk} frames at a time, in {how.dtype}"
    )
    return lines + [f"  would write {describe(kind, path, how, formats)}" for kind, path in pairs]


def _settled(source: StrPath | FrameSource, how: Settings) -> Settings:
    """Returns settings for a source: a single picture is no chunk of frames."""
    chunk = 1 if inputs.is_single_picture(source) else how.seq_chunk
    return replace(how, pad_to=how.pad_to or 1, seq_chunk=chunk)


def _formats(source: StrPath | FrameSource, formats: Mapping[str, Format]) -> Mapping[str, Format]:
    return {**formats, **STILL_FORMATS} if inputs.is_single_picture(source) else formats


def planned_outputs(
    source: StrPath | FrameSource,
    output_dir: StrPath | None,
    outputs: Outputs | None,
    how: Settings,
    formats: Mapping[str, Format] = FORMATS,
) -> list[tuple[str, Path]]:
    """Returns (kind, path) of each output that `matte_video` would write; see there.

    Raises:
      UserError: if there is none, or one cannot be written so.
    """
    formats = _formats(source, formats)
    if not outputs:
        if output_dir is None:
            raise UserError("nothing to write; give output_dir, or outputs such as the alpha")
        outputs = {kind: Path(output_dir) / f"{{stem}}_{kind}.mp4" for kind in ("alpha", "comparison")}
    pairs = listed(outputs, inputs.stem(source), formats)
    for kind, path in pairs:
        describe(kind, path, how, formats)
    check_kinds([kind for kind, _ in pairs], how, ", ".join(str(path) for _, path in pairs))
    return pairs


def _opened(
    pairs: Sequence[tuple[str, Path]],
    video: FrameSource,
    how: Settings,
    names: Sequence[str],
    start: Start,
    formats: Mapping[str, Format],
) -> list[WriteBehind[Items]]:
    opened: list[WriteBehind[Items]] = []
    try:
        for kind, path in pairs:
            opened.append(open_output(kind, path, video, how, names, start.position > 0, formats))
    except BaseException:
        for output in opened:
            output.discard()
        raise
    return opened


def _resume(
    pairs: Sequence[tuple[str, Path]],
    weights: Weights,
    source: StrPath | FrameSource,
    video: FrameSource,
    how: Settings,
) -> ResumeState | None:
    """Only folders of frames can be resumed, and only if one state is all that the frames before leave."""
    alone = how.faces is None and not how.compare_with and how.scene_cut is None
    if not alone or inputs.is_live(source) or not all(is_folder(path) for _, path in pairs):
        return None
    when = Path(video.name).stat().st_mtime_ns if Path(video.name).exists() else 0
    return ResumeState(beside(pairs[0][1]), job_of(weights, how, source=video.name, when=when, outputs=pairs))


def _shown(matted: Matted) -> np.ndarray:
    return comparison(matted.frame.rgb, matted.pha8, composite(matted.fgr, matted.pha8, GREEN))
