"""Keep freed memory for the next step of a training.

Each step frees and asks for the same hundreds of megabytes. By default glibc gives such blocks back to the system at
once, which clears every page again: half the time of tuning the encoder on one core (docs/experiments.md).
"""

from __future__ import annotations

import ctypes
import sys

# From glibc's malloc.h, mallopt(3).
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
_NEVER = -1


def keep_freed_memory() -> bool:
    """From now on, this process keeps the memory that it frees. False if the C library has no such setting."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, _NEVER))
