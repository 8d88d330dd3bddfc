"""From the `data` section of a config to batches of clips (grain).

All randomness of a clip comes from the generator of its number in the stream, so the clips are the same for any number
of workers and hosts, and a stream resumes at any step by its number alone. Nothing here imports `jax.numpy`: it runs in
spawned workers. These set themselves up; a process that makes clips itself calls `rvm_jax.process.configure_process`.
"""

import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import grain
import numpy as np
from absl import flags

from data_pipeline.clip_dataset import ClipDataset, ClipRecord
from data_pipeline.shared_memory import SHARED_MEMORY, batch_bytes, check_shared_memory
from data_pipeline.sources.split import SPLITS
from rvm_jax.errors import UserError
from rvm_jax.process import configure_process


class _Tag:
    """Turns an index of a source into a record with its section and source."""

    def __init__(self, section: str, member: int):
        self.section, self.member = section, member

    def __call__(self, index: int) -> ClipRecord:
        return ClipRecord(self.section, self.member, index)


def make_dataset(
    data: Any, *, split: str = "train", seed: int | None = None, num_clips: int | None = None, names: bool = False
) -> grain.MapDataset:
    """Makes the stream of a split's clips, with random access: `dataset[i]` is a clip, see `techniques`.

    Args:
        data: the `data` section of a config: `techniques`, and what these take: `faces` (`foregrounds` for `rvm`,
            `segmentation` for the technique of that name), `occluders` (`textures` for `randocc`, `backgrounds` for
            `rvm`), each {label: spec} with weights; `resolution`, `seq_length`, `trimap`, `seed`, `max_bad_share`
            (0.5). A section `valid` or `test` in it overrides any of them for that split; the test split takes `valid`
            where it has none of its own.
        split: "train", "valid" or "test".
        seed: of the whole stream; where not given, `data.seed` for training, and for the other splits one of their
            own, so that their clips are always the same.
        num_clips: the length; endless where not given. The faces are shuffled again each time that all had their turn.
        names: see `ClipDataset`.

    Raises:
        UserError: naming the key of `data`, if one is wrong.
    """
    section = section_of(data, split)
    clips = ClipDataset(section, split, names)
    return _stream(clips, _stream_seed(section, split, seed))[slice(num_clips)]


class ClipBatches:
    """Iterates over batches, {name: uint8 (B, T, H, W, C)}, with or without end; close it, or use it as a context.

    Attributes:
        epoch_size: how many clips show every face (or foreground) once (with several sources: on average).
    """

    def __init__(
        self, dataset: grain.MapDataset, clips: ClipDataset, workers: int, folder: tempfile.TemporaryDirectory[str]
    ):
        self.epoch_size = len(clips)
        self._clips, self._folder = clips, folder
        # Workers run one thread each; without workers, threads read ahead while the device computes.
        options = grain.ReadOptions(num_threads=1 if workers else 2, prefetch_buffer_size=2)
        iterable = dataset.to_iter_dataset(options)
        if workers:
            if not flags.FLAGS.is_parsed():
                flags.FLAGS.mark_as_parsed()  # grain's workers read absl's flags, which a test or a notebook has not
            multiprocessing = grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=2)
            iterable = iterable.mp_prefetch(multiprocessing, _start_worker)
        self._iterator: Iterator[dict[str, np.ndarray]] = iter(iterable)

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        return self

    def __next__(self) -> dict[str, np.ndarray]:
        return next(self._iterator)

    def __enter__(self) -> "ClipBatches":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def bad_records(self) -> int:
        """Counts the pictures that could not be used so far, and were passed over, by all workers together."""
        return self._clips.bad.count()

    def close(self) -> None:
        """Ends the workers."""
        if isinstance(self._iterator, grain.DatasetIterator):
            self._iterator.close()
        self._iterator = iter(())  # grain's own complains when it is left to the interpreter's end
        self._folder.cleanup()


def make_batches(
    data: Any,
    *,
    batch_size: int,
    split: str = "train",
    seed: int | None = None,
    start_step: int = 0,
    num_clips: int | None = None,
    process_index: int = 0,
    process_count: int = 1,
    workers: int | None = None,
    drop_remainder: bool = True,
    shared_memory: Path = SHARED_MEMORY,
) -> ClipBatches:
    """Makes this host's batches of a split's clips; the clips are those of `make_dataset`, sharded across the hosts.

    Args:
        data, split, seed: see `make_dataset`.
        batch_size: clips a batch on this host.
        start_step: how many batches were already taken: the stream resumes exactly there.
        num_clips: clips in all, on all hosts; endless where not given.
        process_index, process_count: this host and the number of hosts.
        workers: processes (`data.workers` where not given); with 0 the clips are made in threads of this one.
        drop_remainder: whether to leave out a last batch that is not full.
        shared_memory: the folder of the memory through which workers hand over batches.

    Raises:
        UserError: if a setting is wrong, or the stream has not a single batch.
    """
    section = section_of(data, split)
    workers = section.get("workers", 0) if workers is None else workers
    if batch_size < 1:
        raise UserError(f"a batch needs at least one clip on each host, not {batch_size}; check the batch size")
    if not 0 <= process_index < process_count:
        raise UserError(f"process {process_index} is none of {process_count} processes")
    if num_clips is not None and num_clips % process_count:
        raise UserError(f"{num_clips} clips cannot be split evenly across {process_count} hosts; use a multiple")
    if num_clips is not None and drop_remainder and num_clips // process_count < batch_size:
        raise UserError(f"{num_clips} clips fill no batch of {batch_size} on {process_count} host(s); take more clips")
    folder = tempfile.TemporaryDirectory(prefix="rvm_jax_data_", ignore_cleanup_errors=True)
    try:
        clips = ClipDataset(section, split, shared=Path(folder.name))
        arrays = clips.arrays  # refuses what no batch can hold
        check_shared_memory(
            batch_bytes(arrays, batch_size, section["seq_length"], section["resolution"]), workers, shared_memory
        )
        # Sliced after the random map: slicing before it would give every host the same random numbers.
        dataset = _stream(clips, _stream_seed(section, split, seed))[:num_clips][process_index::process_count]
        # Batched before the workers: the batches are then the same for any number of them.
        dataset = dataset.batch(batch_size, drop_remainder=drop_remainder)[start_step:]
        return ClipBatches(dataset, clips, workers, folder)
    except BaseException:
        folder.cleanup()
        raise


def _start_worker(index: int, count: int) -> None:
    configure_process("worker")


def section_of(data: Any, split: str) -> dict[str, Any]:
    """Returns the `data` section as a plain dict, with what the split overrides.

    Raises:
        UserError: if the split is unknown, or the section lacks a key that all need.
    """
    if split not in SPLITS:
        raise UserError(f"no split '{split}'; there are {', '.join(SPLITS)}")
    plain = dict(data.to_dict() if hasattr(data, "to_dict") else data)
    own = {name: plain.pop(name, None) for name in SPLITS[1:]}
    overrides = own.get(split) or (own["valid"] if split == "test" else None) or {}
    section = {key: value for part in (plain, overrides) for key, value in part.items() if value is not None}
    for key in ("techniques", "resolution", "seq_length"):
        if key not in section:
            raise UserError(f"data.{key}: the config does not give it")
    return section


def _stream_seed(section: Mapping[str, Any], split: str, seed: int | None) -> int:
    if seed is not None:
        return seed
    return section.get("seed", 0) if split == "train" else zlib.crc32(split.encode())


def _stream(clips: ClipDataset, seed: int) -> grain.MapDataset:
    members = [
        (section, index, member, share * member.weight / sum(other.weight for other in clips.pools[section].members))
        for section, share in clips.subjects.items()
        for index, member in enumerate(clips.pools[section].members)
    ]
    # Explicit seeds: those that grain derives change with every operation that is put before.
    clip_seed, *seeds = (int(word) for word in np.random.SeedSequence(seed).generate_state(1 + len(members)))
    streams = [
        grain.MapDataset.range(len(member.source)).shuffle(seed=word).repeat(None).map(_Tag(section, index))
        for (section, index, member, _), word in zip(members, seeds, strict=True)
    ]
    records = streams[0] if len(streams) == 1 else grain.MapDataset.mix(streams, [weight for *_, weight in members])
    return records.random_map(clips, seed=clip_seed)
