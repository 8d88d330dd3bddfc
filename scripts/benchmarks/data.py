"""Clips of four 512² frames from picture files, decoding included, on one core: each technique beside the fork's."""

import cProfile
import pstats
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags
from tqdm import tqdm

from rvm_jax.errors import UserError
from scripts.benchmarks import people, timing
from scripts.benchmarks.report import Row, table

_SIZE = flags.DEFINE_integer("size", 512, "Height and width of pictures and frames.", lower_bound=32)
_FRAMES = flags.DEFINE_integer("frames", 4, "Frames of a clip.", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 8, "How often each technique has its turn.", lower_bound=1)
_CALLS = flags.DEFINE_integer("calls", 12, "Clips that are timed in a turn.", lower_bound=1)
_CLIPS = flags.DEFINE_integer("clips", 0, "Watches the memory over so many clips instead of the time.", lower_bound=0)
_TECHNIQUES = flags.DEFINE_bool("techniques", True, "Whether to measure clips of techniques; people alone if not.")
_PEOPLE = flags.DEFINE_integer(
    "people", 4, "Frames of rendered people, a style of hair; 0 leaves them out.", lower_bound=0
)

_PICTURES = 24
_PEER = "published, verbatim"
# Every occluder of natocc takes the face's colours, which by default only hands do.
_CHANGES: dict[str, dict[str, Any]] = {"natocc": {"transfer_all": True}}
# What a clip's time goes into: functions by file, in the order in which they run.
_STAGES = {
    "read": ("records.py", "read_file"),
    "decode": ("decode.py", "decode"),
    "face": ("scene.py", "open_scene"),
    "colours": ("colour_transfer.py", "transfer_colours"),
    "path": ("trajectories.py", "draw_trajectory"),
    "occluder": ("scene.py", "draw_occluder"),
    "camera": ("scene.py", "close_scene"),
}


def measure() -> list[Row]:
    """Prints clips a second of each technique and where the time goes, or with `--clips` what memory they hold."""
    rendered = _PEOPLE.value and not _CLIPS.value
    if not _TECHNIQUES.value:
        return people.measure(_PEOPLE.value) if rendered else []
    with tempfile.TemporaryDirectory(prefix="rvm_jax_benchmark_") as folder:
        sections = _write_pictures(Path(folder))
        makers = {name: _maker(sections, technique) for name, technique in contenders().items()}
        rows = _memory(makers) if _CLIPS.value else _speed(makers)
    return rows + (people.measure(_PEOPLE.value) if rendered else [])


def contenders() -> dict[str, dict[str, Any]]:
    """Returns the settings of every technique in each of its presets, every clip occluded where it occludes."""
    from data_pipeline.techniques import TECHNIQUES
    from data_pipeline.techniques.options import OcclusionOptions

    found: dict[str, dict[str, Any]] = {}
    for name, technique in TECHNIQUES.items():
        for preset, options in technique.presets.items():
            occluded = {"occlusion": 1.0} if isinstance(options, OcclusionOptions) else {}
            title = name if len(technique.presets) == 1 else f"{name}, {preset}"
            found[title] = {"name": name, "preset": preset, **occluded, **_CHANGES.get(name, {})}
    return found


def _speed(makers: dict[str, Callable[[], object]]) -> list[Row]:
    seconds = timing.interleave(makers, _ROUNDS.value, _CALLS.value)
    medians, lines, rows = {}, [], []
    for name, values in seconds.items():
        # The mean, as clips differ: a throughput counts the slow ones, too.
        medians[name] = 1 / float(values.mean())
    for name, maker in makers.items():
        _, low, high = timing.middle_and_spread(seconds[name])
        stages = _stage_shares(maker)
        rate = medians[name]
        ratio = rate / medians[_PEER]
        times = [f"{1e3 / rate * stages[stage]:.1f}" for stage in _STAGES]
        lines.append((name, f"{rate:.1f}", f"{ratio:.1f}", f"{1e3 / rate:.1f}", f"{low:.0f} to {high:.0f}", *times))
        rows.append(Row(f"data {name}", rate, "clips/s/core", _PEER, ratio))
    print(
        f"\nClips of {_FRAMES.value} frames of {_SIZE.value}², every one occluded, no trimap, one thread; ms per clip"
    )
    print(table(("", "clips/s", "/ verbatim", "ms", "10 to 90 %", *_STAGES), lines))
    return rows


def _memory(makers: dict[str, Callable[[], object]]) -> list[Row]:
    """Watches the resident size while the techniques make clips in turn, but the peer, a reference only."""
    names = [name for name in makers if name != _PEER]
    sizes = []
    for index in tqdm(range(_CLIPS.value), "clips"):
        makers[names[index % len(names)]]()
        if (index + 1) % max(_CLIPS.value // 10, 1) == 0:
            sizes.append(_resident_mebibytes())
    growth = max(sizes[1:], default=sizes[0]) - sizes[0]
    print("\nresident MiB after each tenth of the clips: " + " ".join(f"{size:.0f}" for size in sizes))
    return [Row(f"data memory growth over {_CLIPS.value} clips", growth, "MiB")]


def _maker(sections: dict[str, Any], technique: dict[str, Any]) -> Callable[[], object]:
    from data_pipeline.clip_dataset import ClipDataset, ClipRecord

    data = {"resolution": _SIZE.value, "seq_length": _FRAMES.value, "techniques": {"main": technique}}
    clips = ClipDataset(data | sections, "train")
    (subject,) = clips.subjects
    numbers: Iterator[int] = count()

    def make() -> object:
        number = next(numbers)
        return clips(ClipRecord(subject, 0, number % _PICTURES), np.random.default_rng(number))

    return make


def _stage_shares(make: Callable[[], object]) -> dict[str, float]:
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(_PICTURES):
        make()
    profile.disable()
    stats = pstats.Stats(profile)
    found = {(Path(file).name, function): entry[3] for (file, _, function), entry in stats.stats.items()}  # type: ignore[attr-defined]
    return {stage: found.get(place, 0.0) / stats.total_tt for stage, place in _STAGES.items()}  # type: ignore[attr-defined]


def _write_pictures(root: Path) -> dict[str, Any]:
    """Writes rendered faces and occluders, grained like photographs, as JPEG and PNG; returns their config sections."""
    from data_pipeline.drawn import ProceduralFaces, ProceduralOccluders
    from rvm_jax.media.pictures import write_picture

    rng = np.random.default_rng(0)

    def write(folder: Path, index: int, item: dict[str, Any]) -> None:
        grain = rng.normal(0, 4, item["rgb"].shape)
        photo = np.clip(item["rgb"] + grain, 0, 255).astype(np.uint8)
        write_picture(folder / "fg" / f"{index}.jpg", photo, jpeg_quality=90)
        write_picture(folder / "alpha" / f"{index}.png", item["alpha"])

    faces, occluders = ProceduralFaces(_SIZE.value), ProceduralOccluders(_SIZE.value)
    for index in tqdm(range(_PICTURES), "drawing the pictures", leave=False):
        write(root / "faces", index, faces[index])
        item = occluders[index]
        write(root / "occluders" / item["category"], index, item)
    size = sum(file.stat().st_size for file in root.rglob("*.jpg")) / len(list(root.rglob("*.jpg")))
    print(f"{_PICTURES} faces and {_PICTURES} occluders as files, JPEGs of {size / 1024:.0f} KiB on average")

    def section(folder: str) -> dict[str, Any]:
        return {"main": {"name": "folder", "root": str(root / folder)}}

    return {
        "faces": section("faces"),
        "foregrounds": section("faces"),
        "segmentation": section("faces"),
        "occluders": section("occluders"),
        "textures": section("faces/fg"),
        "backgrounds": section("faces/fg"),
    }


def _resident_mebibytes() -> float:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError as error:
        raise UserError("--clips needs /proc, which only Linux has; leave it out") from error
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kibibytes) / 1024
