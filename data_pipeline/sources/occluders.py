"""The datasets of occluders, as downloaded."""

from collections.abc import Iterator
from pathlib import Path

from data_pipeline.sources.adapter import adapter
from data_pipeline.sources.base import Request
from data_pipeline.sources.records import Record, existing_folder, find_files, mask_first, pair

_TRAIN_TEST = {"train": ("train",), "valid": ("test",), "test": ("test",)}
_TRAIN_VALIDATION = {"train": ("train",), "valid": ("validation",), "test": ("validation",)}
_NATOCC = "https://github.com/kennyvoo/face-occlusion-generation"


@adapter(
    "SIM (SIMD)",
    ("occluder", "foreground"),
    own_split=_TRAIN_TEST,
    layout="{train,test}/{class}/{fg,alpha}/{name}.jpg",
    origin="https://github.com/nowsyn/SIM",
    licence="none stated; the part from Adobe's set must be asked for at Adobe",
    example='exclude=["spider_web"]',
)
def sim(root: Path, request: Request) -> Iterator[Record]:
    """Finds SIM: `{train,test}/{class}/{fg,alpha}/{name}.jpg`; whatever classes are there are the categories.

    A class whose pictures belong to the part that Adobe licenses apart has alphas without pictures: they are skipped.
    """
    for phase in ("train", "test"):
        for folder in sorted(path for path in (root / phase).glob("*") if path.is_dir()):
            images, masks = dict(find_files(folder / "fg")), dict(find_files(folder / "alpha"))
            yield from pair(images, masks, prefix=f"{phase}/{folder.name}/", category=folder.name)


@adapter(
    "AM-2k",
    ("occluder", "foreground"),
    own_split=_TRAIN_VALIDATION,
    layout="{train,validation}/{original/*.jpg,mask/*.png}, fg/*.png where made",
    origin="https://github.com/JizhiziLi/GFM",
    licence="MIT, after signing its agreement",
    example="max_items=1000",
)
def am2k(root: Path, request: Request) -> Iterator[Record]:
    """Finds AM-2k: `{train,validation}/{original/*.jpg, mask/*.png}`, and `fg/*.png`, without the background's colours.

    A picture's `fg` is taken where it is there, else its `original`.
    """
    for phase in ("train", "validation"):
        images = dict(find_files(root / phase / "original")) | dict(find_files(root / phase / "fg"))
        yield from pair(images, dict(find_files(root / phase / "mask")), prefix=f"{phase}/", category="animal")


@adapter(
    "11k Hands",
    ("occluder",),
    layout="Hands/Hand_{number}.jpg; masks of the NatOcc project: 11k-hands_masks/*.png",
    origin=f"https://sites.google.com/view/11khands; masks: {_NATOCC}",
    licence="free for reasonable academic fair use",
)
def hands_11k(root: Path, request: Request, *, masks: str = "11k-hands_masks") -> Iterator[Record]:
    """Finds 11k Hands: `Hands/*.jpg`, and the masks of the NatOcc project, which cover a part of them.

    `masks` is their folder, relative to the root or absolute.
    """
    images = existing_folder(root / "Hands", f"{request.where}.root")
    folder = existing_folder(root / masks, f"{request.where}.masks")
    yield from mask_first(dict(find_files(images)), dict(find_files(folder)), category="hand")


@adapter(
    "HIU-DMTL",
    ("occluder",),
    layout="to_cv_community/{name}.jpg, {name}_mask.png, {name}.json",
    origin="https://github.com/MandyMo/HIU-DMTL",
    licence="no licence of the dataset found (the code: MIT); password by e-mail",
    example='split="hash:0.9/0.1"',
)
def hiu_dmtl(root: Path, request: Request) -> Iterator[Record]:
    """Finds HIU-DMTL: `to_cv_community/{name}.jpg` with `{name}_mask.png` beside it."""
    inner = root / "to_cv_community"
    files = dict(find_files(inner if inner.is_dir() else root))
    masks = {stem: file for stem, file in files.items() if stem.endswith("_mask")}
    images = {stem: file for stem, file in files.items() if stem not in masks}
    yield from pair(images, masks, category="hand")


@adapter(
    "COCO objects of the NatOcc project",
    ("occluder",),
    layout="object_image_sr/*.jpg, object_mask_x4/*.png",
    origin=_NATOCC,
    licence="the project's repository states none; pictures: terms of Flickr; COCO's annotations: CC BY 4.0",
)
def coco_objects(root: Path, request: Request) -> Iterator[Record]:
    """Finds the COCO objects of the NatOcc project, cut out, enlarged: `object_image_sr/*`, `object_mask_x4/*.png`."""
    images = existing_folder(root / "object_image_sr", f"{request.where}.root")
    masks = existing_folder(root / "object_mask_x4", f"{request.where}.root")
    yield from pair(dict(find_files(images)), dict(find_files(masks)), category="object")


@adapter(
    "FaceOcc, its occluders",
    ("occluder",),
    layout="CelebAHQ/*.png, ffhq/*.png, internet/{class}/*.png in RGBA",
    origin="https://github.com/face3d0725/FaceExtraction",
    licence="MIT; cut out of CelebA-HQ, FFHQ and the internet, whose terms stay",
)
def faceocc_occluders(root: Path, request: Request) -> Iterator[Record]:
    """Finds FaceOcc: `CelebAHQ/*.png`, `ffhq/*.png`, `internet/{class}/*.png`, RGBA of 256², aligned as its faces are.

    The categories are `CelebAHQ`, `ffhq` and the classes of `internet`.
    """
    for part in ("CelebAHQ", "ffhq", "internet"):
        for stem, picture in find_files(root / part):
            yield Record(f"{part}/{stem}", picture, category=Path(picture).parent.name)
