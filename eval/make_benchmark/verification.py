"""Whether a benchmark is the one that its manifest describes: the same pixels, or those of another processor."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from eval.folders.pairs import raise_problems
from eval.make_benchmark.benchmark import open_category, pixels_of
from eval.make_benchmark.benchmark_spec import Category
from eval.make_benchmark.manifest import Item, Manifest, Tolerance, hashes, read_item, read_manifest
from rvm_jax.errors import UserError


class Verified(NamedTuple):
    """How many pictures and clips there are, and how many of them are equal but for another processor's rounding."""

    items: int
    rounded: int


def verify(root: Path) -> Verified:
    """Compares every picture with the manifest.

    An item of the same hash is the same. One of another hash is made again, by the manifest's seed and sources, and
    compared with what is there: within the manifest's tolerance it is what this seed gives on another processor.

    Raises:
      UserError: with all that are missing or have other pixels.
    """
    manifest = read_manifest(root)
    tolerance = Tolerance(**manifest.get("tolerance", {}))
    problems: list[str] = []
    rounded = 0
    jobs = [(category, item) for category, items in manifest["categories"].items() for item in items]
    for category, item in tqdm(jobs, "verifying", unit="item"):
        try:
            found = read_item(root / category, item)
        except UserError as error:
            problems.append(f"{error}; copy it again, or make the benchmark again")
            continue
        suspects = [name for name, digest in hashes(found).items() if digest != item["sha256"][name]]
        if not suspects:
            continue
        try:
            made, why = _made_again(manifest, category, item), ""
        except UserError as error:
            made, why = None, f" (it could not be made again to compare: {error})"
        wrong = [name for name in suspects if made is None or not tolerance.holds(found[name], made[name])]
        for name in wrong:
            path = root / category / name / item["name"]
            problems.append(f"{path}: other pixels than the manifest's; copy it again{why}")
        rounded += not wrong
    raise_problems(problems)
    return Verified(len(jobs), rounded)


def _made_again(manifest: Manifest, category: str, item: Item) -> dict[str, np.ndarray]:
    """Returns an item's arrays as this machine makes them."""
    settings = next(settings for settings in manifest["settings"] if settings["name"] == category)
    return pixels_of(open_category(Category(**settings), manifest["split"])[int(item["name"])])
