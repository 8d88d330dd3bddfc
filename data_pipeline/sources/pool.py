"""Sources mixed by weight, decoded; a picture that cannot be used is passed over, and the next one takes its place."""

import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from absl import logging

from data_pipeline.sources.base import ClipSource, FrameChoice, Kind, Picture, Request, Source, Video
from data_pipeline.sources.decode import decode, decode_clip
from data_pipeline.sources.opening import open_source
from rvm_jax.errors import UserError

_NAMED_AT_START = 10


class BadRecords:
    """What was passed over: each picture is named once, and too many of one source end the run.

    Args:
        max_share: of a source's pictures, above which `add` raises.
        shared: a folder in which the processes of a run keep the count together.
    """

    def __init__(self, max_share: float, shared: Path | None = None):
        self.max_share = max_share
        self.shared = shared
        self._seen: set[tuple[str, str]] = set()

    def add(self, where: str, total: int, problems: Iterable[str]) -> None:
        """Notes problems, each a sentence that names its picture, of the source `where`, which has `total` pictures.

        Raises:
            UserError: if more of them than the share have problems; a problem noted before does not count again.
        """
        new = [problem for problem in problems if self._note(where, problem)]
        for problem in new[:_NAMED_AT_START]:
            logging.warning("%s: passing over %s", where, problem)
        if len(new) > _NAMED_AT_START:
            logging.warning("%s: passing over %d more pictures", where, len(new) - _NAMED_AT_START)
        if new and self.count(where) > self.max_share * total:
            raise UserError(
                f"{where}: {self.count(where)} of {total} pictures cannot be used, more than "
                f"data.max_bad_share={self.max_share} allows; the last is {new[-1]}"
            )

    def count(self, where: str = "") -> int:
        """Returns how many pictures were passed over, of one source or of all."""
        if self.shared is not None:
            return sum(1 for _ in self.shared.glob(f"{_hash(where)}-*" if where else "*"))
        return sum(1 for source, _ in self._seen if where in ("", source))

    def _note(self, where: str, problem: str) -> bool:
        if (where, problem) in self._seen:
            return False
        self._seen.add((where, problem))
        if self.shared is not None:
            try:
                self.shared.joinpath(f"{_hash(where)}-{_hash(problem)}").touch(exist_ok=False)
            except FileExistsError:
                return False
        return True


def _hash(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


class _Member(NamedTuple):
    label: str
    where: str
    weight: float
    source: Source | ClipSource

    @property
    def skipped(self) -> Mapping[str, str]:
        return getattr(self.source, "skipped", {})

    @property
    def total(self) -> int:
        return len(self.source) + len(self.skipped)


class Pool:
    """All sources of one kind. It pickles into the data workers."""

    def __init__(self, members: list[_Member], bad: BadRecords):
        self.members = members
        self.bad = bad
        self._shares = np.cumsum([member.weight for member in members]) / sum(member.weight for member in members)
        for member in members:
            bad.add(member.where, member.total, [f"{file}: {reason}" for file, reason in member.skipped.items()])

    def __len__(self) -> int:
        return sum(len(member.source) for member in self.members)

    def draw(self, rng: np.random.Generator, choose: FrameChoice | None = None) -> Picture | Video:
        """Draws a source by weight, then one of its pictures or clips; see `load`."""
        member = int(np.searchsorted(self._shares, rng.random(), side="right"))
        return self.load(member, int(rng.integers(len(self.members[member].source))), choose)

    def load(self, member: int, index: int, choose: FrameChoice | None = None) -> Picture | Video:
        """Reads and decodes a picture or a clip of a source; the next good one where that cannot be used.

        Args:
            member: the source's number.
            index: of the picture or clip in it.
            choose: from the number of a clip's frames to those wanted; it is asked again where another clip takes the
                place of one that cannot be used. Without it a clip is the still picture of its first frame. Sources of
                pictures do not ask it.

        Raises:
            UserError: if more pictures than `data.max_bad_share` cannot be used.
        """
        chosen = self.members[member]
        for step in range(len(chosen.source)):
            position = (index + step) % len(chosen.source)
            try:
                return _read(chosen, position, choose)
            except UserError as error:
                self.bad.add(chosen.where, chosen.total, [str(error)])
        raise UserError(f"{chosen.where}: none of its {chosen.total} pictures can be used")


def _read(member: _Member, index: int, choose: FrameChoice | None) -> Picture | Video:
    source = member.source
    if not isinstance(source, ClipSource):
        return decode(source[index], member.label)
    length = source.frames(index)
    if choose is None:
        return decode_clip(source.read(index, [0]), member.label).frames[0]
    return decode_clip(source.read(index, choose(length)), member.label)


def open_pool(
    specs: Mapping[str, Mapping[str, Any]], kind: Kind, where: str, *, split: str, resolution: int, bad: BadRecords
) -> Pool | None:
    """Opens the sources of a config section {label: spec}, but those of weight 0; None where none is left.

    A source's `weight` (1 where not given) is its share of the pictures drawn, however many it holds.
    """
    members = []
    for label, spec in specs.items():
        weight = float(spec.get("weight", 1.0))
        if weight < 0:
            raise UserError(f"{where}.{label}.weight: {weight} is below 0")
        if weight > 0:
            request = Request(kind, split, resolution, f"{where}.{label}")
            members.append(_Member(label, request.where, weight, open_source(spec, request)))
    return Pool(members, bad) if members else None
