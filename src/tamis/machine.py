"""What this machine lets the process use."""

from __future__ import annotations

import math
import os
from pathlib import Path

__all__ = ["usable_processors"]

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


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
