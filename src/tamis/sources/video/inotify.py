"""The kernel's notice of files that change in a folder (Linux), through the C library."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import select
import struct
import sys
from dataclasses import dataclass
from enum import IntFlag

__all__ = ["Change", "FolderWatch", "Notice"]

_HEADER = struct.Struct("iIII")
_READ_BYTES = 1 << 16
_NONBLOCK, _CLOSE_ON_EXEC = os.O_NONBLOCK, getattr(os, "O_CLOEXEC", 0)


class Change(IntFlag):
    """What happened, by the names and numbers of `inotify(7)`."""

    MODIFIED = 0x2
    CLOSED_AFTER_WRITING = 0x8
    MOVED_HERE = 0x80
    CREATED = 0x100
    OVERFLOWED = 0x4000
    IS_FOLDER = 0x40000000


_WANTED = Change.MODIFIED | Change.CLOSED_AFTER_WRITING | Change.MOVED_HERE | Change.CREATED


@dataclass(frozen=True)
class Notice:
    """One change.

    Attributes:
        path: of the file or folder that changed; empty if notices were lost.
        change: what happened.
    """

    path: str
    change: Change


class FolderWatch:
    """Notices of changes in folders that were added.

    Attributes:
        works: whether this system gives notices; otherwise `wait` only waits.
    """

    def __init__(self) -> None:
        self._library = _c_library()
        self._descriptor = -1
        self._folders: dict[int, str] = {}
        if self._library is not None:
            self._descriptor = self._library.inotify_init1(_NONBLOCK | _CLOSE_ON_EXEC)
        self.works = self._descriptor >= 0

    def add(self, folder: str) -> None:
        """Watch a folder, not those in it; where the system refuses, nothing is noticed there."""
        if self._library is not None and self.works:
            watch = self._library.inotify_add_watch(
                self._descriptor, os.fsencode(folder), int(_WANTED)
            )
            if watch >= 0:
                self._folders[watch] = folder

    def wait(self, seconds: float) -> list[Notice]:
        """Return the notices that are there, waiting for the first at most so long."""
        watched = [self._descriptor] if self.works else []
        ready, _, _ = select.select(watched, [], [], seconds)
        if not ready:
            return []
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return []
        notices = []
        at = 0
        while at < len(data):
            watch, mask, _, length = _HEADER.unpack_from(data, at)
            at += _HEADER.size
            name = os.fsdecode(data[at : at + length].rstrip(b"\0"))
            at += length
            change = Change(mask & int(_WANTED | Change.OVERFLOWED | Change.IS_FOLDER))
            folder = self._folders.get(watch)
            if folder is not None and name:
                notices.append(Notice(os.path.join(folder, name), change))  # noqa: PTH118 - text
            elif change & Change.OVERFLOWED:
                notices.append(Notice("", change))
        return notices

    def close(self) -> None:
        """Give the notices back."""
        if self.works:
            os.close(self._descriptor)
            self.works = False


def _c_library() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(ctypes.util.find_library("c") or None, use_errno=True)
    return library if hasattr(library, "inotify_init1") else None
