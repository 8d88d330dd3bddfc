"""Pictures, and the frames of clips in folders, into alphas or compositions of their names."""

import contextlib
import json
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from tqdm import tqdm

from rvm_jax.errors import UserError
from rvm_jax.matter import Matter
from rvm_jax.matting.mattes import MattedFrame, quantize
from rvm_jax.matting.outputs import renderer
from rvm_jax.matting.progress import ClipProgress
from rvm_jax.matting.settings import Settings, as_matter
from rvm_jax.matting.weights import StrPath, Weights, load_network, weights_stamp
from rvm_jax.media.frame_source import Frame
from rvm_jax.media.picture_tree import PictureGroup, find_pictures
from rvm_jax.media.pictures import read_picture, write_bytes, write_picture

# Pictures on their way from the disk, and as many on their way to it, while others are matted.
_IN_FLIGHT = 16
_NAMED_ERRORS = 20
_MARKER = ".matting.json"
PICTURE_KINDS = ("alpha", "foreground", "composition")


def matte_pictures(
    weights: Weights,
    source: StrPath,
    output_dir: StrPath,
    *,
    sequence: bool = False,
    output_kind: str = "alpha",
    output_format: str = "png",
    pad_to: int = 1,
    **settings: Any,
) -> list[Path]:
    """Mattes pictures into `<output_dir>/[<category>/][<clip>/]<name>.<output_format>`.

    Interrupted work goes on: the same call passes over what an earlier one has written, and takes up a clip in its
    middle with the state that it had there.

    Args:
      weights: a network, or the path of one (see `load_network`).
      source: a picture; a folder of pictures; a tree `<category>/img/<name>` or `<category>/img/<clip>/<frame>`; or one
        category of such a tree. The frames of a clip carry the recurrent state; other pictures start from a zero state
        each.
      output_dir: where the results go; it is made where it is missing.
      sequence: take the pictures of a folder, too, as the frames of one clip.
      output_kind: "alpha" (grey), "foreground", or "composition" on the background; "transparent" makes that RGBA with
        straight alpha.
      output_format: "png" or "jpg".
      pad_to: see `Matter`: pictures of many sizes share compilations.
      settings: the fields of `Settings` that concern pictures: downsample_ratio, seq_chunk, dtype, scene_cut,
        background, alpha_bits, progress.

    Returns the files written, in the order of their sources; those of an earlier call too where it went on.

    Raises UserError where `source` holds no pictures, two of them would get one name, the weights cannot be read, or
    `output_dir` cannot be written; and, after all others are matted, where pictures could not be read.
    """
    how = Settings(**settings)
    groups = find_pictures(source, output_dir, sequence=sequence, output_format=output_format)
    render = _picture_renderer(output_kind, output_format, how)
    total = sum(len(group.sources) for group in groups)
    output_dir = Path(output_dir)
    _check_writable(output_dir)
    network = load_network(weights)
    job = {"source": str(source), "weights": weights_stamp(weights), "kind": output_kind, "pad_to": pad_to}
    job |= {"settings": {key: getattr(how, key) for key in _MATTERING}}
    goes_on = _begin(output_dir / _MARKER, job)
    matter = as_matter(network, how, pad_to)
    written: list[Path] = []
    unreadable: list[str] = []
    with (
        ThreadPoolExecutor(_IN_FLIGHT) as pool,
        tqdm(total=total, desc=Path(source).name, unit="frame", disable=not how.progress) as bar,
    ):
        for group in groups:
            work = _Group(group, matter, how, job, goes_on, unreadable)
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
            f"{len(unreadable)} of {total} pictures could not be read, the others are matted: "
            + "; ".join(unreadable[:_NAMED_ERRORS])
            + more
        )
    return sorted(written, key={path: i for i, path in enumerate(_targets(groups))}.__getitem__)


# The settings that change what is written.
_MATTERING = ("downsample_ratio", "dtype", "scene_cut", "background", "alpha_bits")


class _Group:
    """One folder on its way: what is done of it, what is left, and, for a clip, the state in between."""

    def __init__(
        self, group: PictureGroup, matter: Matter, how: Settings, job: dict, goes_on: bool, unreadable: list[str]
    ):
        self._matter, self._how, self._unreadable = matter, how, unreadable
        self._related = group.related
        self._rec: Any = None
        self._progress = ClipProgress(group.targets[0].parent, job) if group.related else None
        pairs = list(zip(group.sources, group.targets, strict=True))
        there = [goes_on and target.exists() for _, target in pairs]
        if self._progress and not all(there):
            # A clip goes on at its saved state; without one it begins anew.
            count, self._rec = self._progress.load() if goes_on else (0, None)
            there = [index < count for index in range(len(pairs))]
        self.done = [target for (_, target), is_there in zip(pairs, there, strict=True) if is_there]
        self._left = [pair for pair, is_there in zip(pairs, there, strict=True) if not is_there]
        self._before = len(self.done)
        self._boundaries: deque[tuple[Path, Any]] = deque()

    def write(self, pool: ThreadPoolExecutor, render: Any) -> Iterator[Path]:
        """Mattes and writes what is left; yields each target, in order, when it is written."""
        reached: tuple[int, Any] | None = None
        finished = False
        places = {target: self._before + index + 1 for index, (_, target) in enumerate(self._left)}
        try:
            for target in _write_behind(pool, self._mattes(self._read_ahead(pool)), render):
                if self._boundaries and self._boundaries[0][0] == target:
                    reached = places[target], self._boundaries.popleft()[1]
                    if self._progress and self._progress.is_due(reached[0]):
                        self._progress.save(*reached)
                yield target
            finished = True
        finally:
            if self._progress:
                if finished:
                    self._progress.remove()
                elif reached:
                    with contextlib.suppress(UserError):  # a full disk: what was saved before stays valid
                        self._progress.save(*reached)

    def _read_ahead(self, pool: ThreadPoolExecutor) -> Iterator[tuple[Path, np.ndarray]]:
        """Yields (target, picture) in order; what cannot be read is passed over and its error kept."""
        sources = iter([source for source, _ in self._left])
        waiting = deque(pool.submit(read_picture, source) for source in islice(sources, _IN_FLIGHT))
        for _, target in self._left:
            reading = waiting.popleft()
            waiting.extend(pool.submit(read_picture, source) for source in islice(sources, 1))
            try:
                picture = reading.result()
            except UserError as error:
                self._unreadable.append(str(error))
            else:
                yield target, picture

    def _mattes(self, pictures: Iterable[tuple[Path, np.ndarray]]) -> Iterator[tuple[Path, np.ndarray, Any, Any]]:
        """Yields (target, picture, fgr, pha); the last two may still be on the device."""
        rounded = partial(quantize, self._how.alpha_bits)
        if not self._related:
            for target, picture in pictures:
                self._matter.reset()
                fgr, pha, _ = rounded(self._matter(picture))
                yield target, picture, fgr, pha
            return
        targets: deque[Path] = deque()

        def frames() -> Iterator[np.ndarray]:
            for target, picture in pictures:
                targets.append(target)
                yield picture

        chunk = self._how.seq_chunk
        for src, (fgr, pha, rec) in self._matter.stream(frames(), chunk, self._rec, rounded):
            pha = np.asarray(pha)
            fgr = None if fgr is None else np.asarray(fgr)
            own = [targets.popleft() for _ in src]
            if len(src) == chunk:  # a filled-up chunk leaves no state to go on from
                self._boundaries.append((own[-1], rec))
            for index, target in enumerate(own):
                yield target, src[index], None if fgr is None else fgr[index], pha[index]


def _write_behind(
    pool: ThreadPoolExecutor, mattes: Iterable[tuple[Path, np.ndarray, Any, Any]], render: Any
) -> Iterator[Path]:
    """Renders and writes while later ones are computed; yields each target, in order, when it is written."""

    def write(target: Path, src: np.ndarray, fgr: Any, pha: Any) -> Path:
        # Waits for the device here, while the next picture goes there.
        frame = Frame(src, Fraction(0), None, target.stem)
        matted = MattedFrame(frame, np.asarray(pha), src if fgr is None else np.asarray(fgr), {})
        write_picture(target, render([matted]))
        return target

    waiting: deque[Future[Path]] = deque()
    for parts in mattes:
        waiting.append(pool.submit(write, *parts))
        if len(waiting) == _IN_FLIGHT:
            yield waiting.popleft().result()
    for writing in waiting:
        yield writing.result()


def _picture_renderer(kind: str, output_format: str, how: Settings) -> Any:
    if kind not in PICTURE_KINDS:
        raise UserError(f"output '{kind}' is unknown for pictures; use one of {', '.join(PICTURE_KINDS)}")
    is_rgba = kind == "composition" and how.background == "transparent"
    if output_format == "jpg" and (is_rgba or how.alpha_bits == 16):
        raise UserError("JPEG holds neither transparency nor 16 bits; use the output format png")
    return renderer(kind, how, ["network"], how.alpha_bits)


def _check_writable(folder: Path) -> None:
    """Makes the folder and tries it, so that a mistake shows before the network is loaded and compiled."""
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
