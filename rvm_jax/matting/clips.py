"""A whole clip in one call: frames in, alpha and what is made of it out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import fields
from itertools import chain, islice, tee
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from rvm_jax.errors import UserError
from rvm_jax.matting import inputs
from rvm_jax.matting import outputs as out
from rvm_jax.matting.guidance import is_guided, load_guide
from rvm_jax.matting.guided_frames import GuidedByFiles, GuidedByNetwork
from rvm_jax.matting.matter import auto_ratio
from rvm_jax.matting.mattes import ClipMatter, Faces, MattedFrame, WholeFrames
from rvm_jax.matting.picture_matter import PictureMatter
from rvm_jax.matting.progress import ClipProgress
from rvm_jax.matting.settings import Settings, as_matter, check_guidance
from rvm_jax.matting.threads import WriteBehind, read_ahead
from rvm_jax.matting.weights import StrPath, Weights, load_network, weights_name, weights_stamp
from rvm_jax.media.composite import GREEN, comparison, composite
from rvm_jax.media.frame_source import Frame, FrameSource, resized

# Takes a comparison (H, 3·W, 3) of the newest frame; False ends the clip there.
Preview = Callable[[np.ndarray], bool]


class MattedVideo(NamedTuple):
    """What `matte_video` wrote: (kind, path) of each output, the frames in each, and which of them were bridged."""

    outputs: list[tuple[str, Path]]
    frames: int
    bridged: list[int]


def matte_video(
    weights: Weights,
    source: StrPath | FrameSource,
    output_dir: StrPath | None = None,
    *,
    outputs: out.Outputs | None = None,
    preview: Preview | None = None,
    **settings: Any,
) -> MattedVideo:
    """Mattes a clip; what it writes has the frame count, rate, duration and sound of the source.

        rvm_jax.matte_video("rvm_mobilenetv3.pth", "clip.mp4", outputs={"alpha": "alpha.mov"})

    Reading, transfer, computation and writing overlap, and the memory does not grow with the length. Outputs appear
    under their names when all frames are matted, not before. Where all of them are folders of PNG, an interrupted call
    leaves what it has done, and the same call goes on there.

    Args:
      weights: a network, or the path of one (see `load_network`).
      source: a video file; a folder of frames; "-" for raw frames on the standard input; "webcam" or "webcam:1"; or a
        `FrameSource`.
      output_dir: where `<stem>_alpha.mp4` and `<stem>_comparison.mp4` go unless `outputs` says otherwise.
      outputs: for each kind (see `outputs.KINDS`) a path or several: the suffix decides on the format, a name without
        one is a folder of PNG, "{stem}" stands for the source's name.
      preview: shown the newest frames.
      settings: the fields of `Settings`.

    Raises UserError where the source or the weights cannot be read, or an output cannot be written.
    """
    how = Settings(**settings)
    pairs = _pairs(source, output_dir, outputs)
    _check(pairs, how)
    with closing(inputs.open_source(source, how)) as video:
        networks = [load_network(weights, how.preparation), *map(load_network, how.compare_with)]
        # One source serves all that want guidance; there must be one that does.
        for network in [each for each in networks if is_guided(each)] or networks[:1]:
            check_guidance(network, how)
        matters = [_clip_matter(network, video, how) for network in networks]
        names = [weights_name(each) for each in (weights, *how.compare_with)]
        progress = _progress(pairs, weights, source, video, how)
        frames = _run(video, matters, names, pairs, how, progress, preview)
        return MattedVideo(pairs, frames, list(video.damaged))


def plan_video(
    source: StrPath | FrameSource,
    output_dir: StrPath | None = None,
    *,
    outputs: out.Outputs | None = None,
    **settings: Any,
) -> list[str]:
    """Returns, line by line, what `matte_video` would do, and does none of it. Raises what it would raise before its
    work begins."""
    how = Settings(**settings)
    pairs = _pairs(source, output_dir, outputs)
    _check(pairs, how)
    with closing(inputs.open_source(source, how)) as video:
        height, width = how.input_resize or video.size
        count = f"about {video.expected_frames} frames" if video.expected_frames else "frames until it ends"
        sound = ", with sound" if video.sound else ""
        lines = [f"{video.name}: {count} of {width}x{height} at {float(video.rate):.6g} a second{sound}"]
    seen = (how.face_side, how.face_side) if how.faces else (height, width)
    ratio = auto_ratio(*seen) if how.downsample_ratio == "auto" else how.downsample_ratio
    what = "the square of each face" if how.faces else "it"
    still = " (one for still pictures: 1)" if how.downsample_ratio == "auto" and ratio < 1 else ""
    lines.append(
        f"  the network sees {what} at ratio {ratio:.4g}{still}, {how.seq_chunk} frames at a time, in {how.dtype}"
    )
    return lines + [f"  would write {out.describe(kind, path, how)}" for kind, path in pairs]


def _pairs(
    source: StrPath | FrameSource, output_dir: StrPath | None, outputs: out.Outputs | None
) -> list[tuple[str, Path]]:
    if not outputs:
        if output_dir is None:
            raise UserError("nothing to write; give output_dir, or outputs such as the alpha")
        outputs = {kind: Path(output_dir) / f"{{stem}}_{kind}.mp4" for kind in ("alpha", "comparison")}
    return out.listed(outputs, inputs.stem(source))


def _check(pairs: list[tuple[str, Path]], how: Settings) -> None:
    for kind, path in pairs:
        out.describe(kind, path, how)
        if kind in ("occluder", "occlusion") and how.faces is None and how.face_mask is None:
            raise UserError(
                f"{path}: the network shows the visible face only; to tell what is hidden, say where the whole face is "
                "(face_mask, or faces by a file or a detector)"
            )


def _clip_matter(network: Any, video: FrameSource, how: Settings) -> ClipMatter:
    if is_guided(network):
        assert how.guidance is not None
        guided = PictureMatter(network, dtype=how.dtype, alpha_bits=how.alpha_bits)
        if how.guidance.path is not None:
            return GuidedByFiles(guided, network.wants.guidance, how.guidance, how.input_resize)
        first = WholeFrames(as_matter(load_guide(how.guidance), how))
        return GuidedByNetwork(guided, network.wants.guidance, first)
    matter = as_matter(network, how)
    if how.faces is None:
        return WholeFrames(matter, how.alpha_bits)
    return Faces(matter, how.faces, float(video.rate), how.face_side, how.alpha_bits)


def _progress(
    pairs: list[tuple[str, Path]], weights: Weights, source: Any, video: FrameSource, how: Settings
) -> ClipProgress | None:
    """Only folders of frames can go on, and only where one state is all that the frames before leave."""
    alone = how.faces is None and not how.compare_with and how.scene_cut is None
    if not alone or inputs.is_live(source) or not all(out.is_folder(path) for _, path in pairs):
        return None
    when = Path(video.name).stat().st_mtime_ns if Path(video.name).exists() else 0
    names = [field.name for field in fields(how) if field.name not in ("progress", "seq_chunk", "faces", "guidance")]
    plain = {name: getattr(how, name) for name in names} | {"guidance": how.guidance.stamp if how.guidance else None}
    job = {"source": video.name, "when": when, "weights": weights_stamp(weights), "outputs": pairs, "settings": plain}
    return ClipProgress(pairs[0][1], job)


def _run(
    video: FrameSource,
    matters: Sequence[ClipMatter],
    names: Sequence[str],
    pairs: list[tuple[str, Path]],
    how: Settings,
    progress: ClipProgress | None,
    preview: Preview | None,
) -> int:
    done, rec = progress.load() if progress else (0, None)
    open_outputs: list[WriteBehind] = []
    try:
        for kind, path in pairs:
            open_outputs.append(out.open_output(kind, path, video, how, names, resume=done > 0))
        with tqdm(
            total=video.expected_frames,
            initial=done,
            desc=Path(video.name).name,
            unit="frame",
            disable=not how.progress,
        ) as bar:
            for items, state in _matted(video, matters, how, done, rec):
                for item in items:
                    for output in open_outputs:
                        output.put(item)
                done += len(items)
                bar.update(len(items))
                rec = state if len(items) == how.seq_chunk else None
                if progress and rec is not None and progress.is_due(done):
                    _save(progress, open_outputs, done, rec)
                if preview and not preview(_shown(items[-1][0])):
                    break
        while open_outputs:
            open_outputs[0].close()
            del open_outputs[0]
    except BaseException:
        if progress and done and rec is not None:
            _try_to_save(progress, open_outputs, done, rec)
        for output in open_outputs:
            output.discard()
        raise
    if progress:
        progress.remove()
    return done


def _matted(
    video: FrameSource, matters: Sequence[ClipMatter], how: Settings, done: int, rec: Any
) -> Iterator[tuple[list[list[MattedFrame]], Any]]:
    """Yields a chunk's frames, each as all networks matted it, with their regions; and the first network's state."""
    frames = read_ahead(islice(resized(video.frames(), how.input_resize), done, None), 2 * how.seq_chunk)
    try:
        first = next(frames, None)
        if first is None:
            return
        height, width = first.rgb.shape[:2]
        regions = None
        if how.face_mask is not None:
            regions = islice(inputs.masks(how.face_mask, (height, width), how.input_resize), done, None)
        streams = _split(chain([first], frames), len(matters))
        chunks = [matter.matte(stream, how.seq_chunk, rec) for matter, stream in zip(matters, streams, strict=True)]
        for parts in zip(*chunks, strict=True):
            items = [list(item) for item in zip(*(part.frames for part in parts), strict=True)]
            if regions is not None:
                items = [
                    [each._replace(regions={"0": mask}) for each in item]
                    for item, mask in zip(items, islice(regions, len(items)), strict=True)
                ]
            yield items, parts[0].rec
    finally:
        frames.close()


def _split(frames: Iterator[Frame], count: int) -> list[Iterator[Frame]]:
    """The same frames for several networks, which take them chunk by chunk in turn."""
    return [frames] if count == 1 else list(tee(frames, count))


def _save(progress: ClipProgress, open_outputs: list[WriteBehind], done: int, rec: Any) -> None:
    for output in open_outputs:
        output.flush()
    progress.save(done, rec)


def _try_to_save(progress: ClipProgress, open_outputs: list[WriteBehind], done: int, rec: Any) -> None:
    """Where writing itself has failed, what was saved before stays valid."""
    try:
        _save(progress, open_outputs, done, rec)
    except Exception:
        return


def _shown(matted: MattedFrame) -> np.ndarray:
    return comparison(matted.frame.rgb, matted.pha8, composite(matted.fgr, matted.pha8, GREEN))
