"""The datasets of textures, as downloaded."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data_pipeline.sources.adapter import adapter
from data_pipeline.sources.base import Request
from data_pipeline.sources.records import Record, existing_folder, find_files
from data_pipeline.sources.split import SplitFile
from rvm_jax.text_files import read_text


def dtd_split(records: Sequence[Record], root: Path, split: str) -> SplitFile | None:
    """Finds `labels/{train,val,test}1.txt`; a partition of another number is given as `split=labels/train2.txt`."""
    path = root / "labels" / f"{'val' if split == 'valid' else split}1.txt"
    return SplitFile(tuple(read_text(path).split())) if path.is_file() else None


@adapter(
    "Describable Textures (DTD)",
    ("texture", "background"),
    own_split=dtd_split,
    layout="images/{class}/{class}_{number}.jpg, labels/{train,val,test}{1..10}.txt",
    origin="https://www.robots.ox.ac.uk/~vgg/data/dtd",
    licence="for research purposes",
    example='split="labels/train2.txt"',
)
def dtd(root: Path, request: Request) -> Iterator[Record]:
    """Finds DTD: `images/{class}/{class}_{number}.jpg`; its first of ten partitions is its own split."""
    images = existing_folder(root / "images", f"{request.where}.root")
    for stem, picture in find_files(images):
        yield Record(stem, picture, category=Path(picture).parent.name)
