"""Whether the memory that processes share holds the batches that data workers hand over in it."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from rvm_jax.errors import UserError

SHARED_MEMORY = Path("/dev/shm")
_CHANNELS = {"src": 3, "fgr": 3, "bgr": 3}  # of arrays; all others have one
# Batches of a worker that are under way: two wait, one is written, one is read.
_BATCHES = 4


def batch_bytes(arrays: Iterable[str], batch_size: int, seq_length: int, resolution: int) -> int:
    """Returns the bytes of a batch of uint8 arrays (B, T, S, S, C).

    Args:
        arrays: their names.
        batch_size: clips.
        seq_length: frames of a clip.
        resolution: height and width, S, in pixels.
    """
    channels = sum(_CHANNELS.get(name, 1) for name in arrays)
    return batch_size * seq_length * resolution**2 * channels


def check_shared_memory(of_batch: int, workers: int, place: Path = SHARED_MEMORY) -> None:
    """Refuses workers whose batches the shared memory cannot hold: containers have 64 MB unless told otherwise.

    Where it is full the workers die of a bus error, without a word.

    Args:
        of_batch: bytes of a batch.
        workers: processes that make batches.
        place: where shared memory lies; where there is no such folder, nothing is known and nothing refused.

    Raises:
        UserError: if there is too little; it says how much there is, how much is wanted, and how to get it.
    """
    if not workers or not place.is_dir():
        return
    there, wanted = shutil.disk_usage(place).total, _BATCHES * workers * of_batch
    # One batch must fit in any case; more of them are a matter of luck.
    if there < of_batch * (workers + 1):
        raise UserError(
            f"data.workers={workers}: their batches want {_megabytes(wanted)} of shared memory, and {place} holds "
            f"{_megabytes(there)}; start the container with --shm-size={_gigabytes(wanted)}g (or --ipc=host), or set "
            "data.workers=0"
        )


def _megabytes(count: int) -> str:
    return f"{count / 2**20:.0f} MB"


def _gigabytes(count: int) -> int:
    return -(-count // 2**30)
