"""What this machine lets the process use."""

from __future__ import annotations

import ctypes
import math
import os
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["keep_heaps_few", "one_blas_thread", "return_free_memory", "usable_processors"]

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # from glibc's malloc.h
_OWN_MAPPING_FROM = 32 << 20
_KEPT_ON_TOP = 64 << 20
_FEWEST_HEAPS = 2


def usable_processors() -> int:
    """Return how many processors this process may keep busy, at least 1.

    What the process is bound to counts, and the share that a container has been given.
    """
    if hasattr(os, "sched_getaffinity"):
        bound = len(os.sched_getaffinity(0))
    else:
        bound = os.cpu_count() or 1
    return max(1, min(bound, _container_share()))


def _container_share() -> int:
    """Return the processors that a Linux container's quota allows, a large number without one."""
    try:
        quota, period = _QUOTA.read_text("ascii").split()
    except (OSError, ValueError):
        return 1 << 20
    return 1 << 20 if quota == "max" else math.ceil(int(quota) / int(period))


def keep_heaps_few() -> bool:
    """Let the threads of this process share a few heaps; call it before the first thread.

    Glibc gives up to eight heaps to each processor, and each keeps what its threads once needed:
    decoding, inference and storage in threads of their own took 250 MB more for the same work.
    These few keep up to 64 MB of freed memory each for what comes next: arrays of some megabytes,
    of which comparing pictures makes thousands, otherwise each cost the system fresh zeroed pages.

    Returns:
        False on systems whose allocator has no such setting.
    """
    heaps = max(_FEWEST_HEAPS, usable_processors() // 2)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    mallopt(_M_MMAP_THRESHOLD, _OWN_MAPPING_FROM)
    mallopt(_M_TRIM_THRESHOLD, _KEPT_ON_TOP)
    return bool(mallopt(_M_ARENA_MAX, heaps))


def return_free_memory() -> bool:
    """Give freed memory back to the system, between two stages of work; some milliseconds.

    Returns:
        False on systems whose allocator cannot be asked.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        return False
    trim(0)
    return True


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep linear algebra to one thread while this is open; also a decorator of functions.

    For many small products: threads that wait for each other at each of them spend many times the
    processor time that the products take, most of all beside other work. It holds for the whole
    process, until the last of those that asked for it is done. Costs about a millisecond. OpenBLAS
    may pass over what a thread asks for once the main thread has asked, which costs time alone.
    """
    with _blas.change:
        if not _blas.users:
            from threadpoolctl import threadpool_limits

            _blas.limits = threadpool_limits(1, user_api="blas")
        _blas.users += 1
    try:
        yield
    finally:
        with _blas.change:
            _blas.users -= 1
            if not _blas.users:
                _blas.limits.restore_original_limits()


class _BlasThreads:
    """Who keeps the threads of linear algebra down."""

    def __init__(self) -> None:
        self.change = Lock()
        self.users = 0
        self.limits: Any = None


_blas = _BlasThreads()
