"""The datasets of textures, as downloaded."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data_pipeline.sources.base import Request
from data_pipeline.sources.records import Record, existing_folder, find_files
from data_pipeline.sources.split import SplitFile


def dtd(root: Path, request: Request) -> Iterator[Record]:
    """DTD: `images/{class}/{class}_{number}.jpg`; its first of ten partitions is its own split."""
    images = existing_folder(root / "images", f"{request.where}.root")
    for stem, picture in find_files(images):
        yield Record(stem, picture, category=Path(picture).parent.name)


def dtd_split(records: Sequence[Record], root: Path, split: str) -> SplitFile | None:
    """`labels/{train,val,test}1.txt`; a partition of another number is given as `split=labels/train2.txt`."""
    path = root / "labels" / f"{'val' if split == 'valid' else split}1.txt"
    return SplitFile(tuple(path.read_text().split())) if path.is_file() else None
