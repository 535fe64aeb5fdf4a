"""`tamis` that is killed at a chosen point.

Run as `python dying_tamis.py POINT [ARGUMENT OF TAMIS…]`.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from tamis.dataset import storage
from tamis.dataset.operation import Operation
from tamis.interfaces.cli.main import main
from tamis.runtime import pair_verification
from tamis.services.watch import frame_writer
from tamis.services.watch.checkpoint import WatchCheckpoint

ROWS_A_BATCH = 8
"""At least; what is decided on at once may bring 7 more."""

Point = tuple[Any, str, int, bool]
"""What dies: a function, at which call of it, and whether before or after it."""

WATCH_POINTS: dict[str, Point] = {
    # all amid the second batch of rows
    "before copies are written": (WatchCheckpoint, "announce", 3, False),
    "once some copies are written": (frame_writer, "replace_file", 2 * ROWS_A_BATCH, False),
    "once all copies are written": (Operation, "insert", 2, True),
    "once rows are staged": (Operation, "set_vectors", 2, False),
    "once rows are committed": (Operation, "checkpoint", 2, False),
    "once progress is saved": (WatchCheckpoint, "save", 2, False),
}
COMMIT_POINTS: dict[str, Point] = {
    "before the first commit": (storage.os, "link", 1, True),
    "after the first commit": (storage.os, "link", 1, False),
    "before the second commit": (storage.os, "link", 2, True),
    "after the second commit": (storage.os, "link", 2, False),
}
WATCH_COMMITTED = ("once rows are committed", "once progress is saved")


def kill_at(point: str) -> None:
    """Let the process die at a point."""
    owner, name, nth, before = (WATCH_POINTS | COMMIT_POINTS)[point]
    original = getattr(owner, name)
    calls = 0

    def dying(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if before and calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **options)
        if calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)


if __name__ == "__main__":
    # a watch's batches by rows alone, so that the machine's speed does not matter
    frame_writer._ROWS, frame_writer._SECONDS = ROWS_A_BATCH, float("inf")
    kill_at(sys.argv[1])
    pair_verification._SAMPLED, pair_verification._RANDOM_PAIRS = 20, 40
    sys.exit(main(sys.argv[2:]))
