"""Folders of pictures and masks in any of the usual layouts: the pairs of folders are found by their names."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from data_pipeline.sources.adapter import adapter
from data_pipeline.sources.base import OPAQUE_KINDS, Request
from data_pipeline.sources.records import Record, find_files
from rvm_jax.errors import UserError
from rvm_jax.media.picture_formats import UNREAD_SUFFIXES, why_left_out

# Where both are there, the first wins: AM-2k's `fg` is free of the background's colour, its `original` is not.
IMAGE_FOLDERS = ("fg", "fgr", "img", "image", "images", "original", "src")
MASK_FOLDERS = ("mask", "masks", "alpha", "pha", "seg", "msk")
_WITH_ALPHA = (".png", ".webp", ".tif", ".tiff")


@adapter(
    "Any folders of pictures and masks, or of pictures in RGBA",
    ("face", "occluder", "texture", "background", "foreground", "segmentation"),
    layout="{img,image,fg,…}/{name}.* beside {mask,alpha,pha,…}/{name}[_mask].*, in the root or in class folders",
    origin="your own",
    licence="your own",
    example='split="hash:0.8/0.1/0.1"',
)
def folder(root: Path, request: Request, *, images: str | None = None, masks: str | None = None) -> Iterator[Record]:
    """Finds `{fg,img,…}` beside `{mask,alpha,…}`, in `root` or in any folder below it.

    A picture's mask has the picture's name, with or without `_mask`, and any suffix. Pictures in RGBA need no mask
    folder, and textures and backgrounds no masks. A folder that holds such a pair is a category, named after itself.

    Args:
        root, request: what every adapter gets.
        images, masks: names of the two folders where they are others, as they stand beside each other.
    """
    opaque = request.kind in OPAQUE_KINDS
    if images is not None:
        pairs = list(_folder_pairs(root, (images,), (masks,) if masks else ()))
        if not pairs:
            beside = f" beside a folder '{masks}'" if masks else ""
            raise UserError(f"{request.where}.images: no folder '{images}'{beside} in {root}")
    else:
        pairs = [] if opaque else list(_folder_pairs(root, IMAGE_FOLDERS, (masks,) if masks else MASK_FOLDERS))
    if pairs:
        for image_folder, mask_folder in pairs:
            yield from _pairs(root, image_folder, mask_folder)
        return
    for stem, picture in find_files(root):
        problem = None
        if not opaque and not picture.lower().endswith(_WITH_ALPHA):
            problem = "no folder of masks beside it, and this format has no alpha"
        category = Path(picture).parent.name if Path(picture).parent != root else None
        yield Record(stem, picture, None, category, problem)
    for stem, picture in find_files(root, UNREAD_SUFFIXES):
        yield Record(stem, picture, None, None, why_left_out(picture))


def expectation(request: Request) -> str:
    """Returns what a folder should hold, for the message that it does not."""
    if request.kind in OPAQUE_KINDS:
        return "textures and backgrounds are pictures of any name"
    return f"they should be in a folder named {', '.join(IMAGE_FOLDERS)}, the masks in {', '.join(MASK_FOLDERS)}"


def _pairs(root: Path, image_folder: Path, mask_folder: Path | None) -> Iterator[Record]:
    # The folder that holds the pair, also where their names are paths of several parts.
    holder = Path(os.path.commonpath((image_folder.parent, (mask_folder or image_folder).parent)))
    prefix = f"{holder.relative_to(root).as_posix()}/" if holder != root else ""
    masks = dict(find_files(mask_folder)) if mask_folder else {}
    for stem, picture in find_files(image_folder):
        mask = masks.get(stem) or masks.get(f"{stem}_mask")
        problem = f"no mask of that name in {mask_folder}" if mask_folder and mask is None else None
        yield Record(prefix + stem, picture, mask, holder.name if prefix else None, problem)
    for stem, picture in find_files(image_folder, UNREAD_SUFFIXES):
        yield Record(prefix + stem, picture, None, None, why_left_out(picture))


def _folder_pairs(
    root: Path, image_names: Sequence[str], mask_names: Sequence[str]
) -> Iterator[tuple[Path, Path | None]]:
    """Yields the folders (pictures, masks) that stand side by side in `root` or below; masks are None if none asked."""
    for path, names, _ in os.walk(root, followlinks=True):
        names.sort()
        image = _first_folder(Path(path), names, image_names)
        mask = _first_folder(Path(path), names, mask_names)
        if image and (mask or not mask_names):
            leaves = (*image_names, *mask_names)
            names[:] = [name for name in names if name not in leaves and name.lower() not in leaves]
            yield image, mask


def _first_folder(path: Path, names: Sequence[str], wanted: Sequence[str]) -> Path | None:
    lowered = {name.lower(): name for name in names}
    for name in wanted:
        found = lowered.get(name, name)
        if found in names or ("/" in name and (path / name).is_dir()):
            return path / found
    return None
