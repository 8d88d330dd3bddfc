"""Which prediction belongs to which label: folders in the project's layout → pairs of files.

Labels are `<label_dir>/<category>/mask/<name>.<ext>` (pictures) and `<label_dir>/<category>/mask/<clip>/<frame>.<ext>`;
predictions are `<pred_dir>/<category>/[<clip>/]<name>.png`, else `.jpg`.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rvm_jax.errors import UserError
from rvm_jax.media.pictures import list_pictures

_PREDICTION_SUFFIXES = (".png", ".jpg")


@dataclass(frozen=True)
class Pair:
    """A picture or a clip's frame to evaluate: its label and prediction, and its foregrounds if they are counted."""

    key: str  # <category>/[<clip>/]<stem>
    label: Path
    pred: Path
    fgr_label: Path | None = None
    fgr_pred: Path | None = None

    @property
    def category(self) -> str:
        """The folder that it lies in."""
        return self.key.partition("/")[0]

    @property
    def in_clip(self) -> bool:
        """Whether it is a frame of a clip."""
        return self.key.count("/") == 2

    @property
    def unit(self) -> str:
        """What is independent of other units: the clip of a frame, or the picture itself."""
        return self.key.rpartition("/")[0] if self.in_clip else self.key

    @property
    def files(self) -> list[Path]:
        """All files that belong to it, the label first."""
        return [path for path in (self.label, self.pred, self.fgr_label, self.fgr_pred) if path is not None]


def find_pairs(pred_dir: Path, label_dir: Path, exclude: Iterable[str] = ()) -> list[Pair]:
    """Returns every label with its prediction, sorted by key, leaving out the categories in `exclude`.

    Raises:
      UserError: with all that is wrong at once: folders absent or empty, pictures without mask, labels without
        prediction or with two, predictions without label.
    """
    for root in (pred_dir, label_dir):
        if not root.is_dir():
            raise UserError(f"{root}: no such folder")
    exclude = frozenset(exclude)
    problems: list[str] = []
    labels = _find_labels(label_dir, exclude, problems)
    if not labels and not problems:
        raise UserError(f"{label_dir}: holds no labels; they are expected as <category>/mask/<name>.png in it")
    predictions = _find_predictions(pred_dir, exclude)

    pairs: list[Pair] = []
    for folder, label_of in labels.items():
        candidates = predictions.pop(folder, {})
        missing = sorted(label_of.keys() - candidates.keys())
        double = sorted(name for name in label_of if len(candidates.get(name, ())) > 1)
        unknown = sorted(candidates.keys() - label_of.keys())
        _report(problems, pred_dir / folder, "no .png or .jpg", missing, "write these predictions")
        _report(problems, pred_dir / folder, "both .png and .jpg", double, "remove one of each")
        _report(problems, pred_dir / folder, "no label", unknown, "remove or rename these predictions")
        for name in label_of.keys() & candidates.keys():
            pairs.append(Pair(f"{folder}/{name}", label_of[name], candidates[name][0]))
    for folder, candidates in predictions.items():
        _report(problems, pred_dir / folder, "no label", sorted(candidates), "remove or rename this folder")
    raise_problems(problems)
    return sorted(pairs, key=lambda pair: pair.key)


def add_foregrounds(pairs: Iterable[Pair], foreground_dir: Path, label_dir: Path) -> list[Pair]:
    """Returns the pairs with their foregrounds: true ones `<label_dir>/<category>/fgr/[<clip>/]<name>.<ext>`, predicted
    ones `<foreground_dir>/<category>/[<clip>/]<name>.png`, else `.jpg`.

    Raises:
      UserError: with all that are missing, or there twice.
    """
    missing: dict[tuple[Path, str], list[str]] = {}
    listings: dict[Path, dict[str, list[Path]]] = {}

    def find(folder: Path, name: str, what: str) -> Path | None:
        if folder not in listings:
            listings[folder] = {}
            for path in list_pictures(folder) if folder.is_dir() else []:
                listings[folder].setdefault(path.stem, []).append(path)
        found = listings[folder].get(name, [])
        if len(found) != 1:
            missing.setdefault((folder, f"{'several' if found else 'no'} {what}"), []).append(name)
        return found[0] if found else None

    completed = []
    for pair in pairs:
        category, *clip, name = pair.key.split("/")
        true = find(label_dir.joinpath(category, "fgr", *clip), name, "true foreground")
        predicted = find(foreground_dir.joinpath(category, *clip), name, "predicted foreground")
        completed.append(replace(pair, fgr_label=true, fgr_pred=predicted))
    problems: list[str] = []
    for (folder, what), names in missing.items():
        _report(problems, folder, what, names, "leave one of each there, or leave --fgr_dir out")
    raise_problems(problems)
    return completed


def raise_problems(problems: list[str]) -> None:
    """Raises one UserError that lists all `problems`, if there are any."""
    if len(problems) == 1:
        raise UserError(problems[0])
    if problems:
        raise UserError(f"{len(problems)} problems, nothing was written:\n" + "\n".join(f"  {p}" for p in problems))


def _find_labels(label_dir: Path, exclude: frozenset[str], problems: list[str]) -> dict[str, dict[str, Path]]:
    """Returns `<category>[/<clip>]` → name → label; adds to `problems`."""
    labels: dict[str, dict[str, Path]] = {}
    for category in _subfolders(label_dir):
        masks, images = category / "mask", category / "img"
        if category.name in exclude or not (masks.is_dir() or images.is_dir()):
            continue
        relative_folders = [Path(), *(Path(clip.name) for root in (masks, images) for clip in _subfolders(root))]
        for relative in dict.fromkeys(relative_folders):
            found = list_pictures(masks / relative) if (masks / relative).is_dir() else []
            double = [name for name, count in Counter(path.stem for path in found).items() if count > 1]
            _report(problems, masks / relative, "several labels of one name", double, "keep one of each")
            label_of = {path.stem: path for path in found}
            if (images / relative).is_dir():
                unlabelled = {path.stem for path in list_pictures(images / relative)} - label_of.keys()
                _report(problems, images / relative, "no mask", sorted(unlabelled), "add it or remove the picture")
            if label_of:
                labels[(category.name / relative).as_posix()] = label_of
    return labels


def _find_predictions(pred_dir: Path, exclude: frozenset[str]) -> dict[str, dict[str, list[Path]]]:
    """Returns `<category>[/<clip>]` → name → its files, of which there should be one."""
    predictions: dict[str, dict[str, list[Path]]] = {}
    for category in _subfolders(pred_dir):
        if category.name in exclude:
            continue
        for folder in (category, *_subfolders(category)):
            files = [path for path in list_pictures(folder) if path.suffix.lower() in _PREDICTION_SUFFIXES]
            for path in files:
                by_name = predictions.setdefault(folder.relative_to(pred_dir).as_posix(), {})
                by_name.setdefault(path.stem, []).append(path)
    return predictions


def _subfolders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _report(problems: list[str], folder: Path, what: str, names: list[str], fix: str) -> None:
    if names:
        problems.append(f"{folder}: {what} for {len(names)} ({', '.join(names)}); {fix}")
