"""The datasets of occluders, as downloaded."""

from collections.abc import Iterator
from pathlib import Path

from data_pipeline.sources.base import Request
from data_pipeline.sources.records import Record, existing_folder, find_files, mask_first, pair


def sim(root: Path, request: Request) -> Iterator[Record]:
    """SIM: `{train,test}/{class}/{fg,alpha}/{name}.jpg`; whatever classes are there are the categories.

    A class whose pictures belong to the part that Adobe licenses apart has alphas without pictures: they are skipped.
    """
    for phase in ("train", "test"):
        for folder in sorted(path for path in (root / phase).glob("*") if path.is_dir()):
            images, masks = dict(find_files(folder / "fg")), dict(find_files(folder / "alpha"))
            yield from pair(images, masks, prefix=f"{phase}/{folder.name}/", category=folder.name)


def am2k(root: Path, request: Request) -> Iterator[Record]:
    """AM-2k: `{train,validation}/{original/*.jpg, mask/*.png}`, and `fg/*.png`, the colours without the background's.

    A picture's `fg` is taken where it is there, else its `original`.
    """
    for phase in ("train", "validation"):
        images = dict(find_files(root / phase / "original")) | dict(find_files(root / phase / "fg"))
        yield from pair(images, dict(find_files(root / phase / "mask")), prefix=f"{phase}/", category="animal")


def hands_11k(root: Path, request: Request, *, masks: str = "11k-hands_masks") -> Iterator[Record]:
    """11k Hands: `Hands/*.jpg`, and the masks of the NatOcc project, which cover a part of them.

    `masks` is their folder, relative to the root or absolute.
    """
    images = existing_folder(root / "Hands", f"{request.where}.root")
    folder = existing_folder(root / masks, f"{request.where}.masks")
    yield from mask_first(dict(find_files(images)), dict(find_files(folder)), category="hand")


def hiu_dmtl(root: Path, request: Request) -> Iterator[Record]:
    """HIU-DMTL: `to_cv_community/{name}.jpg` with `{name}_mask.png` beside it."""
    inner = root / "to_cv_community"
    files = dict(find_files(inner if inner.is_dir() else root))
    masks = {stem: file for stem, file in files.items() if stem.endswith("_mask")}
    images = {stem: file for stem, file in files.items() if stem not in masks}
    yield from pair(images, masks, category="hand")


def coco_objects(root: Path, request: Request) -> Iterator[Record]:
    """The COCO objects of the NatOcc project, cut out and enlarged: `object_image_sr/*`, `object_mask_x4/*.png`."""
    images = existing_folder(root / "object_image_sr", f"{request.where}.root")
    masks = existing_folder(root / "object_mask_x4", f"{request.where}.root")
    yield from pair(dict(find_files(images)), dict(find_files(masks)), category="object")


def faceocc_occluders(root: Path, request: Request) -> Iterator[Record]:
    """FaceOcc: `CelebAHQ/*.png`, `ffhq/*.png`, `internet/{class}/*.png` in RGBA, 256×256, aligned as its faces are.

    The categories are `CelebAHQ`, `ffhq` and the classes of `internet`.
    """
    for part in ("CelebAHQ", "ffhq", "internet"):
        for stem, picture in find_files(root / part):
            yield Record(f"{part}/{stem}", picture, category=Path(picture).parent.name)
