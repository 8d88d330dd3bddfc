"""A look at a source: what it holds, what it leaves out and why, and a contact sheet."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from data_pipeline.faults import Faults
from data_pipeline.sources.adapter import Adapter
from data_pipeline.sources.base import ClipSource, Picture, Source
from data_pipeline.sources.decode import decode, decode_clip
from rvm_jax.errors import UserError
from rvm_jax.media.sheets import grid

_THUMBNAIL = 128
_COLUMNS = 8
_NAMED = 5
_BEHIND = (0, 200, 80)  # what shows where the alpha is 0, in the sheet's second row


class Report(NamedTuple):
    """What was found: lines for people, and the sheet, RGB uint8, or None where nothing could be decoded."""

    lines: list[str]
    sheet: np.ndarray | None


def inspect_source(
    source: Source | ClipSource, adapter: Adapter, *, label: str, sample: int | None, pictures: int = 24
) -> Report:
    """Decodes `sample` items, evenly spread (all where None), and reports on the source."""
    positions = _spread(len(source), sample)
    shown = set(_spread(len(positions), pictures))
    sizes: list[tuple[int, ...]] = []
    lengths: list[int] = []
    coverage: list[float] = []
    categories: Counter[str] = Counter()
    problems: dict[str, str] = {}
    faults = Faults()
    thumbnails: list[Picture] = []
    for number, position in enumerate(tqdm(positions, label, unit="items", leave=False)):
        try:
            picture = _still(source, position, lengths, faults)
        except UserError as error:
            problems[f"item {position}"] = str(error)
            continue
        sizes.append(picture.rgb.shape[:2])
        coverage.append(float(picture.alpha.mean() / 255))
        categories[picture.category] += 1
        if number in shown:
            thumbnails.append(picture)
    if hasattr(source, "records"):
        categories = Counter(record.category or label for record in source.records)
    skipped = dict(getattr(source, "skipped", {}))
    lines = [
        f"{label}: {adapter.title}",
        f"  origin: {adapter.origin}",
        f"  licence: {adapter.licence}",
        *([f"  known faults: {adapter.faults}"] if adapter.faults else []),
        f"  {len(source)} {'clips' if isinstance(source, ClipSource) else 'pictures'}, {len(skipped)} skipped",
        f"  categories: {_counted(categories)}",
    ]
    if lengths:
        lines.append(f"  frames a clip: {min(lengths)} to {max(lengths)}, half have up to {median(lengths):.0f}")
    if sizes:
        heights, widths = zip(*sizes, strict=True)
        least, most = min(sizes, key=math.prod), max(sizes, key=math.prod)
        middle = f"{median(widths):.0f}×{median(heights):.0f}"
        lines.append(f"  pixels: {least[1]}×{least[0]} to {most[1]}×{most[0]}, in the middle {middle}")
        lines.append(f"  the alpha covers {np.mean(coverage):.0%} of a picture, from {min(coverage):.0%}")
    lines.append(f"  decoded {len(sizes)} of {len(positions)} looked at")
    lines += faults.lines() + _reasons("skipped", skipped) + _reasons("cannot be used", problems)
    return Report(lines, _sheet(thumbnails) if thumbnails else None)


def _still(source: Source | ClipSource, position: int, lengths: list[int], faults: Faults) -> Picture:
    if not isinstance(source, ClipSource):
        item = source[position]
        picture = decode(item, "")
        faults.look(item, picture)
        return picture
    length = source.frames(position)
    lengths.append(length)
    return decode_clip(source.read(position, [length // 2]), "").frames[0]


def _spread(length: int, count: int | None) -> list[int]:
    if count is None or count >= length:
        return list(range(length))
    return [int((step + 0.5) * length / count) for step in range(count)]


def _counted(categories: Mapping[str, int]) -> str:
    return ", ".join(f"{name or 'none'} {count}" for name, count in sorted(categories.items())) or "none"


def _reasons(what: str, problems: Mapping[str, str]) -> list[str]:
    lines = [f"  {what}: {file}: {reason}" for file, reason in list(problems.items())[:_NAMED]]
    if len(problems) > _NAMED:
        lines.append(f"  {what}: {len(problems) - _NAMED} more")
    return lines


def _sheet(pictures: Sequence[Picture]) -> np.ndarray:
    rows: list[list[np.ndarray]] = []
    titles: list[str] = []
    for start in range(0, len(pictures), _COLUMNS):
        part = pictures[start : start + _COLUMNS]
        rows += [[_thumbnail(p.rgb) for p in part], [_thumbnail(_cut_out(p)) for p in part]]
        titles += [", ".join(p.key.rpartition("/")[2][:16] for p in part), ""]
    return grid(rows, titles=titles)


def _cut_out(picture: Picture) -> np.ndarray:
    alpha = picture.alpha[..., None] / 255
    return (picture.rgb * alpha + np.array(_BEHIND) * (1 - alpha)).round().astype(np.uint8)


def _thumbnail(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    scale = _THUMBNAIL / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
