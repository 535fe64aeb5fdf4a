"""Pictures inside zip and tar archives, read one at a time and never unpacked to disk."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.sources.archive_base import ArchiveError
from tamis.sources.tar_archive import TarArchive, is_compressed_stream
from tamis.sources.zip_archive import ZipArchive

if TYPE_CHECKING:
    from tamis.sources.archive_base import Archive

__all__ = ["close_archives", "has_archive_extension", "is_archive", "is_tar", "open_archive"]

_EXTENSIONS = (".zip", ".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_KEPT_OPEN = 4

_lock = threading.Lock()
_open: OrderedDict[tuple[str, int, int], Archive] = OrderedDict()


def has_archive_extension(path: str) -> bool:
    """Tell whether a file's name promises an archive."""
    return path.lower().endswith(_EXTENSIONS)


def is_archive(path: str) -> bool:
    """Tell whether a file is an archive by its name or its first bytes."""
    return has_archive_extension(path) or _starts_like_archive(_start_of(path))


def is_tar(path: str) -> bool:
    """Tell whether a file is a tar archive rather than a zip or no archive; content goes first."""
    start = _start_of(path)
    if _starts_like_archive(start):
        return not start.startswith(_ZIP_MAGIC)
    return has_archive_extension(path) and not path.lower().endswith(".zip")


def open_archive(path: str) -> Archive:
    """Open an archive, or hand out the one that is open; the last few are kept open.

    Raises:
        ArchiveError: it cannot be read.
    """
    try:
        status = Path(path).stat()
    except OSError as error:
        raise ArchiveError("the archive does not exist any more") from error
    key = (path, status.st_mtime_ns, status.st_size)  # a file that changed is another archive
    with _lock:
        archive = _open.get(key)
        if archive is None:
            archive = _open[key] = TarArchive(path) if is_tar(path) else ZipArchive(path)
        _open.move_to_end(key)
        if len(_open) > _KEPT_OPEN:
            # Dropped, not closed: another thread may be reading, and the last user closes it.
            _open.popitem(last=False)
        return archive


def close_archives() -> None:
    """Close every archive that is kept open."""
    with _lock:
        while _open:
            _open.popitem()[1].close()


def _start_of(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(512)
    except OSError:
        return b""


def _starts_like_archive(start: bytes) -> bool:
    return (
        start.startswith(_ZIP_MAGIC)
        or is_compressed_stream(start)
        or start[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC)
    )
