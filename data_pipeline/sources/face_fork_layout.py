"""The layout in which the face-matting fork of RVM expects its data, prepared by hand from the original datasets."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data_pipeline.sources.adapter import adapter
from data_pipeline.sources.base import Request
from data_pipeline.sources.records import Record, find_files, mask_first, pair
from data_pipeline.sources.split import SplitFile
from rvm_jax.text_files import read_text

_FACES = "source/face"


def fork_split(records: Sequence[Record], root: Path, split: str) -> SplitFile | None:
    """Reads `CelebAMask-HQ-WO-{train,test}.txt` for faces, or the occluders' folders and `occluders/hiu/hiu_{…}.txt`.

    The 11k hands have no partition: they are in all.
    """
    phase = "train" if split == "train" else "test"
    if not any(record.category for record in records):
        lists = [root / folder / f"CelebAMask-HQ-WO-{phase}.txt" for folder in (_FACES, f"{_FACES}/CelebAMask-HQ", "")]
        return next((SplitFile(tuple(read_text(path).split())) for path in lists if path.is_file()), None)
    hiu = root / f"occluders/hiu/hiu_{phase}.txt"
    listed = {f"hiu/{Path(line).stem}" for line in read_text(hiu).split()} if hiu.is_file() else None
    mine = [
        record.key
        for record in records
        if record.key.split("/")[1] == phase
        or record.category == "11k"
        or (record.category == "hiu" and (listed is None or record.key in listed))
    ]
    return SplitFile(tuple(mine))


@adapter(
    "The prepared data of the face-matting fork",
    ("face", "occluder"),
    own_split=fork_split,
    layout="source/face/CelebAMask-HQ/CelebA-HQ-img-512, occluders/{sim,hiu,am2k,11k}, FM_dataset/…/rand",
    origin="prepared by hand from CelebAMask-HQ, SIM, HIU-DMTL, AM-2k, 11k Hands and RandOcc",
    licence="those of the datasets in it",
    example='include=["sim", "hiu", "am2k", "rand"]',
)
def fork(root: Path, request: Request) -> Iterator[Record]:
    """Finds the fork's faces, or its occluders in the categories sim, hiu, am2k, 11k and rand.

    Faces: `source/face/CelebAMask-HQ/CelebA-HQ-img-512/{id}.jpg`, `…/CelebAMask-HQ-masks_corrected-512/{id}.png`.
    Occluders: `occluders/sim/{train,test}/{class}/{fg,alpha}`, `occluders/hiu/{fg/*.jpg,alpha/*_mask.png}`,
    `occluders/am2k/{train,test}/{fg,mask}`, `occluders/11k/{Hands,11k-hands_masks}`, and the dumps of random shapes
    `FM_dataset/CelebA-HQ-WO-{train,test}/rand/{occlusion_img,occlusion_mask}`.
    """
    if request.kind == "face":
        faces = root / _FACES
        images, masks = faces / "CelebAMask-HQ/CelebA-HQ-img-512", faces / "CelebAMask-HQ-masks_corrected-512"
        yield from pair(dict(find_files(images)), dict(find_files(masks)))
        return
    occluders = root / "occluders"
    yield from _pairs(occluders / "hiu/fg", occluders / "hiu/alpha", "hiu")
    hands, hand_masks = occluders / "11k/Hands", occluders / "11k/11k-hands_masks"
    yield from mask_first(dict(find_files(hands)), dict(find_files(hand_masks)), prefix="11k/", category="11k")
    for phase in ("train", "test"):
        for folder in sorted((occluders / "sim" / phase).glob("*")):
            yield from _pairs(folder / "fg", folder / "alpha", "sim", f"{phase}/{folder.name}/")
        yield from _pairs(occluders / "am2k" / phase / "fg", occluders / "am2k" / phase / "mask", "am2k", f"{phase}/")
        rand = root / f"FM_dataset/CelebA-HQ-WO-{phase}/rand"
        yield from _pairs(rand / "occlusion_img", rand / "occlusion_mask", "rand", f"{phase}/")


def _pairs(images: Path, masks: Path, category: str, below: str = "") -> Iterator[Record]:
    yield from pair(dict(find_files(images)), dict(find_files(masks)), prefix=f"{category}/{below}", category=category)
