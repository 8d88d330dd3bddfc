"""From a record of the stream and a generator to a clip: draws the technique, reads what it takes, calls it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data_pipeline.motion import draw_frame_choice
from data_pipeline.sources.base import Picture, Video
from data_pipeline.sources.listing import SECTIONS
from data_pipeline.sources.pool import BadRecords, Pool, open_pool
from data_pipeline.techniques import Synthesizer, open_technique
from data_pipeline.techniques.randocc import draw_texture
from rvm_jax.errors import UserError

_MAX_BAD_SHARE = 0.5


class ClipRecord(NamedTuple):
    """Where a clip's face or foreground is: the section of the data, the source in it, the picture or clip in that."""

    section: str
    member: int
    item: int


class ClipDataset:
    """Makes clips: from a `ClipRecord` and a generator to a dict of uint8 arrays.

    Args:
        data: the `data` section for one split, a plain mapping; see `pipeline.make_dataset`.
        split: "train", "valid" or "test".
        names: whether clips also have the strings `key` (of the face) and `category` (of the occluders, or "none").
        shared: see `BadRecords`.

    Attributes:
        pools: the opened sources by section; those that no technique takes are not opened.

    Raises:
        UserError: if a key of `data` is wrong or missing.
    """

    def __init__(self, data: Mapping[str, Any], split: str, names: bool = False, shared: Path | None = None):
        self.names = names
        self.bad = BadRecords(data.get("max_bad_share", _MAX_BAD_SHARE), shared)
        self.techniques = _open_techniques(data)
        self.pools: dict[str, Pool] = {}
        common = {"split": split, "resolution": data["resolution"], "bad": self.bad}
        for section, kind in SECTIONS.items():
            users = [user for user, _ in self.techniques if section in (user.technique.subject, user.technique.draws)]
            if all(section == user.technique.draws and not user.needs for user in users):
                continue
            pool = open_pool(data.get(section) or {}, kind, f"data.{section}", **common)
            if pool is not None:
                self.pools[section] = pool
            elif section != "textures":  # those can be rendered
                hint = ", or set occlusion=0" if section == "occluders" else ""
                raise UserError(f"data.{section}: no source of {section}; give one a weight above 0{hint}")

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of the arrays that each clip has.

        Raises:
            UserError: if the techniques' clips differ in that, so that they cannot lie in one batch.
        """
        (first, _), *others = self.techniques
        arrays = first.technique.arrays
        for other, _ in others:
            if other.technique.arrays != arrays:
                raise UserError(
                    f"data.techniques: one makes clips of {', '.join(arrays)}, another of "
                    f"{', '.join(other.technique.arrays)}, and these cannot lie in one batch; mix techniques that make "
                    "the same"
                )
        return arrays

    @property
    def subjects(self) -> dict[str, float]:
        """The sections that records are of, and their shares of the clips."""
        shares: dict[str, float] = {}
        for (technique, _), weight in self.techniques:
            shares[technique.subject] = shares.get(technique.subject, 0.0) + weight
        return shares

    def __len__(self) -> int:
        """How many faces and foregrounds there are."""
        return sum(len(self.pools[section]) for section in self.subjects)

    def __call__(self, record: ClipRecord, rng: np.random.Generator) -> dict[str, Any]:
        synthesizer = self._draw_technique(record.section, rng)
        choose = draw_frame_choice(rng, synthesizer.options.seq_length, synthesizer.technique.speeds)
        face = self.pools[record.section].load(record.member, record.item, choose)
        occluders = [self._draw_occluder(synthesizer, rng) for _ in range(synthesizer.draw_count(rng))]
        clip: dict[str, Any] = dict(synthesizer(face, occluders, rng))
        if self.names:
            categories = sorted({occluder.category for occluder in occluders})
            clip |= {"key": face.key, "category": "+".join(categories) or "none"}
        return clip

    def _draw_technique(self, subject: str, rng: np.random.Generator) -> Synthesizer:
        choices = [(user, weight) for user, weight in self.techniques if user.technique.subject == subject]
        shares = np.cumsum([weight for _, weight in choices])
        return choices[int(np.searchsorted(shares / shares[-1], rng.random(), side="right"))][0]

    def _draw_occluder(self, synthesizer: Synthesizer, rng: np.random.Generator) -> Picture | Video:
        draws, options = synthesizer.technique.draws, synthesizer.options
        if draws not in self.pools:
            return draw_texture(rng, options.resolution)
        # Backgrounds may move, occluders are stills.
        choose = draw_frame_choice(rng, options.seq_length) if draws == "backgrounds" else None
        return self.pools[draws].draw(rng, choose)


def _open_techniques(data: Mapping[str, Any]) -> list[tuple[Synthesizer, float]]:
    techniques = []
    for label, spec in data["techniques"].items():
        weight = float(spec.get("weight", 1.0))
        if weight < 0:
            raise UserError(f"data.techniques.{label}.weight: {weight} is below 0")
        if weight > 0:
            shared = {"resolution": data["resolution"], "seq_length": data["seq_length"]}
            where = f"data.techniques.{label}"
            technique = open_technique(spec, where, **shared, trimap=bool(data.get("trimap", False)))
            techniques.append((technique, weight))
    if not techniques:
        raise UserError("data.techniques: no technique; give one a weight above 0")
    return techniques
