"""The clips of a config as a source of their own, so that they can be synthesised once and kept (`prepare.py`)."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import grain

from data_pipeline.pipeline import make_dataset


class SynthesizedClips:
    """A `ClipSource` over the first `num_clips` clips of a config's stream; their alpha is the visible face.

    Args:
        data: the `data` section, a plain mapping; see `make_dataset`.
        split, seed: see `make_dataset`.
        num_clips: how many.
    """

    skipped: Mapping[str, str] = {}

    def __init__(self, data: Mapping[str, Any], split: str, seed: int | None, num_clips: int):
        self.data, self.split, self.seed, self.num_clips = data, split, seed, num_clips

    def __len__(self) -> int:
        return self.num_clips

    def frames(self, index: int) -> int:
        return int(self.data["seq_length"])

    def read(self, index: int, frames: Sequence[int]) -> dict[str, Any]:
        clip = self._clips[index]
        return {
            "key": f"{self.split}/{index:06d}",
            "kind": "face",
            "category": clip["category"],
            "rgb": [clip["src"][frame] for frame in frames],
            "alpha": [clip["pha"][frame, ..., 0] for frame in frames],
        }

    @cached_property
    def _clips(self) -> grain.MapDataset:
        return make_dataset(self.data, split=self.split, seed=self.seed, num_clips=self.num_clips, names=True)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_clips"}
