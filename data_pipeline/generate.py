"""Clips of a config's stream on disk, as benchmark folders or as the NatOcc project has its pictures."""

import json
import multiprocessing
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import grain
import numpy as np

from data_pipeline.pipeline import make_dataset
from data_pipeline.techniques import TECHNIQUES
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes, write_picture
from rvm_jax.process import configure_process

_SETTINGS = "generated.json"


class Job(NamedTuple):
    """What to write, and where; it pickles into worker processes.

    Layouts (`root` is the folder): `benchmark` has `<category>/{img,mask}/<clip>/<frame:05d>.png`, the category being
    `category` or else the occluder's; `natocc` has `image/<clip>_<frame:02d>.jpg` and `mask/<…>.png`, and lists the
    pictures in `split/<split>.txt`. With `binary` the masks are 0 and 1, as RealOcc's are, else the alpha, 0..255.
    """

    root: Path
    data: Mapping[str, Any]
    split: str
    seed: int | None
    num_clips: int
    layout: str = "benchmark"
    category: str | None = None
    binary: bool = False


def missing_clips(job: Job) -> list[int]:
    """Returns the numbers of the clips that are not in the folder yet.

    Raises:
        UserError: if it holds something else, or clips of other settings.
    """
    _check_settings(job)
    there = _present(job)
    return [index for index in range(job.num_clips) if name_of(index) not in there]


def write_clips(job: Job, missing: Sequence[int], workers: int = 0) -> Iterator[int]:
    """Writes clips and yields the number of each that is done; clips are whole or absent.

    `workers` is the number of processes to make them in, 0 for this one; the files are the same for any.
    """
    if workers and missing:
        # Spawned, as grain's workers are: a fork of a process with threads may never wake up.
        with multiprocessing.get_context("spawn").Pool(workers, _start_worker, (job,)) as pool:
            yield from pool.imap_unordered(_write_in_worker, missing)
    else:
        clips = _clips(job)
        for index in missing:
            yield _write(job, clips, index)
    if job.layout == "natocc":
        names = sorted(path.name for path in (job.root / "image").glob("[!.]*"))
        write_bytes(job.root / "split" / f"{job.split}.txt", "".join(f"{name}\n" for name in names).encode())


def name_of(index: int) -> str:
    """Returns the name of a clip on disk."""
    return f"{index:05d}"


_worker: tuple[Job, grain.MapDataset]


def _start_worker(job: Job) -> None:
    global _worker
    configure_process("worker")
    _worker = job, _clips(job)


def _write_in_worker(index: int) -> int:
    return _write(*_worker, index)


def _clips(job: Job) -> grain.MapDataset:
    return make_dataset(job.data, split=job.split, seed=job.seed, num_clips=job.num_clips, names=True)


def _present(job: Job) -> set[str]:
    """The names of the clips that are complete: what is written last is there."""
    if job.layout == "natocc":
        return {path.name.rpartition("_")[0] for path in job.root.glob(f"image/*_{job.data['seq_length'] - 1:02d}.jpg")}
    return {img.name for img in job.root.glob("*/img/[!.]*") if (img.parents[1] / "mask" / img.name).is_dir()}


def _write(job: Job, clips: grain.MapDataset, index: int) -> int:
    clip, name = clips[index], name_of(index)
    masks = clip["pha"]
    if job.binary:
        masks = (masks > 127).astype(np.uint8)
    if job.layout == "natocc":
        # Masks first, pictures last: a picture that is there has its mask.
        for frame, mask in enumerate(masks):
            write_picture(job.root / "mask" / f"{name}_{frame:02d}.png", mask)
        for frame, picture in enumerate(clip["src"]):
            write_picture(job.root / "image" / f"{name}_{frame:02d}.jpg", picture)
        return index
    category = job.root / (job.category or clip["category"])
    for folder, frames in (("mask", masks), ("img", clip["src"])):
        # Written beside its name, then renamed: whatever has its name is complete.
        partial, final = category / folder / f".{name}.partial", category / folder / name
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(final, ignore_errors=True)
        for frame, picture in enumerate(frames):
            write_picture(partial / f"{frame:05d}.png", picture)
        partial.rename(final)
    return index


def _check_settings(job: Job) -> None:
    """Keeps clips of different settings apart, and refuses those without an alpha."""
    for label, spec in job.data["techniques"].items():
        technique = TECHNIQUES.get(spec.get("name"))  # unknown names are refused where clips are made
        if technique is not None and "pha" not in technique.arrays:
            raise UserError(f"data.techniques.{label}: '{spec['name']}' makes no alpha that could be written")
    data = {key: value for key, value in job.data.items() if key != "workers"}
    settings = job._asdict() | {"data": data}
    for key in ("root", "num_clips"):  # a folder may move, and more clips may be asked for
        del settings[key]
    text, path = json.dumps(settings, indent=1, sort_keys=True), job.root / _SETTINGS
    if not path.exists():
        if job.root.exists() and any(job.root.iterdir()):
            raise UserError(f"{job.root}: the folder is not empty; give an --output_dir of its own")
        write_bytes(path, text.encode())
    elif path.read_text() != text:
        raise UserError(f"{job.root}: it holds clips of other settings ({path.name}); give another --output_dir")
