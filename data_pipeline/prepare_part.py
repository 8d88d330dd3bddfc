"""A part of a prepared set: its rows in ArrayRecord files, by TFDS without TensorFlow, or by Beam."""

import contextlib
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds
from absl import logging

from data_pipeline.prepare_rows import Item, rows_of
from data_pipeline.sources.base import ClipSource, Source
from data_pipeline.sources.prepared import PART


@dataclass(frozen=True)
class Part:
    """What goes into a part.

    Attributes:
        root: the folder of the prepared set.
        number: the part's, from 0.
        items: of the source, in its order.
        source: what is written.
        size: see `prepare.write`.
        description: what the index says of the set.
        beam_options: see `prepare.write`.
    """

    root: Path
    number: int
    items: Sequence[Item]
    source: Source | ClipSource
    size: int | None
    description: Mapping[str, Any]
    beam_options: Sequence[str] | None

    @property
    def path(self) -> Path:
        return self.root / PART.format(self.number)

    @property
    def rows(self) -> int:
        return sum(item.rows for item in self.items)

    @property
    def is_complete(self) -> bool:
        return (self.path / "dataset_info.json").is_file()


# Writes a part, and calls its second argument after each row, where it can.
PartWriter = Callable[[Part, Callable[[], object]], None]


def write_part(part: Part, progress: Callable[[], object]) -> None:
    """Writes a part, whole; what an interruption left of it goes away first."""
    shutil.rmtree(part.path.parent, ignore_errors=True)

    def rows_here() -> Iterator[tuple[int, dict[str, Any]]]:
        for item in part.items:
            for numbered in rows_of(item, part.source, part.size):
                progress()
                yield numbered

    make_rows: Callable[[], Any] = rows_here
    options: dict[str, Any] = {}
    if part.beam_options is not None:
        from data_pipeline.prepare_beam import pipeline_options, rows_by_beam

        make_rows = partial(rows_by_beam, part.items, partial(rows_of, source=part.source, size=part.size))
        options["beam_options"] = pipeline_options(part.beam_options)
    about = part.description
    with tempfile.TemporaryDirectory() as unused, _quiet():
        builder = _RowsBuilder(
            make_rows=make_rows,
            about=f"Part {part.number} of {about['source']} ({about['kind']}), prepared for rvm-jax",
            licence=str(about["licence"]),
            data_dir=str(part.root),
            config=tfds.core.BuilderConfig(name=part.path.parent.name, version="1.0.0"),
            file_format="array_record",
        )
        builder.download_and_prepare(download_dir=unused, download_config=tfds.download.DownloadConfig(**options))


class _RowsBuilder(tfds.core.GeneratorBasedBuilder):  # type: ignore[misc]  # TFDS has no types
    """A part of a prepared set, its rows in the order of their numbers."""

    name = "rows"
    url_infos: ClassVar[
        dict[str, str]
    ] = {}  # nothing is downloaded; TFDS would look for a list of checksums beside this file
    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, make_rows: Callable[[], Any], about: str, licence: str, **options: Any):
        self._make_rows, self._about, self._licence = make_rows, about, licence
        super().__init__(**options)

    def _info(self) -> tfds.core.DatasetInfo:
        # Text is how TFDS keeps bytes as they are: Image would call on TensorFlow for what is no plain picture.
        text = {name: tfds.features.Text() for name in ("rgb", "alpha", "key", "category", "problem")}
        features = tfds.features.FeaturesDict(text | {"frame": np.int64})
        return tfds.core.DatasetInfo(
            builder=self, features=features, disable_shuffling=True, description=self._about, license=self._licence
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Any:
        return self._make_rows()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """TFDS speaks of downloads, which there are none, and shows bars of its own beside ours."""
    verbosity = logging.get_verbosity()
    tfds.disable_progress_bar()
    logging.set_verbosity(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(verbosity)
