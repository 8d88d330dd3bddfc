"""Which records of a dataset a config takes: classes, a split, a seeded subset; for folders and prepared sets alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from data_pipeline.sources.base import Request
from data_pipeline.sources.records import Record
from data_pipeline.sources.split import SplitFile, in_hash_split, parse_split, subset
from rvm_jax.errors import UserError

ALL = "all"

# A dataset's own partition: for each split the folder, or the first of several that is there ("" for the root); or
# a function of all records, the root and the split to a folder or names (None: every split has everything).
OwnSplit = Mapping[str, Sequence[str]] | Callable[[Sequence[Record], Path, str], str | SplitFile | None]


class EmptySelectionError(UserError):
    """Nothing of a dataset is left by the categories, or in the split, that were asked for."""


@dataclass(frozen=True)
class Selection:
    """What every source on disk can be asked for.

    Attributes:
        include, exclude: categories to take (all where empty) and to leave, as names or patterns (`plant_*`).
        split: one of
            - `names.txt`, a list of names or stems, one a line (a path, or relative to the root);
            - `train`, a folder of the root (what the names of its records begin with);
            - `hash:0.8/0.1/0.1`, the shares of train, valid and test, drawn by a hash of the name (the last of
              fewer shares stands for the splits after it: `hash:0.9/0.1` tests on the validation pictures);
            - `all`, everything for every split;
            - a mapping from train, valid and test to one of these (test falls back on valid);
            - nothing: the dataset's own partition where it has one, else everything for every split.
        max_items: takes a subset of that size, drawn by `seed`.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    split: str | Mapping[str, str] | None = None
    max_items: int | None = None
    seed: int = 0

    def split_of(self, request: Request) -> str | None:
        """Returns the split setting for the request's split."""
        if not isinstance(self.split, Mapping):
            return self.split
        fallback = self.split.get("valid") if request.split == "test" else None
        setting = self.split.get(request.split) or fallback
        if not setting:
            raise UserError(f"{request.where}.split: it gives nothing for '{request.split}'; add that, or valid")
        return setting


def select(
    found: Sequence[Record], root: Path, request: Request, selection: Selection, own_split: OwnSplit | None
) -> tuple[list[Record], dict[str, str]]:
    """Returns the records to use, sorted by key, and those to skip, {file: reason}.

    Raises UserError, naming the config key, if nothing is left.
    """
    where = request.where
    records = sorted(found, key=lambda record: record.key)
    categories = sorted({record.category for record in records if record.category})
    records = [record for record in records if _wanted(record.category or "", selection)]
    if not records:
        there = ", ".join(categories) or "none"
        raise EmptySelectionError(f"{where}: include and exclude leave nothing; the categories in {root} are {there}")
    setting = selection.split_of(request) or own_partition(records, root, request.split, own_split)
    records, skipped = _in_split(records, root, request, setting)
    skipped |= {str(record.picture): record.problem for record in records if record.problem}
    usable = [record for record in records if not record.problem]
    if not usable:
        picture, problem = next(iter(skipped.items()))
        raise UserError(f"{where}.root: none of the {len(records)} pictures can be used ({picture}: {problem})")
    return subset(usable, selection.max_items, selection.seed), skipped


def own_partition(
    records: Sequence[Record], root: Path, split: str, own_split: OwnSplit | None
) -> str | SplitFile | None:
    """Returns the dataset's own partition: a folder's name, a list of names, or None where it has none."""
    if own_split is None:
        return None
    if callable(own_split):
        return own_split(records, root, split)
    folders = own_split[split]
    return next((folder for folder in folders if not folder or _in_folder(records, folder)), folders[-1]) or None


def _in_split(
    records: list[Record], root: Path, request: Request, setting: str | SplitFile | None
) -> tuple[list[Record], dict[str, str]]:
    skipped: dict[str, str] = {}
    if setting in (None, ALL):
        return records, skipped
    if isinstance(setting, str) and (inside := _in_folder(records, setting)):
        return inside, skipped
    chosen = parse_split(setting, root, f"{request.where}.split") if isinstance(setting, str) else setting
    if isinstance(chosen, SplitFile):
        records, absent = chosen.select(records)
        skipped = dict.fromkeys(absent, f"listed for '{request.split}', but not there")
    elif chosen is not None:
        records = [record for record in records if in_hash_split(record.key, chosen, request.split)]
    if not records:
        name = f"'{setting}'" if isinstance(setting, str) else "the dataset's own partition"
        raise EmptySelectionError(
            f"{request.where}.split: {name} leaves nothing of {root} for the split '{request.split}'"
        )
    return records, skipped


def _in_folder(records: Sequence[Record], folder: str) -> list[Record]:
    prefix = folder.rstrip("/") + "/"
    # A pair of folders right in a split's folder makes no category of the split's name.
    name = folder.rstrip("/").rpartition("/")[2]
    return [
        record._replace(category=None) if record.category == name else record
        for record in records
        if record.key.startswith(prefix)
    ]


def _wanted(category: str, selection: Selection) -> bool:
    include, exclude = selection.include, selection.exclude
    included = not include or any(fnmatch(category, pattern) for pattern in include)
    return included and not any(fnmatch(category, pattern) for pattern in exclude)
