"""The datasets of RVM's segmentation pass, as downloaded: pictures and clips with masks of persons."""

import base64
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from data_pipeline.sources.adapter import adapter
from data_pipeline.sources.base import Request
from data_pipeline.sources.clip_sources import FrameClips, listed_frames
from data_pipeline.sources.folder import folder
from data_pipeline.sources.records import Pictures, Record, existing_folder, find_files, read_file
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import PICTURE_SUFFIXES

_COCO = {"train": ("train2017",), "valid": ("val2017",), "test": ("val2017",)}

_COCO_PERSON = 1
_COCO_WORN = (_COCO_PERSON, 27, 32)  # and what RVM counts with a person: backpack, tie
_YOUTUBEVIS_PERSON = 26  # in the list of 2021


def read_panoptic_mask(mask: tuple[str, Sequence[int]]) -> np.ndarray:
    """Returns where a panoptic picture, id = R + 256 G + 65536 B, has one of the ids: uint8 0 or 255, (h, w)."""
    path, ids = mask
    colours = cv2.imdecode(np.frombuffer(read_file(path), np.uint8), cv2.IMREAD_COLOR)
    if colours is None:
        raise UserError(f"{path}: not a picture that OpenCV can read")
    blue, green, red = (colours[..., channel].astype(np.uint32) for channel in range(3))
    return np.isin(red + 256 * green + 65536 * blue, ids).astype(np.uint8) * np.uint8(255)


@adapter(
    "COCO panoptic, persons",
    ("segmentation",),
    source=partial(Pictures, read_mask=read_panoptic_mask),
    own_split=_COCO,
    layout="{train,val}2017/*.jpg, panoptic_{train,val}2017/*.png, annotations/panoptic_{train,val}2017.json",
    origin="https://cocodataset.org",
    licence="annotations CC BY 4.0; pictures: terms of Flickr",
)
def coco_panoptic(root: Path, request: Request) -> Iterator[Record]:
    """Finds COCO panoptic: `{phase}2017/*.jpg`, `panoptic_{phase}2017/*.png`, `annotations/panoptic_{phase}2017.json`.

    Pictures with a person; the mask is persons, backpacks and ties. The panoptic folders may also be in `annotations`,
    where the archive of the annotations unpacks them.
    """
    for phase in ("train2017", "val2017"):
        path = root / f"annotations/panoptic_{phase}.json"
        if not path.is_file():
            continue
        masks = next(
            (f for f in (root / f"panoptic_{phase}", root / f"annotations/panoptic_{phase}") if f.is_dir()), None
        )
        if masks is None:
            raise UserError(f"{request.where}.root: no folder panoptic_{phase} in {root}; unpack it there")
        images, found = dict(find_files(root / phase)), dict(find_files(masks))
        for annotation in _entries(path, "annotations"):
            categories = {segment["category_id"] for segment in annotation["segments_info"]}
            if _COCO_PERSON not in categories:
                continue
            stem = Path(annotation["file_name"]).stem
            ids = tuple(s["id"] for s in annotation["segments_info"] if s["category_id"] in _COCO_WORN)
            picture, mask = images.get(stem), found.get(stem)
            problem = None if picture and mask else "no picture of that name" if mask else "no mask of that name"
            yield Record(f"{phase}/{stem}", picture or stem, (mask, ids), "person", problem)


def read_runs(mask: tuple[tuple[int, int], Sequence[np.ndarray]]) -> np.ndarray:
    """Returns the union of uncompressed run lengths, column by column and beginning with 0: uint8 0 or 255, (h, w)."""
    (height, width), segments = mask
    union = np.zeros(height * width, np.uint8)
    for counts in segments:
        values = np.zeros(len(counts), np.uint8)
        values[1::2] = 255
        if counts.sum() != union.size:
            raise UserError(f"a mask of {counts.sum()} pixels for a picture of {width}×{height}; download it again")
        union |= np.repeat(values, counts)
    return np.ascontiguousarray(union.reshape(width, height).T)


@adapter(
    "YouTubeVIS 2021, persons",
    ("segmentation",),
    source=partial(FrameClips, list_frames=listed_frames, read_mask=read_runs),
    layout="train/JPEGImages/{video}/{frame}.jpg, train/instances.json",
    origin="https://youtube-vos.org/dataset/vis",
    licence="after registration, on its terms",
)
def youtubevis2021(root: Path, request: Request) -> Iterator[Record]:
    """Finds YouTubeVIS 2021: clips `train/JPEGImages/{video}/{frame}.jpg` with a person, by `train/instances.json`.

    A clip goes from the first to the last frame that has one; frames between them may have none.
    """
    path = root / "train/instances.json"
    persons: dict[int, list[list[Any]]] = defaultdict(list)
    for annotation in _entries(path, "annotations"):
        if annotation["category_id"] == _YOUTUBEVIS_PERSON:
            persons[annotation["video_id"]].append(annotation["segmentations"])
    images = existing_folder(root / "train/JPEGImages", f"{request.where}.root")
    for video in _entries(path, "videos"):
        tracks = persons.get(video["id"])
        if not tracks:
            continue
        size = (video["height"], video["width"])
        frames = []
        for name, *segments in zip(video["file_names"], *tracks, strict=False):
            runs = tuple(np.array(segment["counts"], np.uint32) for segment in segments if segment)
            frames.append((str(images / name), (size, runs)))
        seen = [index for index, (_, (_, runs)) in enumerate(frames) if runs]
        key = Path(video["file_names"][0]).parent.as_posix()
        if seen:
            yield Record(key, frames[seen[0] : seen[-1] + 1], category="person")


def read_supervisely_mask(path: str) -> bytes | np.ndarray:
    """Reads the persons of an annotation (polygons, bitmaps in their order) or a mask's file: uint8 (h, w), 0, 255."""
    data = read_file(path)
    if not path.endswith(".json"):
        return data
    try:
        annotation = json.loads(data)
        mask = np.zeros((annotation["size"]["height"], annotation["size"]["width"]), np.uint8)
        for thing in annotation["objects"]:
            if thing["classTitle"].startswith("person"):
                _draw(mask, thing)
    except (ValueError, KeyError, TypeError, zlib.error, cv2.error) as error:
        raise UserError(f"{path}: not an annotation of Supervisely ({error!r})") from error
    return mask


@adapter(
    "Supervisely Persons",
    ("segmentation",),
    source=partial(Pictures, read_mask=read_supervisely_mask),
    layout="{part}/{img/*.*,ann/*.json}, or the bitmaps of RVM: {img,seg} or {train,valid}/{src,msk}",
    origin="https://supervisely.com, the project Supervisely Persons",
    licence="non-commercial research only",
)
def supervisely(root: Path, request: Request) -> Iterator[Record]:
    """Finds Supervisely Persons: the project `{part}/{img/*, ann/{picture}.json}`, or the bitmaps of RVM's script.

    RVM's script writes `{train,valid}/{src,msk}` with masks as JPEG, and its archive has `{img,seg}`: both are read.
    Objects of the class `neutral` are no persons.
    """
    if not any(path.is_dir() for path in root.glob("**/ann")):
        yield from (record._replace(category="person") for record in folder(root, request))
        return
    for annotations in sorted(path for path in root.glob("**/ann") if path.is_dir()):
        # An annotation has the whole name of its picture, with the suffix.
        found = dict(find_files(annotations, (".json",)))
        part = annotations.parent
        prefix = "" if part == root else f"{part.relative_to(root).as_posix()}/"
        for stem, picture in find_files(part / "img", PICTURE_SUFFIXES):
            annotation = found.get(stem + Path(picture).suffix) or found.get(stem)
            problem = None if annotation else "it has no annotation"
            yield Record(prefix + stem, picture, annotation, "person", problem)


def _draw(mask: np.ndarray, thing: dict[str, Any]) -> None:
    if thing.get("bitmap"):
        packed = zlib.decompress(base64.b64decode(thing["bitmap"]["data"]))
        picture = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is None:
            raise ValueError("a bitmap is damaged")
        bitmap = picture if picture.ndim == 2 else picture[..., -1]
        left, top = thing["bitmap"]["origin"]
        part = mask[top : top + bitmap.shape[0], left : left + bitmap.shape[1]]
        part[bitmap[: part.shape[0], : part.shape[1]] > 0] = 255
        return
    inside = np.zeros_like(mask)
    cv2.fillPoly(inside, [np.array(thing["points"]["exterior"], np.float64).round().astype(np.int32)], 255)
    for hole in thing["points"]["interior"]:
        cv2.fillPoly(inside, [np.array(hole, np.float64).round().astype(np.int32)], 0)
    mask |= inside


def _entries(path: Path, name: str) -> list[dict[str, Any]]:
    try:
        entries: list[dict[str, Any]] = json.loads(read_file(str(path)))[name]
        return entries
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: not an annotation file with '{name}'; download it again ({error!r})") from error
