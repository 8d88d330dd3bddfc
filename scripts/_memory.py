"""glibc's settings for programs that train on a CPU."""

import os
import sys
from pathlib import Path

_VARIABLE = "GLIBC_TUNABLES"
# A step takes and returns gigabytes. That glibc keeps them, in one arena and in huge pages, makes it a third shorter
# (docs/benchmarks.md).
_TUNABLES = {
    "arena_max": 1,
    "hugetlb": 1,
    "mmap_max": 0,
    "trim_threshold": 64 << 30,
    "top_pad": 1 << 30,
}
# Their host programs have other needs: many threads that take little.
_ACCELERATORS = ("nvidia0", "kfd", "accel0", "vfio/0")


def keep_memory() -> None:
    """Starts this program again with settings that glibc reads when a process starts.

    Nothing happens beside a GPU or TPU, where the C library is another, or where the environment has settings already.
    """
    has_accelerator = any(Path("/dev", name).exists() for name in _ACCELERATORS)
    if _VARIABLE in os.environ or has_accelerator or not sys.platform.startswith("linux"):
        return
    os.environ[_VARIABLE] = ":".join(f"glibc.malloc.{name}={value}" for name, value in _TUNABLES.items())
    os.execv(sys.executable, sys.orig_argv)
