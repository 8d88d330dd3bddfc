"""Matting what lies on the disk: a video into an alpha and a comparison video, pictures into alphas."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from tqdm import tqdm

import rvm_jax
from rvm_jax.errors import UserError
from rvm_jax.matter import Matter
from rvm_jax.media.composite import GREEN, Color, comparison, composite
from rvm_jax.media.picture_tree import PictureGroup, find_pictures
from rvm_jax.media.pictures import read_picture, write_picture
from rvm_jax.media.video_reader import VideoReader
from rvm_jax.media.video_writer import VideoWriter

StrPath = str | os.PathLike
DEFAULT_CHUNK = 4
# Pictures on their way from the disk, and as many on their way to it, while others are matted.
_IN_FLIGHT = 16
_NAMED_ERRORS = 20


class MattedVideo(NamedTuple):
    """The files that `matte_video` wrote, and how many frames each of them has."""

    alpha: Path
    comparison: Path
    frames: int


def load_network(weights: nnx.Module | StrPath) -> nnx.Module:
    """Returns the network in evaluation mode held by a PyTorch file (.pth, .safetensors), else by a checkpoint or work
    directory; a network is passed through. Raises UserError where the path is absent or holds no network."""
    if isinstance(weights, nnx.Module):
        return weights
    path = Path(weights)
    if not path.exists():
        raise UserError(
            f"{path}: no such checkpoint; give a work directory, one of its steps, or a .pth or .safetensors"
        )
    return rvm_jax.load_torch(path) if path.is_file() else rvm_jax.load(path)


def matte_video(
    weights: nnx.Module | StrPath,
    source: StrPath,
    output_dir: StrPath,
    *,
    downsample_ratio: float = 1.0,
    seq_chunk: int = DEFAULT_CHUNK,
    background: Color = GREEN,
    progress: bool = True,
) -> MattedVideo:
    """Mattes a video into `<stem>_alpha.mp4` and `<stem>_comparison.mp4`, of its frame count and rate.

    The comparison shows side by side the input, the alpha, and the face cut out on a plain colour. Both files appear
    when all frames are matted, not before.

    Args:
      weights: a network, or the path of one (see `load_network`).
      source: a video file of any format that FFmpeg reads.
      output_dir: where the files go; it is made where it is missing.
      downsample_ratio: see `Matter`.
      seq_chunk: how many frames go to the device at once; more is faster on a GPU and takes more memory.
      background: the colour behind the cut-out, RGB 0..255.
      progress: whether to show a bar with frames per second and the time left.

    Raises UserError where the video or the weights cannot be read, or `output_dir` cannot be written.
    """
    source, output_dir = Path(source), Path(output_dir)
    alpha_path, comparison_path = (output_dir / f"{source.stem}_{kind}.mp4" for kind in ("alpha", "comparison"))
    with (
        VideoReader(source) as video,
        VideoWriter(alpha_path, video.rate) as alpha_writer,
        VideoWriter(comparison_path, video.rate) as comparison_writer,
    ):
        matter = Matter(load_network(weights), downsample_ratio)
        with tqdm(total=video.expected_frames, desc=source.name, unit="frame", disable=not progress) as bar:
            for src, matte in matter.stream(video, seq_chunk):
                pha = np.asarray(_to_uint8(matte.pha))
                fgr = src if matte.fgr is None else np.asarray(_to_uint8(matte.fgr))
                for alpha, frame in zip(pha, comparison(src, pha, composite(fgr, pha, background)), strict=True):
                    alpha_writer.write(alpha)
                    comparison_writer.write(frame)
                bar.update(len(src))
    return MattedVideo(alpha_path, comparison_path, alpha_writer.frames)


def matte_pictures(
    weights: nnx.Module | StrPath,
    source: StrPath,
    output_dir: StrPath,
    *,
    sequence: bool = False,
    output_format: str = "png",
    downsample_ratio: float = 1.0,
    seq_chunk: int = DEFAULT_CHUNK,
    progress: bool = True,
) -> list[Path]:
    """Mattes pictures into alphas `<output_dir>/[<category>/][<clip>/]<name>.<output_format>`, 8-bit grey.

    Args:
      weights: a network, or the path of one (see `load_network`).
      source: a picture; a folder of pictures; a tree `<category>/img/<name>` or `<category>/img/<clip>/<frame>`; or one
        category of such a tree. The frames of a clip carry the recurrent state; other pictures start from a zero state
        each.
      output_dir: where the alphas go; it is made where it is missing.
      sequence: take the pictures of a folder, too, as the frames of one clip.
      output_format: "png" or "jpg".
      downsample_ratio: see `Matter`.
      seq_chunk: how many frames of a clip go to the device at once.
      progress: whether to show a bar with frames per second and the time left.

    Returns the files written, in the order of their sources.

    Raises UserError where `source` holds no pictures, two of them would get one name, the weights cannot be read, or
    `output_dir` cannot be written; and, after all others are matted, where pictures could not be read.
    """
    groups = find_pictures(source, output_dir, sequence=sequence, output_format=output_format)
    total = sum(len(group.sources) for group in groups)
    _check_writable(Path(output_dir))
    matter = Matter(load_network(weights), downsample_ratio)
    written: list[Path] = []
    unreadable: list[str] = []
    with (
        ThreadPoolExecutor(_IN_FLIGHT) as pool,
        tqdm(total=total, desc=Path(source).name, unit="frame", disable=not progress) as bar,
    ):
        for group in groups:
            pictures = _read_ahead(pool, group, unreadable)
            for target in _write_behind(pool, _mattes(matter, pictures, seq_chunk if group.related else None)):
                written.append(target)
                bar.update()
    if unreadable:
        more = f"; and {len(unreadable) - _NAMED_ERRORS} more" if len(unreadable) > _NAMED_ERRORS else ""
        raise UserError(
            f"{len(unreadable)} of {total} pictures could not be read, the others are matted: "
            + "; ".join(unreadable[:_NAMED_ERRORS])
            + more
        )
    return written


def _check_writable(folder: Path) -> None:
    """Makes the folder and tries it, so that a mistake shows before the network is loaded and compiled."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror})") from error


def _read_ahead(
    pool: ThreadPoolExecutor, group: PictureGroup, unreadable: list[str]
) -> Iterator[tuple[Path, np.ndarray]]:
    """Yields (target, picture) in order; what cannot be read is passed over and its error kept in `unreadable`."""
    sources = iter(group.sources)
    waiting = deque(pool.submit(read_picture, source) for source in islice(sources, _IN_FLIGHT))
    for target in group.targets:
        reading = waiting.popleft()
        waiting.extend(pool.submit(read_picture, source) for source in islice(sources, 1))
        try:
            picture = reading.result()
        except UserError as error:
            unreadable.append(str(error))
        else:
            yield target, picture


def _mattes(
    matter: Matter, pictures: Iterable[tuple[Path, np.ndarray]], chunk: int | None
) -> Iterator[tuple[Path, jax.Array | np.ndarray]]:
    """Yields (target, alpha (H, W, 1) uint8); `chunk` None mattes each picture from a zero state."""
    if chunk is None:
        for target, picture in pictures:
            matter.reset()
            yield target, _to_uint8(matter(picture).pha)
        return
    targets: deque[Path] = deque()

    def frames() -> Iterator[np.ndarray]:
        for target, picture in pictures:
            targets.append(target)
            yield picture

    for _, matte in matter.stream(frames(), chunk):
        for pha in np.asarray(_to_uint8(matte.pha)):
            yield targets.popleft(), pha


def _write_behind(pool: ThreadPoolExecutor, alphas: Iterable[tuple[Path, jax.Array | np.ndarray]]) -> Iterator[Path]:
    """Writes the alphas while later ones are computed; yields each target, in order, when it is written."""

    def write(target: Path, alpha: jax.Array | np.ndarray) -> Path:
        write_picture(target, np.asarray(alpha))  # waits for the device here, while the next picture goes there
        return target

    waiting: deque[Future[Path]] = deque()
    for target, alpha in alphas:
        waiting.append(pool.submit(write, target, alpha))
        if len(waiting) == _IN_FLIGHT:
            yield waiting.popleft().result()
    for writing in waiting:
        yield writing.result()


@jax.jit
def _to_uint8(x: jax.Array) -> jax.Array:
    return jnp.round(x * 255).astype(jnp.uint8)
