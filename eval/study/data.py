"""What the study trains and measures on, made once: prepared sets, and a test bed of held-out pictures and clips."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from data_pipeline.prepare_source import prepare_source
from data_pipeline.sources import open_source
from data_pipeline.sources.base import Kind, Request
from eval.make_benchmark.benchmark import make
from eval.make_benchmark.benchmark_spec import STILL, categories
from eval.study.design import BARE, IN_DEPTH, Sets, contenders, people
from rvm_jax.media.pictures import write_picture

SPLIT = "test"  # of the test bed: other people, other occluders
# Held-out people by what is before them: hands, hands that hold things besides what is worn, what is worn alone.
_DEPTH: Mapping[str, Mapping[str, Any]] = {
    "depth_hands": {"hands": 1.0, "wear": False},
    "depth_things": {"hands": 1.0, "wear": True},
    "depth_worn": {"hands": 0.0, "wear": True},
}
_PART_ROWS = 100  # what an interruption loses at most


def prepare_sets(config: ConfigDict, folder: Path, phase: str = "main") -> Sets:
    """Writes the sets that a phase's contenders read, but what is there already, and returns where they are."""
    sets = Sets(*(folder / name for name in Sets._fields))
    sources: list[tuple[Path, Kind, dict[str, Any]]] = [
        (sets.bare, "face", people(config, BARE)),
        (sets.in_depth, "face", people(config, IN_DEPTH)),
        (sets.occluders, "occluder", config.study.occluders.to_dict()),
        (sets.textures, "texture", config.study.textures.to_dict()),
    ]
    for contender in contenders(config, phase):
        if contender.traits:
            spec = people(config, {**IN_DEPTH, **contender.traits})
            sources.append((sets.with_traits(contender.traits), "face", spec))
    for path, kind, spec in sources:
        request = Request(kind, "train", config.data.resolution, f"study.{path.name}")
        prepare_source(path, spec, request, "train", part_size=_PART_ROWS)
    return sets


def make_test_bed(config: ConfigDict, folder: Path) -> list[Path]:
    """Makes the rendered test bed, but what is there already, and returns its folders.

    One holds occluders pasted on people who stand still, a category a kind, as pictures and as clips that move; the
    other people with occluders in depth, as clips.
    """
    test = config.study.test
    faces = {"people": people(config, BARE) | {"frames": 1, "max_items": 1000}}
    data = {"faces": faces}
    data["occluders"] = {"main": config.study.occluders.to_dict()}
    if "occluders" in test:
        data["occluders"]["unseen"] = test.occluders.to_dict()
    data["textures"] = {"main": config.study.textures.to_dict()}
    parts, absent = categories(
        data,
        pictures=test.pictures,
        clips=test.clips,
        frames=test.frames,
        resolution=config.data.resolution,
        seed=test.seed,
        split=SPLIT,
    )
    parts = [part for part in parts if not part.name.endswith(f"_{STILL}")]  # pictures are held in their place
    make(folder / "pasted", parts, SPLIT, {"seed": test.seed, "without_occluders": absent})
    for name, traits in _DEPTH.items():
        _render(config, {**people(config, traits), "frames": test.frames, "max_items": test.clips}, folder, name)
    return [folder / "pasted", folder / "depth"]


def _render(config: ConfigDict, spec: dict[str, Any], folder: Path, name: str) -> None:
    """Writes a category of clips of people; a clip's folder of masks comes last, and whole."""
    request = Request("face", SPLIT, config.data.resolution, name)
    source: Any = open_source(spec, request)
    for index in tqdm(range(len(source)), name, unit="clip"):
        category, clip = folder / "depth" / name, f"{index:05d}"
        if (category / "mask" / clip).is_dir():
            continue
        read = source.read(index, range(source.frames(index)))
        partial = category / "mask" / f".{clip}.partial"
        for frame, (rgb, alpha) in enumerate(zip(read["rgb"], read["alpha"], strict=True)):
            write_picture(category / "img" / clip / f"{frame:05d}.png", rgb)
            write_picture(partial / f"{frame:05d}.png", np.asarray(alpha))
        partial.rename(category / "mask" / clip)
