"""Where a dataset's small files are kept: all but its Lance tables, which Lance keeps itself.

`Storage` is what the log, the description and the locks ask for; nothing else of the dataset opens
such a file. Keys are names or paths with `/`, relative to a place.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["LocalStorage", "Lock", "Storage", "held_folder", "sync", "sync_folders"]

_DRAFT = ".tmp"


class Lock(Protocol):
    """A key that this process alone holds, until it lets go of it or dies."""

    def release(self, *, remove: bool = False) -> None:
        """Let go of the key, and remove it first if told to; releasing twice does nothing."""


class Storage(Protocol):
    """Small files by key, each written whole or not at all; what is written survives a power cut.

    Several processes and machines may use one place at once. Whatever the place refuses raises an
    `OSError`, which callers turn into sentences with `tamis.dataset.storage_errors`.
    """

    @property
    def place(self) -> str:
        """Where it is, to be shown."""

    def within(self, folder: str) -> Storage:
        """Return the place below, whose keys are those that begin with the folder's name."""

    def read(self, key: str) -> bytes:
        """Return what a key holds.

        Raises:
            FileNotFoundError: it holds nothing.
        """

    def exists(self, key: str) -> bool:
        """Tell whether a key holds something."""

    def names(self) -> list[str]:
        """Return the keys right here, ascending, without unfinished ones; none of no place."""

    def put(self, key: str, data: bytes) -> None:
        """Let a key hold `data`, whatever it held; others see the old or the new, never a part."""

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Let a key that holds nothing hold `data`; of several who try, one is told True."""

    def remove(self, key: str) -> int:
        """Let a key hold nothing, and return the bytes that this freed; none of none."""

    def lock(self, key: str, note: bytes = b"") -> Lock | None:
        """Hold a key, if nobody else does, and let it say `note`; the holder's death frees it."""

    def is_locked(self, key: str) -> bool:
        """Tell whether a living process holds a key."""

    def drafts(self) -> list[str]:
        """Return the keys right here that are unfinished, by killed writers if none is at work."""


class LocalStorage:
    """`Storage` in a folder of a file system with hard links and advisory locks.

    Args:
        folder: the place; it is made with the first key, its parent has to be there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        """See `Storage`."""
        return str(self._folder)

    def within(self, folder: str) -> LocalStorage:
        """See `Storage`."""
        return LocalStorage(self._folder / folder)

    def read(self, key: str) -> bytes:
        """See `Storage`."""
        return (self._folder / key).read_bytes()

    def exists(self, key: str) -> bool:
        """See `Storage`."""
        return (self._folder / key).is_file()

    def names(self) -> list[str]:
        """See `Storage`."""
        return sorted(name for name in self._listed() if not _is_draft(name))

    def drafts(self) -> list[str]:
        """See `Storage`."""
        return sorted(name for name in self._listed() if _is_draft(name) and self.exists(name))

    def _listed(self) -> list[str]:
        try:
            with os.scandir(self._folder) as entries:
                return [entry.name for entry in entries]
        except FileNotFoundError:
            return []

    def put(self, key: str, data: bytes) -> None:
        """See `Storage`."""
        final = self._folder / key
        with self._draft(final, data) as draft:
            draft.replace(final)
        sync_folders([final.parent])

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """See `Storage`."""
        final = self._folder / key
        with self._draft(final, data) as draft:
            try:
                os.link(draft, final)
            except FileExistsError:
                return False
        sync_folders([final.parent])
        return True

    @contextmanager
    def _draft(self, final: Path, data: bytes) -> Iterator[Path]:
        final.parent.mkdir(exist_ok=True)
        draft = final.with_name(f".{final.name}.{uuid.uuid4().hex}{_DRAFT}")
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield draft
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def remove(self, key: str) -> int:
        """See `Storage`."""
        file = self._folder / key
        try:
            size = file.stat().st_size
            file.unlink()
        except FileNotFoundError:
            return 0
        return size

    def lock(self, key: str, note: bytes = b"") -> Lock | None:
        """See `Storage`."""
        file = self._folder / key
        file.parent.mkdir(exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, note, 0)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        return _LocalLock(file, descriptor)

    def is_locked(self, key: str) -> bool:
        """See `Storage`."""
        try:
            descriptor = os.open(self._folder / key, os.O_RDONLY | os.O_CLOEXEC)
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


class _LocalLock:
    """A file, and the descriptor that holds its lock."""

    def __init__(self, file: Path, descriptor: int) -> None:
        self._file = file
        self._descriptor: int | None = descriptor

    def release(self, *, remove: bool = False) -> None:
        """See `Lock`."""
        if self._descriptor is None:
            return
        if remove:
            self._file.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None


def _is_draft(name: str) -> bool:
    return name.startswith(".") and name.endswith(_DRAFT)


@contextmanager
def held_folder(folder: Path) -> Iterator[bool]:
    """Hold a local folder while it is written or removed, if nobody else does; yield whether so.

    The holder's death lets go of it.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # somebody else removed it, or it is no folder of ours
        yield False
        return
    try:
        yield _locks(descriptor)
    finally:
        os.close(descriptor)


def _locks(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # somebody else holds it, or the file system locks no folders
        return False
    return True


def sync_folders(folders: Iterable[Path]) -> None:
    """Force the names in some local folders to disk."""
    for folder in folders:
        sync(folder)


def sync(path: Path) -> None:
    """Force a local file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
