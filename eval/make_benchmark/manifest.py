"""A benchmark's manifest: what it was made of, the hashes of its pixels, and how far another processor may differ."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import read_picture
from rvm_jax.version import __version__

MANIFEST = "manifest.json"

Manifest = dict[str, Any]
Item = Mapping[str, Any]  # a picture or clip in the manifest: name, frames, face, occluders, kernel_sizes, sha256


class Tolerance(NamedTuple):
    """How far an item's pixels, made on two processors with the same versions, may lie apart, in levels of 0..255.

    Measured on 90 items of 64² to 512²: none differed between AVX-512 and AVX2; without AVX and fused multiply-adds the
    most was 2 levels, and a mean of 0.0007 of a picture. A corner that is rounded to another sixteenth of a pixel moves
    the edges beside it: that is what the rest is for.
    """

    mean: float = 0.05  # absolute difference over all values
    level: int = 2  # a difference above this is one that can be seen
    share: float = 0.002  # of the values that may differ by more than that

    def holds(self, one: np.ndarray, other: np.ndarray) -> bool:
        """Returns whether two arrays uint8 have one shape and differ by no more than this."""
        if one.shape != other.shape:
            return False
        apart = cv2.absdiff(one, other)
        return float(apart.mean()) <= self.mean and float((apart > self.level).mean()) <= self.share


def read_manifest(root: Path) -> Manifest:
    """Returns the manifest of a benchmark.

    Raises:
      UserError: if there is none.
    """
    try:
        manifest: Manifest = json.loads((root / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{root / MANIFEST}: no manifest; make the benchmark with scripts/make_benchmark.py") from error
    return manifest


def versions() -> dict[str, str]:
    """Returns the versions that pixels depend on."""
    return {
        "rvm_jax": __version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "python": platform.python_version(),
    }


def read_item(folder: Path, item: Item) -> dict[str, np.ndarray]:
    """Returns an item's frames `img` (T, H, W, 3) and alphas `mask` (T, H, W), uint8, as a category's folder has them.

    Raises:
      UserError: if a picture is missing or cannot be read, or frames differ in size.
    """
    names = [f"{item['name']}/{frame:05d}.png" for frame in range(item["frames"])] or [f"{item['name']}.png"]
    frames = [read_picture(folder / "img" / name) for name in names]
    alphas = [read_mask(folder / "mask" / name, rescale=False) for name in names]
    if len({array.shape[:2] for array in (*frames, *alphas)}) > 1:
        raise UserError(f"{folder}/*/{item['name']}: pictures of several sizes")
    return {"img": np.stack(frames), "mask": np.stack(alphas)}


def hashes(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Returns the SHA-256 of decoded arrays, their shape included, by their names."""
    return {
        name: hashlib.sha256(str(array.shape).encode() + np.ascontiguousarray(array).tobytes()).hexdigest()
        for name, array in arrays.items()
    }


def hash_of_all(items: Mapping[str, Sequence[Item]]) -> str:
    """Returns one number for the whole benchmark's pixels and names."""
    pixels = {
        category: [(item["name"], item["sha256"]) for item in of_category] for category, of_category in items.items()
    }
    return hashlib.sha256(json.dumps(pixels, sort_keys=True).encode()).hexdigest()
