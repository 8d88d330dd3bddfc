"""What a benchmark consists of: kinds of occlusion, by the occluders that belong to them, as pictures and as clips."""

import zlib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from typing import Any, NamedTuple

from data_pipeline.drawn import OBJECT, OCCLUDER_CATEGORIES
from data_pipeline.people.occluders import CATEGORIES
from data_pipeline.sources import current_adapter, open_source
from data_pipeline.sources.base import Request
from data_pipeline.sources.select import EmptySelectionError
from data_pipeline.techniques import TECHNIQUES
from rvm_jax.errors import UserError


class Kind(NamedTuple):
    """A kind of occlusion: the technique that makes it, and the categories of occluders that it takes, as patterns."""

    technique: str
    occluders: tuple[str, ...]  # none: the technique draws textures


KINDS = dict(
    sorted(
        (name, Kind(technique_name, occluders))
        for technique_name, technique in TECHNIQUES.items()
        for name, occluders in technique.benchmark.items()
    )
)
# The categories of sources that make their occluders, which are given by name.
_GENERATED: Mapping[str, tuple[str, ...]] = {"drawn": OCCLUDER_CATEGORIES, "people": tuple(CATEGORIES)}
STILL, MOVING = "still", "moving"

_EVER_OCCLUDED = {"occlusion": 1.0, "visits": 0.0, "pause": 0.0}
# A movement of so many frames that a clip sees nothing of it.
_NO_MOVEMENT = {"motion_span": (10**9, 10**9), "move_face": 0.0, "move_both": 0.0, "motion_blur": 0.0}
_MOVEMENT = {"occlusion": 1.0, "visits": 0.5, "pause": 0.0, "move_face": 0.5, "move_both": 0.5}


class Category(NamedTuple):
    """A folder of the benchmark: `items` pictures (`frames` 0) or clips, and the `data` section that makes them."""

    name: str
    items: int
    frames: int
    data: Mapping[str, Any]
    seed: int


def categories(
    data: Mapping[str, Any], *, pictures: int, clips: int, frames: int, resolution: int, seed: int, split: str
) -> tuple[list[Category], list[str]]:
    """Returns the categories, and the kinds for which the sources have no occluders.

    Args:
      data: the sections `faces`, `occluders` and, where there are some, `textures` of a config. `own_categories`, where
        it is given, says by label which occluders are a kind by themselves, and the technique that pastes them.
      pictures: how many of each kind.
      clips: how many of each kind that do not move, and as many that do; `frames` is their length.
      resolution: side of the frames.
      seed: of the benchmark.
      split: the split of the sources to take.

    Raises:
      UserError: if nothing is left.
    """
    made: list[Category] = []
    absent: list[str] = []
    for name, technique, occluders in _kinds(data, split, resolution):
        if occluders is None:
            absent.append(name)
            continue
        still, moving = _EVER_OCCLUDED | _NO_MOVEMENT, _MOVEMENT
        for category, count, length, options in (
            (name, pictures, 0, still),
            (f"{name}_{STILL}", clips, frames, still),
            (f"{name}_{MOVING}", clips, frames, moving),
        ):
            section = {
                "faces": data["faces"],
                "occluders": occluders,
                "textures": data.get("textures") or {},
                "techniques": {technique: {"name": technique, **options}},
                "resolution": resolution,
                "seq_length": max(length, 1),
                "trimap": False,
            }
            if count:
                made.append(Category(category, count, length, section, zlib.crc32(f"{seed}/{category}".encode())))
    if not made:
        raise UserError(
            "the benchmark would be empty: no kind of occlusion has occluders, or no pictures are asked for"
        )
    return made, absent


def _kinds(
    data: Mapping[str, Any], split: str, resolution: int
) -> Iterator[tuple[str, str, dict[str, dict[str, Any]] | None]]:
    """Yields each kind's name, its technique, and its occluders, or None where the sources have none for it."""
    specs = {label: dict(spec) for label, spec in (data.get("occluders") or {}).items()}
    own = dict(data.get("own_categories") or {})
    for label, technique in own.items():
        if label not in specs or label in KINDS:
            raise UserError(f"data.own_categories.{label}: name one of data.occluders that is called like no kind")
        if technique not in TECHNIQUES:
            raise UserError(f"data.own_categories.{label}: no technique '{technique}'; use {', '.join(TECHNIQUES)}")
    for name, kind in KINDS.items():
        chosen = {
            label: _narrowed(spec, kind, Request("occluder", split, resolution, f"data.occluders.{label}"))
            for label, spec in specs.items()
            if label not in own
        }
        occluders = {label: spec for label, spec in chosen.items() if spec is not None}
        yield name, kind.technique, occluders if occluders or not kind.occluders else None
    for label, technique in own.items():
        yield label, technique, {label: specs[label]}


def _narrowed(spec: Mapping[str, Any], kind: Kind, request: Request) -> dict[str, Any] | None:
    """Returns a source's spec for the kind's occluders alone, None where it has none."""
    if spec.get("weight", 1) <= 0 or not kind.occluders:
        return None
    named = _GENERATED.get(current_adapter(spec["name"], f"{request.where}.name"))
    if named is not None:
        include = [
            name
            for name in spec.get("include") or named
            if any(fnmatch(name, pattern) for pattern in kind.occluders) and name not in spec.get("exclude", ())
        ]
        return {**spec, "include": include} if include else None
    narrowed = {**spec, "include": list(kind.occluders)}
    try:
        open_source(narrowed, request)
    except EmptySelectionError:
        return dict(spec) if OBJECT in kind.occluders and not _has_categories(spec, request) else None
    return narrowed


def _has_categories(spec: Mapping[str, Any], request: Request) -> bool:
    """Returns whether a source on disk says of what kind its occluders are; of a plain folder they are things."""
    source: Any = open_source(spec, request)
    return any(record.category for record in source.records)
