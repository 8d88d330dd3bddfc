"""Which records of a source belong to a split, and which to a subset of it."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar

from rvm_jax.errors import UserError
from rvm_jax.text_files import read_lines

SPLITS = ("train", "valid", "test")


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


R = TypeVar("R", bound=_Keyed)


@dataclass(frozen=True)
class SplitFile:
    """The names that a list file holds, in its order."""

    names: tuple[str, ...]

    def select(self, records: Sequence[R]) -> tuple[list[R], list[str]]:
        """Returns the records that are listed, and the names for which there is none.

        A line may be a key or the end of one (`b/c` lists the record `a/b/c`), with or without a suffix.
        """
        by_name: dict[str, list[R]] = {}
        for record in records:
            parts = record.key.split("/")
            for start in range(len(parts)):
                by_name.setdefault("/".join(parts[start:]), []).append(record)
        chosen: dict[str, R] = {}
        absent = []
        for name in self.names:
            # A stem with dots looks like one with a suffix, so the whole name is tried first.
            found = by_name.get(name) or by_name.get(PurePosixPath(name).with_suffix("").as_posix())
            chosen |= {record.key: record for record in found or ()}
            if not found:
                absent.append(name)
        return [record for record in records if record.key in chosen], absent


def parse_split(split: str, root: Path, where: str) -> SplitFile | tuple[float, ...]:
    """Reads a split setting, a list file or shares by hash; `where` is its config key, for messages."""
    if split.startswith("hash:"):
        return _parse_shares(split, where)
    for path in (root / split, Path(split)):
        if path.is_file():
            return SplitFile(tuple(name.replace("\\", "/") for name in read_lines(path)))
    raise UserError(
        f"{where}: '{split}' is no folder of {root} with pictures, no list file and not of the form hash:0.8/0.1/0.1"
    )


def _parse_shares(split: str, where: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(share) for share in split.removeprefix("hash:").split("/"))
    except ValueError:
        shares = ()
    if not 2 <= len(shares) <= len(SPLITS) or min(shares) < 0 or sum(shares) > 1 + 1e-6:
        raise UserError(f"{where}: '{split}' should give two or three shares of one, such as hash:0.8/0.1/0.1")
    return shares


def in_hash_split(key: str, shares: tuple[float, ...], split: str) -> bool:
    """Returns whether a key falls into a split's share: by its hash, so it stays there when others come or go."""
    part = min(SPLITS.index(split), len(shares) - 1)
    start = sum(shares[:part])
    return start <= _hash(key) < start + shares[part]


def subset(records: Sequence[R], size: int | None, seed: int) -> list[R]:
    """Draws `size` records by seed and name, and keeps their order; all where size is None."""
    if size is None or size >= len(records):
        return list(records)
    taken = set(sorted(range(len(records)), key=lambda i: _hash(f"{seed}/{records[i].key}"))[:size])
    return [record for i, record in enumerate(records) if i in taken]


def _hash(text: str) -> float:
    return zlib.crc32(text.encode()) / 2**32
