"""Locks between processes: one writer at a time, and a sign that an operation still runs."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tamis.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.dataset.storage import Lock, Storage

__all__ = ["LOCK_TIMEOUT", "Presence", "RunningOperations", "writer_lock"]

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another writer's checkpoint, which takes about one."""

_FILE_NAME = re.compile(r"([0-9]{8,18})\.lock")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1


@contextmanager
def writer_lock(
    storage: Storage, key: str, doing: str, *, timeout: float = LOCK_TIMEOUT
) -> Iterator[None]:
    """Hold the dataset's writer lock, which the death of this process frees.

    Args:
        storage: the dataset's.
        key: of the lock.
        doing: what the holder does, told to those who wait too long.
        timeout: seconds to wait.

    Raises:
        ConflictError: another writer held the lock all that time.
        OSError: the storage refuses.
    """
    lock = _wait_for(storage, key, doing, timeout)
    try:
        yield
    finally:
        lock.release()


def _wait_for(storage: Storage, key: str, doing: str, timeout: float) -> Lock:
    owner = {
        "doing": doing,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while (lock := storage.lock(key, json.dumps(owner).encode())) is None:
        if time.monotonic() >= deadline:
            raise ConflictError(
                f"another writer has been busy for {timeout:.0f} s: {_owner(storage, key)}. "
                "Wait until it is done and run the command again; nothing was changed"
            )
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return lock


def _owner(storage: Storage, key: str) -> str:
    try:
        owner = json.loads(storage.read(key))
        return "'{doing}' in process {pid} on {host}, since {since}".format(**owner)
    except (ValueError, TypeError, KeyError):
        return "one that has not said who it is"


class RunningOperations:
    """Tells operations that still run from those whose process died.

    Each running operation holds a lock of its own, which its death frees.

    Args:
        storage: where the locks are kept.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def is_running(self, operation: int) -> bool:
        """Whether a living process is at this operation."""
        return self._storage.is_locked(_key(operation))

    def left_behind(self) -> list[str]:
        """The keys of operations whose process died."""
        ours = ((name, _FILE_NAME.fullmatch(name)) for name in self._storage.names())
        return [
            name
            for name, number in ours
            if number and self._storage.exists(name) and not self.is_running(int(number[1]))
        ]


class Presence:
    """Shows to `RunningOperations` that this process is at an operation.

    Args:
        storage: where the locks are kept.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock: Lock | None = None

    @contextmanager
    def shown(self, operation: int) -> Iterator[None]:
        """Show it from here on, until `leave` or an error in the block."""
        while (lock := self._storage.lock(_key(operation))) is None:
            time.sleep(_FIRST_PAUSE)  # for a glance of `is_running`
        self._lock = lock
        try:
            yield
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Show it no longer."""
        if self._lock is not None:
            self._lock.release(remove=True)
            self._lock = None


def _key(operation: int) -> str:
    return f"{operation:08d}.lock"
