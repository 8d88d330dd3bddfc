"""Makes benchmarks: seeded pictures and clips of occluded faces with true alphas, a fixed region and a manifest.

`<root>/<category>/{img,mask,trimap}/<name>.png` and `…/<clip>/<frame>.png`; `trimap` is the unknown region (128) in
the described form, by the kernel sizes that the name seeds. `manifest.json` names every picture's sources and the
SHA-256 of its decoded arrays.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import grain
import numpy as np
from tqdm import tqdm

from data_pipeline.pipeline import make_dataset
from eval.make_benchmark.benchmark_spec import Category
from eval.make_benchmark.manifest import (
    MANIFEST,
    Item,
    Manifest,
    Tolerance,
    hash_of_all,
    hashes,
    read_manifest,
    versions,
)
from eval.metrics.region import draw_kernel_sizes, trimap_described
from eval.threads import map_ahead, usable_cores
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes, write_picture

VERSION = 2  # of the benchmark's making: raised whenever the same seed gives other pixels by a change of this project
_NOTES = ".making"  # a note for each item that is done, until the manifest holds them all

# From a category and a split to its items: dicts with `src`, `pha`, `key` and `category`, by number.
Open = Callable[[Category, str], grain.MapDataset]


def open_category(category: Category, split: str) -> grain.MapDataset:
    """Returns a category's items, made as they are read; `split` is that of the sources.

    Raises:
      UserError: if a source cannot be read.
    """
    return make_dataset(category.data, split=split, seed=category.seed, num_clips=category.items, names=True)


def make(
    root: Path, categories: Sequence[Category], split: str, about: Mapping[str, Any], open_items: Open = open_category
) -> Manifest:
    """Makes the benchmark, showing progress, and returns its manifest; a run that was interrupted is resumed.

    Args:
      root: a folder of its own.
      categories: see `eval.make_benchmark.benchmark_spec.categories`.
      split: of the sources.
      about: what else the manifest states: sources, overlaps.
      open_items: what makes a category's items.

    Raises:
      UserError: if `root` holds something else, or a benchmark of other settings or other versions.
    """
    header = {"version": VERSION, "versions": versions(), "split": split, **about}
    header["settings"] = [category._asdict() for category in categories]
    header = json.loads(json.dumps(header))  # as it will be read
    manifest = _begin(root, header)
    if manifest is not None:
        return manifest
    items: dict[str, list[Item]] = {}
    with tqdm(total=sum(category.items for category in categories), desc="benchmark", unit="item") as bar:
        for category in categories:
            items[category.name] = []
            write = partial(_write_item, root, category, open_items(category, split))
            for item in map_ahead(write, range(category.items), ahead=2 * usable_cores()):
                items[category.name].append(item)
                bar.update()
    manifest = {**header, "tolerance": Tolerance()._asdict(), "categories": items, "sha256": hash_of_all(items)}
    write_bytes(root / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    shutil.rmtree(root / _NOTES)
    return manifest


def pixels_of(clip: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns what a benchmark holds of an item: frames `img` (T, H, W, 3) and alphas `mask` (T, H, W), uint8."""
    return {"img": clip["src"], "mask": clip["pha"][..., 0]}


def _begin(root: Path, header: dict[str, Any]) -> Manifest | None:
    """Returns the manifest where the benchmark is complete; else makes sure that this one may be written here."""
    if (root / MANIFEST).exists():
        manifest = read_manifest(root)
        _compare(root, header, {key: manifest.get(key) for key in header})
        return manifest
    settings = root / _NOTES / "header.json"
    if settings.exists():
        _compare(root, header, json.loads(settings.read_text()))
    elif root.exists() and any(root.iterdir()):
        raise UserError(f"{root}: the folder is not empty; give an --output_dir of its own")
    write_bytes(settings, json.dumps(header).encode())
    return None


def _compare(root: Path, header: dict[str, Any], there: dict[str, Any]) -> None:
    different = [key for key in header if header[key] != there.get(key)]
    if different:
        raise UserError(f"{root}: holds a benchmark of another {', '.join(different)}; give another --output_dir")


def _write_item(root: Path, category: Category, items: grain.MapDataset, index: int) -> Item:
    """Makes and writes one picture or clip; whole, and noted, or not at all."""
    note = root / _NOTES / category.name / f"{index:05d}.json"
    if note.exists():
        done: Item = json.loads(note.read_text())
        return done
    clip = items[index]
    pixels = pixels_of(clip)
    alphas, name = pixels["mask"], f"{index:05d}"
    keys = [f"{category.name}/{name}/{frame:05d}" for frame in range(category.frames)] or [f"{category.name}/{name}"]
    kernel_sizes = np.array([draw_kernel_sizes(key) for key in keys], np.int32)
    sizes = np.full((len(alphas), 2), alphas.shape[1:], np.int32)
    trimap = np.asarray(trimap_described(alphas, sizes, kernel_sizes))
    for folder, frames in (("trimap", trimap), ("mask", alphas), ("img", pixels["img"])):
        target = root / category.name / folder / name
        if not category.frames:
            write_picture(target.with_suffix(".png"), frames[0])
            continue
        partial_folder = target.with_name(f".{name}.partial")
        shutil.rmtree(partial_folder, ignore_errors=True)
        shutil.rmtree(target, ignore_errors=True)
        for frame, picture in enumerate(frames):
            write_picture(partial_folder / f"{frame:05d}.png", picture)
        partial_folder.rename(target)
    item = {
        "name": name,
        "frames": category.frames,
        "face": clip["key"],
        "occluders": clip["category"],
        "kernel_sizes": kernel_sizes.tolist(),
        "sha256": hashes(pixels),
    }
    write_bytes(note, json.dumps(item).encode())
    return item
