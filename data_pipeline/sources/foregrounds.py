"""The datasets that RVM trains its matting on: foreground clips and pictures, backgrounds."""

from collections.abc import Iterator
from pathlib import Path

from data_pipeline.sources.adapter import adapter
from data_pipeline.sources.base import Request
from data_pipeline.sources.clip_sources import FrameClips
from data_pipeline.sources.records import Record, clip_folders, find_files, pair

_HALVES = {"train": ("train",), "valid": ("valid", "test"), "test": ("test", "valid")}
_RVM_DATA = "https://github.com/PeterL1n/RobustVideoMatting/blob/master/documentation/training.md"

_PHASES = ("train", "valid", "test")


@adapter(
    "VideoMatte240K",
    ("foreground", "occluder"),
    source=FrameClips,
    own_split=_HALVES,
    layout="{train,valid,test}/{fgr,pha}/{clip}/{frame}.jpg",
    origin="https://grail.cs.washington.edu/projects/background-matting-v2",
    licence="MIT, by word of its author",
)
def videomatte240k(root: Path, request: Request) -> Iterator[Record]:
    """Finds VideoMatte240K: `{train,valid,test}/{fgr,pha}/{clip}/{frame}.jpg`; `valid` is made by hand, else `test`."""
    for phase in _PHASES:
        images, masks = clip_folders(root / phase / "fgr"), clip_folders(root / phase / "pha")
        yield from pair(images, masks, prefix=f"{phase}/", category="person")


@adapter(
    "ImageMatte (Distinctions-646 and Adobe's set, persons)",
    ("foreground", "occluder"),
    own_split=_HALVES,
    layout="{train,valid}/{fgr,pha}/{name}.{jpg,png}",
    origin=_RVM_DATA,
    licence="both by request to their authors",
)
def imagematte(root: Path, request: Request) -> Iterator[Record]:
    """Finds ImageMatte, Distinctions-646 and Adobe's set merged: `{train,valid,test}/{fgr,pha}/{name}.{jpg,png}`."""
    for phase in _PHASES:
        images, masks = dict(find_files(root / phase / "fgr")), dict(find_files(root / phase / "pha"))
        yield from pair(images, masks, prefix=f"{phase}/", category="person")


@adapter(
    "Background pictures",
    ("background", "texture"),
    layout="any pictures, in the root or below it",
    origin=_RVM_DATA,
    licence="those of the pictures",
)
def background_images(root: Path, request: Request) -> Iterator[Record]:
    """Pictures of any kind, in the root or below it."""
    for stem, picture in find_files(root):
        yield Record(stem, picture)


@adapter(
    "Background videos (DVM)",
    ("background",),
    source=FrameClips,
    own_split={"train": ("train", ""), "valid": ("valid", "test", ""), "test": ("test", "valid", "")},
    layout="[{train,test}/]{clip}/{frame}.jpg",
    origin=_RVM_DATA,
    licence="those of the videos of DVM (https://github.com/nowsyn/DVM)",
)
def background_videos(root: Path, request: Request) -> Iterator[Record]:
    """Clips `{clip}/{frame}.jpg`, as RVM offers them of DVM: in the root, or in a folder for each split."""
    for phase in _PHASES:
        for name, folder in clip_folders(root / phase).items():
            yield Record(f"{phase}/{name}", folder)
    for name, folder in clip_folders(root).items():
        if name not in _PHASES:
            yield Record(name, folder)
