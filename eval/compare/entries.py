"""What a comparison compares: folders of predictions, and networks; and what guides those that want guidance."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from eval.folders.pairs import raise_problems
from rvm_jax.matting.options import Ratio, parse_ratio
from rvm_jax.weights.shipped import auto_side, shipped_path

# The order of the published table and video.
PUBLISHED = ("ResNet18", "MGMatting", "AEMatter", "MODNet", "RVM")
# Guidance by the benchmark's own alphas.
TRUTH = "truth"
_CHECKPOINT_PARTS = ("checkpoints", "model")  # of a work directory, and of one of its steps


class Entry(NamedTuple):
    """A line of the comparison: its name, and a folder of predictions, a network's weights, or a network's name."""

    name: str
    path: Path

    @property
    def is_network(self) -> bool:
        """Whether the path is a weights file, a work directory or one of its steps, or a network of the package."""
        return self.is_shipped or self.path.is_file() or any((self.path / part).is_dir() for part in _CHECKPOINT_PARTS)

    @property
    def is_shipped(self) -> bool:
        """Whether it is one of the networks that come with the package, which are given by their names alone."""
        return shipped_path(self.path) is not None

    @property
    def files(self) -> Path:
        """The file or folder that is read."""
        return shipped_path(self.path) or self.path


@dataclass(frozen=True)
class Guidance:
    """What the masks and trimaps of guided networks are derived from: "truth", an entry's name, or a folder of alphas.

    `default` is for all of them that are not keys of `by_name`.
    """

    default: str = TRUTH
    by_name: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """Returns that of an entry."""
        return self.by_name.get(name, self.default)


def parse_entries(texts: Sequence[str]) -> list[Entry]:
    """Reads entries `name=path`, or `path`, whose last part is then the name.

    The published networks come first, each followed by those whose names begin with its own ("AEMatter trimap").

    Raises:
      UserError: with all that do not exist, or share a name.
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
        elif not entry.files.exists():
            problems.append(f"{entry.path}: no such folder or file; give predictions, a work directory or weights")
        entries.append(entry)
    if not entries:
        problems.append("there is nothing to compare; give an entry, such as --entry=RVM=work/predictions")
    raise_problems(problems)
    return sorted(entries, key=lambda entry: _place(entry.name))


def parse_guidance(texts: Sequence[str], entries: Sequence[Entry]) -> Guidance:
    """Reads sources of guidance, `source` for all guided entries or `name=source` for one of them.

    Raises:
      UserError: with all that are no source.
    """
    names = {entry.name for entry in entries}
    default, by_name, problems = TRUTH, {}, []
    for text in texts:
        name, separator, source = text.partition("=")
        if separator and name in names:
            by_name[name] = source
        else:
            default = source = text
        if source not in (TRUTH, *names) and not Path(source).is_dir():
            problems.append(
                f"guidance '{text}': give {TRUTH}, an entry's name or a folder of alphas, or name=one of these"
            )
        elif separator and source == name:
            problems.append(f"guidance '{text}': {name} cannot guide itself")
    raise_problems(problems)
    return Guidance(default, by_name)


def parse_ratios(texts: Sequence[str], entries: Sequence[Entry]) -> dict[str, Ratio]:
    """Reads `name=ratio`, "auto" or a number: the share of their sides at which entries see frames.

    Raises:
      UserError: with all that name no entry, or are no ratio.
    """
    names = {entry.name for entry in entries if entry.is_network}
    ratios: dict[str, Ratio] = {}
    problems = []
    for text in texts:
        name, _, value = text.rpartition("=")
        try:
            ratio = parse_ratio(value)
        except ValueError:
            ratio = 0.0
        if name not in names:
            problems.append(f"downsample_ratio '{text}': give name=ratio for a network: {', '.join(sorted(names))}")
        elif ratio != "auto" and not 0 < ratio <= 1:
            problems.append(f"downsample_ratio '{text}': give {name}=auto, or a number above 0 and up to 1")
        ratios[name] = ratio
    raise_problems(problems)
    return ratios


def ratio_of(entry: Entry, ratios: Mapping[str, Ratio]) -> Ratio:
    """Returns the ratio at which an entry's network sees frames where nothing else is given.

    That is 1, as in the published table; a network of the package sees the size that it was trained for.
    """
    usual: Ratio = "auto" if entry.is_shipped and auto_side(entry.files) is not None else 1
    return ratios.get(entry.name, usual)


def _place(name: str) -> tuple[int, bool]:
    for place, published in enumerate(PUBLISHED):
        if re.match(rf"{published}\b", name):
            return place, name != published
    return len(PUBLISHED), False
