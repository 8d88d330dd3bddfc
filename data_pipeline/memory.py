"""How the processes that make clips use their memory."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_MEBIBYTE = 1 << 20


def keep_freed_memory() -> None:
    """Lets the process keep some freed memory for the next clip, which else costs half of the time of making one.

    glibc gives arrays of megabytes back to the kernel when they are freed, and the kernel clears and maps every page of
    the next one again. Elsewhere than on glibc this does nothing.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 32 * _MEBIBYTE)
        mallopt(_M_TRIM_THRESHOLD, 256 * _MEBIBYTE)
