"""What adapters are made of: a record for each picture, how folders are listed, and a source over the records."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from data_pipeline.sources.base import Kind
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import PICTURE_SUFFIXES


class Record(NamedTuple):
    """One picture or clip of a dataset.

    `key` is its name relative to the dataset's root, without suffix. `picture` is a file, or a clip's folder, video or
    list of files; `mask` is a file or what else its source reads it from. `problem` says why it cannot be used.
    """

    key: str
    picture: Any
    mask: Any = None
    category: str | None = None
    problem: str | None = None


def read_file(path: str) -> bytes:
    """Reads a file; raises UserError, naming it, where that fails."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


class Pictures:
    """A `Source` over records of still pictures; items hold the files' bytes.

    Args:
        kind: of all items.
        records: in the order of the items.
        skipped: files left out, and why.
        read_mask: from a record's mask to encoded bytes or an array; a function of a module, so that it pickles.
    """

    def __init__(
        self,
        kind: Kind,
        records: Sequence[Record],
        skipped: Mapping[str, str],
        read_mask: Callable[[Any], Any] = read_file,
    ):
        self.kind: Kind = kind
        self.records = records
        self.skipped = skipped
        self._read_mask = read_mask

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> dict[str, Any]:
        record = self.records[index]
        alpha = None if record.mask is None else self._read_mask(record.mask)
        return named(record, self.kind, read_file(record.picture), alpha)


def named(record: Record, kind: Kind, rgb: Any, alpha: Any) -> dict[str, Any]:
    """Returns the item of a record."""
    item = {"key": record.key, "kind": kind, "rgb": rgb, "alpha": alpha}
    return item if record.category is None else item | {"category": record.category}


def existing_folder(path: Path, where: str) -> Path:
    """Returns `path`; raises UserError, naming the config key `where`, where it is no folder."""
    if not path.is_dir():
        raise UserError(f"{where}: no such folder: {path}")
    return path


def find_files(folder: Path, suffixes: tuple[str, ...] = PICTURE_SUFFIXES) -> Iterator[tuple[str, str]]:
    """Yields (name without suffix, relative to `folder`; file) of all files in it and below, sorted; none if absent."""
    for path, names, files in os.walk(folder, followlinks=True):
        names.sort()
        below = "" if Path(path) == folder else f"{Path(path).relative_to(folder).as_posix()}/"
        for name in sorted(files):
            if name.lower().endswith(suffixes) and not name.startswith("."):
                yield below + name.rpartition(".")[0], f"{path}/{name}"


def clip_folders(folder: Path) -> dict[str, str]:
    """Returns the folders in a folder, {name: path}, sorted; none if absent."""
    if not folder.is_dir():
        return {}
    return {path.name: str(path) for path in sorted(folder.iterdir()) if path.is_dir() and path.name[0] != "."}


def pair(
    images: Mapping[str, str], masks: Mapping[str, str], *, prefix: str = "", category: str | None = None
) -> Iterator[Record]:
    """Yields a record for each picture, {stem: file}, with the mask of its stem, or of that and `_mask`.

    What has no mask, and masks that have no picture, have the problem that says so.
    """
    used = set()
    for stem, picture in images.items():
        name = stem if stem in masks else f"{stem}_mask"
        used.add(name)
        problem = None if name in masks else "it has no mask"
        yield Record(prefix + stem, picture, masks.get(name), category, problem)
    for name in masks.keys() - used:
        yield Record(prefix + name.removesuffix("_mask"), masks[name], None, category, "a mask without its picture")


def mask_first(images: Mapping[str, str], masks: Mapping[str, str], **names: Any) -> Iterator[Record]:
    """Pairs as `pair` does, for a dataset whose masks cover a part of its pictures: the others do not belong to it."""
    stems = {name.removesuffix("_mask") for name in masks} | masks.keys()
    return pair({stem: file for stem, file in images.items() if stem in stems}, masks, **names)
