"""What a comparison compares: folders of predictions, and networks that first matte the benchmark."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from eval.checks import check_pictures
from eval.folders import Pair, find_pairs, raise_problems
from rvm_jax.errors import UserError

# The order of the published table and video.
PUBLISHED = ("ResNet18", "MGMatting", "AEMatter", "MODNet", "RVM")
_CHECKPOINT_PARTS = ("checkpoints", "model")  # of a work directory, and of one of its steps


class Entry(NamedTuple):
    """A line of the comparison: its name, and a folder of predictions or a network's weights."""

    name: str
    path: Path

    @property
    def is_network(self) -> bool:
        """Whether the path is a weights file, a work directory or one of its steps."""
        return self.path.is_file() or any((self.path / part).is_dir() for part in _CHECKPOINT_PARTS)


def parse_entries(texts: Sequence[str]) -> list[Entry]:
    """Reads entries `name=path`, or `path`, whose last part is then the name; the published networks come first.

    Raises UserError with all that do not exist, or share a name.
    """
    entries: list[Entry] = []
    problems = []
    for text in texts:
        name, separator, path = text.partition("=")
        entry = Entry(name, Path(path)) if separator else Entry(Path(text).stem, Path(text))
        if not entry.name or "/" in entry.name:
            problems.append(f"'{text}': a name is needed, without a slash; write name={entry.path}")
        elif entry.name in {other.name for other in entries}:
            problems.append(f"'{text}': another entry is called {entry.name}; give it a name of its own, name=path")
        elif not entry.path.exists():
            problems.append(f"{entry.path}: no such folder or file; give predictions, a work directory or weights")
        entries.append(entry)
    if not entries:
        problems.append("there is nothing to compare; give an entry, such as --entry=RVM=work/predictions")
    raise_problems(problems)
    order = {name: place for place, name in enumerate(PUBLISHED)}
    return sorted(entries, key=lambda entry: order.get(entry.name, len(order)))


def find_predictions(
    entries: Sequence[Entry], label_dir: Path, matte_dir: Path, exclude: Sequence[str]
) -> dict[str, list[Pair]]:
    """Returns each entry's pairs of predictions and labels; networks matte into `<matte_dir>/<name>/` first.

    Raises UserError with all that is wrong with all folders, before any network computes.
    """
    problems: list[str] = []
    pairs: dict[str, list[Pair]] = {}
    for entry in entries:
        if not entry.is_network:
            try:
                pairs[entry.name] = find_pairs(entry.path, label_dir, exclude)
                check_pictures(pairs[entry.name])
            except UserError as error:
                problems.append(str(error))
    raise_problems(list(dict.fromkeys(problems)))
    for entry in entries:
        if entry.is_network:
            pairs[entry.name] = _matted(entry, label_dir, matte_dir / entry.name, exclude)
    return {entry.name: pairs[entry.name] for entry in entries}


def _matted(entry: Entry, label_dir: Path, predictions: Path, exclude: Sequence[str]) -> list[Pair]:
    import rvm_jax

    # Pictures of several sizes share compilations; at ratio 1, as published.
    rvm_jax.matte_pictures(entry.path, label_dir, predictions, downsample_ratio=1)
    return find_pairs(predictions, label_dir, exclude)
