"""Whether a comparison would write over what it compares."""

from collections.abc import Sequence
from pathlib import Path

from eval.compare.entries import TRUTH, Entry, Guidance
from rvm_jax.output_paths import check_output_folders, check_outputs

FILES = ("index.html", "comparison.json", "comparison.jpg", "comparison.mp4")
FOLDERS = ("tables", "plots", "sheets")
# Below the output folder: what networks predict, by their names.
PREDICTIONS = "predictions"


def check_outputs_of(output_dir: Path, entries: Sequence[Entry], guidance: Guidance, label_dir: Path) -> None:
    """Refuses an output folder in which a comparison would replace the benchmark, an entry, or what guides one.

    Args:
        output_dir: where everything goes.
        entries: what is compared; the networks' predictions are written anew.
        guidance: of the networks that want some.
        label_dir: the benchmark.

    Raises:
        UserError: naming what would be lost.
    """
    names = {entry.name for entry in entries}
    guides = {guidance.default, *guidance.by_name.values()} - names - {TRUTH}
    read = [label_dir, *(entry.files for entry in entries), *map(Path, sorted(guides))]
    matted = [output_dir / PREDICTIONS / entry.name for entry in entries if entry.is_network]
    notes = [output_dir / PREDICTIONS / f"{entry.name}.json" for entry in entries if entry.is_network]
    check_output_folders([*(output_dir / name for name in FOLDERS), *matted], read)
    check_outputs([*(output_dir / name for name in FILES), *notes], read)
