"""How a process uses its memory and its cores: set once, by what starts it, and never by an import.

Commands call `configure_process` before anything else, and data workers when they start.
"""

import ctypes
import os
import sys
from pathlib import Path
from typing import Literal

Role = Literal["train", "worker", "eval"]

_VARIABLE = "GLIBC_TUNABLES"
# A step takes and returns gigabytes. That glibc keeps them, in one arena and in huge pages, makes it a third shorter
# (docs/performance.md).
_TUNABLES = ":".join(
    f"glibc.malloc.{name}={value}"
    for name, value in {
        "arena_max": 1,
        "hugetlb": 1,
        "mmap_max": 0,
        "trim_threshold": 64 << 30,
        "top_pad": 1 << 30,
    }.items()
)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_MEBIBYTE = 1 << 20
# Their host programs have other needs: many threads that take little.
_ACCELERATORS = ("nvidia0", "kfd", "accel0", "vfio/0")

_role: Role | None = None


def configure_process(role: Role) -> None:
    """Sets this process up for its role; only the first call in a process does anything.

    In every role OpenCV computes on one thread, as threads and workers are the parallelism, and glibc keeps freed
    memory, as the kernel clears and maps every page again that it is given back:

    - "train": all of it, by settings that glibc reads when a process starts. The program therefore starts once more,
      with the same arguments; the environment that its children inherit is without the settings. Beside a GPU or TPU it
      gets the settings of the other roles.
    - "worker", which makes clips, and "eval", which reads and measures pictures: up to 256 MiB, for the next ones.

    Memory is left as it is if `GLIBC_TUNABLES` has the user's own settings, or the C library is not glibc.
    """
    global _role
    if _role is not None:
        return
    _role = role
    given = os.environ.get(_VARIABLE)
    if role == "train" and given is None and is_glibc() and not has_accelerator():
        os.environ[_VARIABLE] = _TUNABLES
        os.execv(sys.executable, sys.orig_argv)
    if given == _TUNABLES:
        del os.environ[_VARIABLE]
    elif not given and is_glibc():
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 32 * _MEBIBYTE)
        mallopt(_M_TRIM_THRESHOLD, 256 * _MEBIBYTE)

    import cv2  # only now: the program may have started once more

    cv2.setNumThreads(0)


def is_glibc() -> bool:
    """Says whether the C library is glibc, which alone knows these settings."""
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (AttributeError, OSError, ValueError):
        return False


def has_accelerator() -> bool:
    """Says whether the machine has a GPU or TPU, by its device files."""
    return any(Path("/dev", name).exists() for name in _ACCELERATORS)


def usable_cores() -> int:
    """Returns the cores that this process may run on: what `taskset` and containers leave of the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS and Windows
