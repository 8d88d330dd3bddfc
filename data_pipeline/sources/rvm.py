"""The datasets that RVM trains its matting on: foreground clips and pictures, backgrounds."""

from collections.abc import Iterator
from pathlib import Path

from data_pipeline.sources.base import Request
from data_pipeline.sources.records import Record, clip_folders, find_files, pair

_PHASES = ("train", "valid", "test")


def videomatte240k(root: Path, request: Request) -> Iterator[Record]:
    """VideoMatte240K: clips `{train,valid,test}/{fgr,pha}/{clip}/{frame}.jpg`; `valid` is made by hand, else `test`."""
    for phase in _PHASES:
        images, masks = clip_folders(root / phase / "fgr"), clip_folders(root / phase / "pha")
        yield from pair(images, masks, prefix=f"{phase}/", category="person")


def imagematte(root: Path, request: Request) -> Iterator[Record]:
    """ImageMatte, Distinctions-646 and Adobe's set merged: `{train,valid,test}/{fgr,pha}/{name}.{jpg,png}`."""
    for phase in _PHASES:
        images, masks = dict(find_files(root / phase / "fgr")), dict(find_files(root / phase / "pha"))
        yield from pair(images, masks, prefix=f"{phase}/", category="person")


def background_images(root: Path, request: Request) -> Iterator[Record]:
    """Pictures of any kind, in the root or below it."""
    for stem, picture in find_files(root):
        yield Record(stem, picture)


def background_videos(root: Path, request: Request) -> Iterator[Record]:
    """Clips `{clip}/{frame}.jpg`, as RVM offers them of DVM: in the root, or in a folder for each split."""
    for phase in _PHASES:
        for name, folder in clip_folders(root / phase).items():
            yield Record(f"{phase}/{name}", folder)
    for name, folder in clip_folders(root).items():
        if name not in _PHASES:
            yield Record(name, folder)
