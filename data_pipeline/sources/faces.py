"""The datasets of faces, as downloaded."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np

from data_pipeline.sources.adapter import adapter
from data_pipeline.sources.base import OPAQUE_KINDS, Request
from data_pipeline.sources.clip_sources import VideoClips
from data_pipeline.sources.pickles import load_array
from data_pipeline.sources.records import Pictures, Record, clip_folders, existing_folder, find_files, pair, read_file
from data_pipeline.sources.split import SplitFile
from rvm_jax.errors import UserError
from rvm_jax.media.masks import decode_mask
from rvm_jax.text_files import read_text

_NATOCC = "https://github.com/kennyvoo/face-occlusion-generation"
_TRAIN_TEST = {"train": ("train",), "valid": ("test",), "test": ("test",)}

FACE_PARTS = ("skin", "l_brow", "r_brow", "l_eye", "r_eye", "nose", "mouth", "u_lip", "l_lip")
VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi")
Policy = Literal["exclude", "keep", "include"]
_PARTS_PER_FOLDER = 2000
_CELEBA_VALID, _CELEBA_TEST = 162_771, 182_638  # the first indices of CelebA's official partition
_ALIGNED_FACE_LABELS = range(1, 11)  # of FaceOcc's label maps; with the glasses (4), which its alphas take out again


class Parts(NamedTuple):
    """The part masks of a face: files whose union is taken, and files taken out of it."""

    face: tuple[str, ...]
    rest: tuple[str, ...]


def merge_parts(parts: Parts) -> np.ndarray:
    """Returns the face's mask, uint8 0 or 255, (h, w): a part is where its file is not 0."""

    def union(files: tuple[str, ...]) -> np.ndarray:
        masks = [decode_mask(read_file(file), file) > 0 for file in files]
        if len({mask.shape for mask in masks}) > 1:
            raise UserError(f"{files[0]}: the parts of this face have different sizes")
        return np.asarray(np.logical_or.reduce(masks))

    mask = union(parts.face)
    if parts.rest:
        rest = union(parts.rest)
        if rest.shape != mask.shape:
            raise UserError(f"{parts.rest[0]}: the parts of this face have different sizes")
        mask &= ~rest
    return mask.astype(np.uint8) * np.uint8(255)


def read_celeba_mask(mask: str | Parts) -> bytes | np.ndarray:
    """Returns a whole mask's file, or the union of the parts."""
    return read_file(mask) if isinstance(mask, str) else merge_parts(mask)


def celeba_split(records: Sequence[Record], root: Path, split: str) -> SplitFile | None:
    """Reads CelebA's partition, by `CelebA-HQ-to-CelebA-mapping.txt` (columns idx, orig_idx, orig_file)."""
    path = root / "CelebA-HQ-to-CelebA-mapping.txt"
    if not path.is_file():
        return None
    names = []
    for line in read_text(path).splitlines()[1:]:
        index, original, *_ = line.split()
        part = "train" if int(original) < _CELEBA_VALID else "valid" if int(original) < _CELEBA_TEST else "test"
        if part == split:
            names.append(index)
    return SplitFile(tuple(names))


@adapter(
    "CelebAMask-HQ",
    ("face",),
    source=partial(Pictures, read_mask=read_celeba_mask),
    own_split=celeba_split,
    layout="CelebA-HQ-img/{id}.jpg, CelebAMask-HQ-mask-anno/{0..14}/{id:05d}_{part}.png, "
    "CelebA-HQ-to-CelebA-mapping.txt; corrected masks {id}.png and WO lists of the NatOcc project",
    origin=f"https://github.com/switchablenorms/CelebAMask-HQ; corrected masks: {_NATOCC}",
    licence="non-commercial research only; no redistribution of the pictures or what derives from them",
    faults="masks of occluded faces often take in what covers them; take the NatOcc project's corrected masks, and its "
    "lists of faces without occlusion (masks, split)",
    example='masks="CelebAMask-HQ-masks_corrected", '
    'split=dict(train="CelebAMask-HQ-WO-train.txt", valid="CelebAMask-HQ-WO-test.txt")',
)
def celebamask_hq(
    root: Path,
    request: Request,
    *,
    masks: str | None = None,
    glasses: Policy = "exclude",
    hat: Policy = "exclude",
    hair: Policy = "exclude",
) -> Iterator[Record]:
    """Finds CelebAMask-HQ: `CelebA-HQ-img/{id}.jpg`, `CelebAMask-HQ-mask-anno/{id // 2000}/{id:05d}_{part}.png`.

    Args:
        root, request: what every adapter gets.
        masks: a folder of whole masks `{id}.png` to take in place of the parts, relative to the root or absolute: the
            NatOcc project's `CelebAMask-HQ-masks_corrected` (its lists `CelebAMask-HQ-WO-train.txt` and `-test.txt`,
            the faces without occlusion, are given as `split`).
        glasses, hat, hair: what a part that covers the face does to the union of skin, brows, eyes, nose and lips:
            `exclude` takes it out, `keep` leaves what the other parts say, `include` adds it.
    """
    images = dict(find_files(existing_folder(root / "CelebA-HQ-img", f"{request.where}.root")))
    if masks is not None:
        folder = existing_folder(root / masks, f"{request.where}.masks")
        yield from pair(images, dict(find_files(folder)))
        return
    annotations = existing_folder(root / "CelebAMask-HQ-mask-anno", f"{request.where}.root")
    parts = {Path(stem).name: file for stem, file in find_files(annotations)}
    policies = {"eye_g": glasses, "hat": hat, "hair": hair}
    for name, policy in policies.items():
        if policy not in ("exclude", "keep", "include"):
            option = "glasses" if name == "eye_g" else name
            raise UserError(f"{request.where}.{option}: '{policy}' is none of exclude, keep, include")
    face_parts = (*FACE_PARTS, *(name for name, policy in policies.items() if policy == "include"))
    rest_parts = tuple(name for name, policy in policies.items() if policy == "exclude")
    for stem, picture in images.items():
        face, rest = (
            tuple(filter(None, (parts.get(f"{stem.zfill(5)}_{name}") for name in names)))
            for names in (face_parts, rest_parts)
        )
        problem = None if face else f"no parts of the face in {annotations}"
        yield Record(stem, picture, Parts(face, rest), None, problem)


@adapter(
    "RealOcc, RealOcc-Wild",
    ("face",),
    layout="image/*.jpg, mask/*.png, split/val.txt",
    origin=_NATOCC,
    licence="photos of Pexels and Unsplash, no licence of the dataset found: for evaluation",
    example='split=dict(valid="split/val.txt")',
)
def realocc(root: Path, request: Request) -> Iterator[Record]:
    """Finds RealOcc and RealOcc-Wild: `image/*.jpg`, `mask/*.png` (0 and 1: they look black); for evaluation."""
    images = existing_folder(root / "image", f"{request.where}.root")
    masks = existing_folder(root / "mask", f"{request.where}.root")
    yield from pair(dict(find_files(images)), dict(find_files(masks)))


def read_faceocc_mask(mask: str | tuple[str, str]) -> bytes | np.ndarray:
    """Returns the visible face of a picture with its occluder as alpha, and its label map; or a mask file."""
    if isinstance(mask, str):
        return read_file(mask)
    picture_file, label_file = mask
    labels = load_array(read_file(label_file), label_file)
    if labels.ndim != 2:
        raise UserError(f"{label_file}: a label map has two axes, this has {labels.ndim}")
    face = np.isin(labels, _ALIGNED_FACE_LABELS).astype(np.uint8) * np.uint8(255)
    picture = cv2.imdecode(np.frombuffer(read_file(picture_file), np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3 or picture.shape[2] != 4 or picture.shape[:2] != face.shape:
        raise UserError(f"{picture_file}: it should have an alpha, and the size of its label map")
    return cv2.multiply(face, cv2.bitwise_not(cv2.extractChannel(picture, 3)), scale=1 / 255)


@adapter(
    "FaceOcc, its really occluded faces",
    ("face",),
    source=partial(Pictures, read_mask=read_faceocc_mask),
    own_split=_TRAIN_TEST,
    layout="ffhq/*.png (alpha = occluder), ffhqMask/*.pkl, CelebAHQ/*.png, COFW_test/{img,mask}",
    origin="https://github.com/face3d0725/FaceExtraction",
    licence="MIT; the faces keep the terms of CelebA-HQ, FFHQ and COFW",
)
def faceocc(root: Path, request: Request, *, celeba_masks: str | None = None) -> Iterator[Record]:
    """Finds FaceOcc's occluded faces: `ffhq/*.png` in RGBA, whose alpha is the occluder, and `ffhqMask/*.pkl`.

    The visible face is where the pickled label map has a face and the alpha no occluder. `COFW_test/{img,mask}` is its
    test split. Pickles are read as arrays alone, so that a file can run no code.

    Args:
        root, request: what every adapter gets.
        celeba_masks: a folder of the label maps `{id}.pkl` of `CelebAHQ/*.png`, which FaceOcc's own script makes
            (`CelebAMask-HQ-align`); without it these faces are left out.
    """
    groups = {"ffhq": root / "ffhqMask"}
    if celeba_masks is not None:
        groups["CelebAHQ"] = existing_folder(root / celeba_masks, f"{request.where}.celeba_masks")
    for name, folder in groups.items():
        labels = dict(find_files(folder, (".pkl",)))
        for record in pair(dict(find_files(root / name)), labels, prefix=f"train/{name}/", category=name):
            yield record._replace(mask=(record.picture, record.mask)) if record.problem is None else record
    cofw = root / "COFW_test"
    images, masks = dict(find_files(cofw / "img")), dict(find_files(cofw / "mask"))
    yield from pair(images, masks, prefix="test/COFW/", category="COFW")


@adapter(
    "CelebV-HQ",
    ("face", "background"),
    source=VideoClips,
    layout="processed/{clip}.mp4; masks of your own {clip}/{frame}.png",
    origin="https://github.com/CelebV-HQ/CelebV-HQ",
    licence="non-commercial research only",
    faults="the list's times are whole seconds, so that some clips hold a scene cut (one shot is then taken)",
    example='masks="masks", split="hash:0.95/0.05"',
)
def celebv_hq(root: Path, request: Request, *, masks: str | None = None) -> Iterator[Record]:
    """Finds CelebV-HQ: clips `processed/{clip}.mp4` (or in the root), as its download script leaves them.

    It has no masks of its own: `masks` is a folder `{clip}/{frame}.png`, frames numbered from 0, relative to the root
    or absolute. Faces need it; as a background the clips do without.
    """
    processed = root / "processed"
    videos = dict(find_files(processed if processed.is_dir() else root, VIDEO_SUFFIXES))
    folders = clip_folders(existing_folder(root / masks, f"{request.where}.masks")) if masks is not None else {}
    for stem, video in videos.items():
        problem = None
        if request.kind not in OPAQUE_KINDS and stem not in folders:
            problem = "it has no folder of masks" if masks else "it has no masks; give their folder as masks"
        yield Record(stem, video, folders.get(stem), None, problem)
