"""Locks between processes: one writer at a time, and a sign that an operation still runs."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tamis.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LOCK_TIMEOUT", "ExclusiveLock", "Presence", "RunningOperations", "writer_lock"]

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another writer's checkpoint, which takes about one."""

_FILE_NAME = re.compile(r"([0-9]{8,18})\.lock")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1


@contextmanager
def writer_lock(path: Path, doing: str, *, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Hold the dataset's writer lock; the kernel frees it when the process dies.

    Args:
        path: the lock file.
        doing: what the holder does, told to those who wait too long.
        timeout: seconds to wait.

    Raises:
        ConflictError: another writer held the lock all that time.
        OSError: the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _wait_for(descriptor, timeout)
        owner = {
            "doing": doing,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(owner).encode(), 0)
        yield
    finally:
        os.close(descriptor)


class ExclusiveLock:
    """A lock on a file that one process at a time holds; the kernel frees it when that dies.

    Args:
        path: the lock file.

    Raises:
        BlockingIOError: another process holds it.
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if not _try_lock(self._descriptor):
            self.release()
            raise BlockingIOError(f"another process holds {path}")

    def release(self) -> None:
        """Let others have it."""
        os.close(self._descriptor)


def _wait_for(descriptor: int, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while not _try_lock(descriptor):
        if time.monotonic() >= deadline:
            raise ConflictError(
                f"another writer has been busy for {timeout:.0f} s: {_owner(descriptor)}. "
                "Wait until it is done and run the command again; nothing was changed"
            )
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(descriptor: int) -> str:
    try:
        owner = json.loads(os.pread(descriptor, 4096, 0))
        return "'{doing}' in process {pid} on {host}, since {since}".format(**owner)
    except (ValueError, TypeError, KeyError):
        return "one that has not said who it is"


@dataclass(frozen=True)
class Presence:
    """The sign that an operation runs: a file, and the descriptor that holds its lock."""

    file: Path
    descriptor: int


class RunningOperations:
    """Tells operations that still run from those whose process died.

    Each running operation holds a lock on a file of its own, which its death frees.

    Args:
        folder: where the files lie; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def enter(self, operation: int) -> Presence:
        """Mark an operation as running in this process, until `leave`."""
        self._folder.mkdir(exist_ok=True)
        file = self._file(operation)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # waits for nobody but a glance of `is_running`
        return Presence(file, descriptor)

    def leave(self, presence: Presence) -> None:
        """End what `enter` began."""
        presence.file.unlink(missing_ok=True)
        os.close(presence.descriptor)

    def is_running(self, operation: int) -> bool:
        """Whether a living process is at this operation."""
        try:
            descriptor = os.open(self._file(operation), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)

    def left_behind(self) -> list[Path]:
        """The files of operations whose process died."""
        if not self._folder.is_dir():
            return []
        ours = ((file, _FILE_NAME.fullmatch(file.name)) for file in sorted(self._folder.iterdir()))
        return [
            file
            for file, number in ours
            if number and file.is_file() and not self.is_running(int(number[1]))
        ]

    def _file(self, operation: int) -> Path:
        return self._folder / f"{operation:08d}.lock"
