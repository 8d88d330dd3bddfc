"""Benchmarks: seeded pictures and clips of occluded faces with their true alphas, a fixed region and a manifest.

`<root>/<category>/{img,mask,trimap}/<name>.png` and `…/<clip>/<frame>.png`; `trimap` is the unknown region (128) in
the described form, by the kernel sizes that the name seeds. `manifest.json` names every picture's sources and the
SHA-256 of its decoded arrays.
"""

import hashlib
import json
import os
import platform
import shutil
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import grain
import numpy as np
from tqdm import tqdm

from data_pipeline.pipeline import make_dataset
from eval.folders.reading import raise_problems
from eval.make_benchmark.benchmark_spec import Category
from eval.metrics.region import draw_kernel_sizes, trimap_described
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import read_mask, read_picture, write_bytes, write_picture
from rvm_jax.version import __version__

VERSION = 1  # of the benchmark's making: raised whenever the same seed gives other pixels by a change of this project
MANIFEST = "manifest.json"
_NOTES = ".making"  # a note for each item that is done, until the manifest holds them all
_FOLDERS = ("trimap", "mask", "img")  # in the order of writing


def make(root: Path, categories: Sequence[Category], split: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the benchmark, showing progress, and returns its manifest; a run that was interrupted goes on.

    Args:
      root: a folder of its own.
      categories: see `eval.categories.categories`.
      split: of the sources.
      about: what else the manifest states: sources, overlaps.

    Raises UserError where `root` holds something else, or a benchmark of other settings or other versions.
    """
    header = {"version": VERSION, "versions": versions(), "split": split, **about}
    header["settings"] = [category._asdict() for category in categories]
    header = json.loads(json.dumps(header))  # as it will be read
    manifest = _begin(root, header)
    if manifest is not None:
        return manifest
    items: dict[str, list[dict[str, Any]]] = {}
    with tqdm(total=sum(category.items for category in categories), desc="benchmark", unit="item") as bar:
        for category in categories:
            dataset = make_dataset(category.data, split=split, seed=category.seed, num_clips=category.items, names=True)
            items[category.name] = []
            for item in _in_threads(root, category, dataset):
                items[category.name].append(item)
                bar.update()
    manifest = {**header, "categories": items, "sha256": _sha256_of(items)}
    write_bytes(root / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    shutil.rmtree(root / _NOTES)
    return manifest


def verify(root: Path) -> int:
    """Compares every picture with the manifest, and returns their number.

    Raises UserError with all that are missing or have other pixels.
    """
    manifest = read_manifest(root)
    problems: list[str] = []
    jobs = [(category, item) for category, items in manifest["categories"].items() for item in items]
    for category, item in tqdm(jobs, "verifying", unit="item"):
        try:
            found = _hashes(*_read(root / category, item))
        except UserError as error:
            problems.append(f"{error}; copy it again, or make the benchmark anew")
            continue
        for name, digest in found.items():
            if digest != item["sha256"][name]:
                problems.append(
                    f"{root / category / name / item['name']}: other pixels than the manifest's; copy it again"
                )
    raise_problems(problems)
    return len(jobs)


def read_manifest(root: Path) -> dict[str, Any]:
    """Returns the manifest of a benchmark. Raises UserError where there is none."""
    try:
        return json.loads((root / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{root / MANIFEST}: no manifest; make the benchmark with scripts/make_benchmark.py") from error


def versions() -> dict[str, str]:
    """The versions that pixels depend on."""
    return {
        "rvm_jax": __version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "python": platform.python_version(),
    }


def _begin(root: Path, header: dict[str, Any]) -> dict[str, Any] | None:
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


def _in_threads(root: Path, category: Category, dataset: grain.MapDataset) -> Iterator[dict[str, Any]]:
    """Yields the items in order; NumPy and OpenCV draw them beside each other."""
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        futures: deque = deque()
        for index in range(category.items):
            futures.append(pool.submit(_item, root, category, dataset, index))
            if len(futures) > 2 * threads:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()


def _item(root: Path, category: Category, dataset: grain.MapDataset, index: int) -> dict[str, Any]:
    """Makes and writes one picture or clip; whole, and noted, or not at all."""
    note = root / _NOTES / category.name / f"{index:05d}.json"
    if note.exists():
        return json.loads(note.read_text())
    clip = dataset[index]
    src, pha = clip["src"], clip["pha"][..., 0]
    name = f"{index:05d}"
    keys = [f"{category.name}/{name}/{frame:05d}" for frame in range(category.frames)] or [f"{category.name}/{name}"]
    kernel_sizes = np.array([draw_kernel_sizes(key) for key in keys], np.int32)
    sizes = np.full((len(pha), 2), pha.shape[1:], np.int32)
    trimap = np.asarray(trimap_described(pha, sizes, kernel_sizes))
    for folder, frames in zip(_FOLDERS, (trimap, pha, src), strict=True):
        target = root / category.name / folder / name
        if not category.frames:
            write_picture(target.with_suffix(".png"), frames[0])
            continue
        partial = target.with_name(f".{name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(target, ignore_errors=True)
        for frame, picture in enumerate(frames):
            write_picture(partial / f"{frame:05d}.png", picture)
        partial.rename(target)
    item = {
        "name": name,
        "frames": category.frames,
        "face": clip["key"],
        "occluders": clip["category"],
        "kernel_sizes": kernel_sizes.tolist(),
        "sha256": _hashes(src, pha),
    }
    write_bytes(note, json.dumps(item).encode())
    return item


def _read(folder: Path, item: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Returns an item's frames and alphas, (T, H, W, 3) and (T, H, W), as they are on disk."""
    names = [f"{item['name']}/{frame:05d}.png" for frame in range(item["frames"])] or [f"{item['name']}.png"]
    src = np.stack([read_picture(folder / "img" / name) for name in names])
    return src, np.stack([read_mask(folder / "mask" / name, rescale=False) for name in names])


def _hashes(src: np.ndarray, pha: np.ndarray) -> dict[str, str]:
    """SHA-256 of decoded arrays, RGB and alpha, their shape included."""
    return {
        name: hashlib.sha256(str(array.shape).encode() + np.ascontiguousarray(array).tobytes()).hexdigest()
        for name, array in (("img", src), ("mask", pha))
    }


def _sha256_of(items: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """One number for the whole benchmark's pixels and names."""
    hashes = {
        category: [(item["name"], item["sha256"]) for item in of_category] for category, of_category in items.items()
    }
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()
