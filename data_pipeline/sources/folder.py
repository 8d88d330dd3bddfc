"""Folders of pictures and masks, as datasets come: the layouts differ in names, the adapter finds the pairs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from data_pipeline.sources.base import Kind, Request
from data_pipeline.sources.split import SplitFile, in_hash_split, parse_split, subset
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import PICTURE_SUFFIXES

# Where both are there, the first wins: AM-2k's `fg` is free of the background's colour, its `original` is not.
IMAGE_FOLDERS = ("fg", "fgr", "img", "image", "images", "original", "src")
MASK_FOLDERS = ("mask", "masks", "alpha", "pha")
_WITH_ALPHA = (".png", ".webp", ".tif", ".tiff")


class Record(NamedTuple):
    """One picture file, its mask file where it has one, its names, and why it cannot be used, where that is so."""

    picture: str
    mask: str | None
    key: str
    category: str | None
    problem: str | None = None


class FolderSource:
    """Random access to records, in the order of their keys; items hold the files' bytes."""

    def __init__(self, kind: Kind, records: Sequence[Record], skipped: Mapping[str, str]):
        self.kind = kind
        self.records = records
        self.skipped = skipped

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> dict[str, Any]:
        record = self.records[index]
        item: dict[str, Any] = {"key": record.key, "kind": self.kind, "rgb": _read(record.picture), "alpha": None}
        if record.mask is not None:
            item["alpha"] = _read(record.mask)
        if record.category is not None:
            item["category"] = record.category
        return item


def folder(
    request: Request,
    *,
    root: str,
    images: str | None = None,
    masks: str | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    split: str | None = None,
    max_items: int | None = None,
    seed: int = 0,
) -> FolderSource:
    """Reads `<root>/{fg,img,…}` beside `<root>/{mask,alpha,…}`, in `root` or in any folder below it.

    A picture's mask has the picture's name, with or without `_mask`, and any suffix. Pictures in RGBA need no mask
    folder, and textures no masks. A folder that holds such a pair of folders is a category, named after itself.

    Args:
        request: see `Request`.
        root: the folder.
        images, masks: names of the two folders, relative to `root`, where they are others (CelebAMask-HQ:
            `CelebA-HQ-img` and `CelebAMask-HQ-masks_corrected`).
        include, exclude: categories to take (all where empty) and to leave, as names or patterns (`plant_*`).
        split: one of
            - `names.txt`, a list of names or stems, one a line (a path, or relative to `root`);
            - `train`, a folder of `root` that is read in its place;
            - `hash:0.8/0.1/0.1`, the shares of train, valid and test, drawn by a hash of the name (the last of
              fewer shares stands for the splits after it: `hash:0.9/0.1` tests on the validation pictures);
            - nothing: all pictures for every split.
        max_items: takes a subset of that size, drawn by `seed`.

    Raises:
        UserError: where the folder is absent, or nothing in it can be used.
    """
    top = _existing_folder(Path(root), f"{request.where}.root")
    chosen = parse_split(split, top, f"{request.where}.split")
    if isinstance(chosen, Path):
        top = chosen
    records = sorted(_find(request, top, images, masks), key=lambda record: record.key)
    if not records:
        raise UserError(f"{request.where}.root: no pictures in {top}; {_expectation(request.kind)}")
    categories = sorted({record.category for record in records if record.category})
    records = [record for record in records if _wanted(record.category or "", include, exclude)]
    if not records:
        found = ", ".join(categories) or "none"
        raise UserError(f"{request.where}: include and exclude leave nothing; the categories in {top} are {found}")
    skipped = {}
    if isinstance(chosen, SplitFile):
        records, absent = chosen.select(records)
        skipped = dict.fromkeys(absent, f"listed in {split}, but not there")
    elif isinstance(chosen, tuple):
        records = [record for record in records if in_hash_split(record.key, chosen, request.split)]
    if not records:
        raise UserError(f"{request.where}.split: '{split}' leaves nothing of {top} for the split '{request.split}'")
    skipped |= {record.picture: record.problem for record in records if record.problem}
    usable = [record for record in records if not record.problem]
    if not usable:
        picture, problem = next(iter(skipped.items()))
        raise UserError(f"{request.where}.root: none of the {len(records)} pictures can be used ({picture}: {problem})")
    return FolderSource(request.kind, subset(usable, max_items, seed), skipped)


def _find(request: Request, top: Path, images: str | None, masks: str | None) -> Iterator[Record]:
    if images is not None:
        image_folder = _existing_folder(top / images, f"{request.where}.images")
        pairs = [(image_folder, _existing_folder(top / masks, f"{request.where}.masks") if masks else None)]
    else:
        pairs = [] if request.kind == "texture" else list(_folder_pairs(top))
    for image_folder, mask_folder in pairs or [(top, None)]:
        found = dict(_pictures(mask_folder)) if mask_folder else {}
        parent = image_folder.parent if images is None and pairs else None
        prefix = f"{parent.relative_to(top).as_posix()}/" if parent not in (None, top) else ""
        for stem, picture in _pictures(image_folder):
            mask, problem = found.get(stem) or found.get(f"{stem}_mask"), None
            if mask_folder is not None and mask is None:
                problem = f"no mask of that name in {mask_folder}"
            elif mask_folder is None and request.kind != "texture" and not picture.lower().endswith(_WITH_ALPHA):
                problem = "no folder of masks beside it, and this format has no alpha"
            holder = parent if parent is not None else Path(picture).parent
            category = holder.name if holder not in (top, image_folder) else None
            yield Record(picture, mask, prefix + stem, category, problem)


def _folder_pairs(top: Path) -> Iterator[tuple[Path, Path]]:
    """Yields the folders (pictures, masks) that stand side by side in `top` or below it."""
    for path, names, _ in os.walk(top, followlinks=True):
        names.sort()
        by_name = {name.lower(): name for name in names}
        image = next((by_name[name] for name in IMAGE_FOLDERS if name in by_name), None)
        mask = next((by_name[name] for name in MASK_FOLDERS if name in by_name), None)
        if image and mask:
            names[:] = [name for name in names if name.lower() not in (*IMAGE_FOLDERS, *MASK_FOLDERS)]
            yield Path(path, image), Path(path, mask)


def _pictures(folder: Path) -> Iterator[tuple[str, str]]:
    """Yields (name without suffix, relative to `folder`; file) of all pictures in it and below."""
    for path, names, files in os.walk(folder, followlinks=True):
        names.sort()
        below = "" if Path(path) == folder else f"{Path(path).relative_to(folder).as_posix()}/"
        for name in sorted(files):
            if name.lower().endswith(PICTURE_SUFFIXES) and not name.startswith("."):
                yield below + name.rpartition(".")[0], f"{path}/{name}"


def _wanted(category: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    included = not include or any(fnmatch(category, pattern) for pattern in include)
    return included and not any(fnmatch(category, pattern) for pattern in exclude)


def _existing_folder(path: Path, where: str) -> Path:
    if not path.is_dir():
        raise UserError(f"{where}: no such folder: {path}")
    return path


def _expectation(kind: Kind) -> str:
    if kind == "texture":
        return f"their names end in {', '.join(PICTURE_SUFFIXES)}"
    return f"they should be in a folder named {', '.join(IMAGE_FOLDERS)}, the masks in {', '.join(MASK_FOLDERS)}"


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
